"""Check, compare, keep and cancel, on a real clinic."""

import re
import threading
from datetime import UTC, datetime

import pytest

from backup_core.engine import BackupEngine
from backup_core.listing import State
from backup_core.progress import OnProgress, Progress, Stage
from backup_core.proofs import Proof
from backup_core.rulebook import BY_HAND
from tests.web.conftest import PATIENCE, Clinic, Visitor


def test_check_opens_the_backup_and_says_what_it_found(visitor: Visitor, engine: BackupEngine, backup: str) -> None:
    before = visitor.get("/").text
    visitor.post(f"/backups/{backup}/check")
    job = visitor.finished()
    after = visitor.get("/").text

    assert "Not yet opened." in before
    assert job.kind == "prove"
    assert engine.find(backup).state is State.PROVEN
    assert "The backup was opened and checked, and nothing was changed: 3 patients, 3 visits." in after
    assert "Opened and checked" in after


def test_check_of_a_damaged_backup_says_what_is_wrong_and_what_is_left(
    visitor: Visitor, engine: BackupEngine, clinic: Clinic
) -> None:
    (clinic.data_dir / "prescriptions").mkdir()
    (clinic.data_dir / "prescriptions" / "zz.pdf").write_bytes(b"%PDF" + bytes(range(256)) * 400)
    name = engine.create().name
    path = engine.find(name).path
    data = path.read_bytes()
    at = data.rindex(b"%PDF") + 2000 if b"%PDF" in data else len(data) * 2 // 3
    path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    visitor.post(f"/backups/{name}/check")
    visitor.finished()
    page = visitor.get("/").text

    assert engine.find(name).state is State.DAMAGED
    assert "This backup is damaged" in page
    assert "Still whole in it: patients and visits" in page
    assert re.search("No backup yet.*The backup of .* is damaged", page, re.DOTALL)


def test_check_of_one_that_could_only_be_counted_does_not_say_that_it_was_opened(
    visitor: Visitor, engine: BackupEngine, backup: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Proof(datetime.now(UTC), "", 3, 3, 5, remark="Too little memory.", opened=False)
    monkeypatch.setattr("backup_core.inspector.prove", lambda *asked, **how: counted)
    visitor.post(f"/backups/{backup}/check")
    visitor.finished()
    page = visitor.get("/").text

    assert "The backup was read and counted, but not opened, and nothing was changed." in page
    assert "Too little memory." in page
    assert "Read and counted" in page
    assert "opened and checked:" not in page


def test_a_backup_is_kept_for_ever_and_then_no_longer(visitor: Visitor, engine: BackupEngine, backup: str) -> None:
    kept = visitor.post(f"/backups/{backup}/keep", {"keep": "yes"}).text
    pins = engine.keeper.pins
    freed = visitor.post(f"/backups/{backup}/keep", {"keep": "no"}).text

    assert pins == {backup: BY_HAND}
    assert "Keep no longer than others" in kept
    assert engine.keeper.pins == {}
    assert "Keep for ever" in freed


def test_compare_shows_both_and_whose_entries_are_missing(visitor: Visitor, clinic: Clinic, backup: str) -> None:
    clinic.admit(2)
    page = visitor.get(f"/backups/{backup}/compare").text
    entries = visitor.get(f"/backups/{backup}/losses").text

    assert "2 fewer" in page
    assert "Only looked at, nothing is changed." in page
    assert "P 5</bdi>" in entries
    assert f"/backups/{backup}/compare/all" in entries


def test_the_list_to_print_names_every_entry_with_all_that_was_written_in_it(
    visitor: Visitor, clinic: Clinic, backup: str
) -> None:
    clinic.admit(260)
    clinic.write_note(263, "Fever <since> Monday")
    page = visitor.get(f"/backups/{backup}/compare/all").text

    assert page.count("<li>") == 520
    assert "P 263</bdi>" in page
    assert "Fever &lt;since&gt; Monday" in page


def test_where_nothing_is_missing_the_list_says_so(visitor: Visitor, backup: str) -> None:
    assert "the backup holds all that is there today" in visitor.get(f"/backups/{backup}/compare/all").text
    assert "holds every entry that is there today" in visitor.get(f"/backups/{backup}/losses").text


def test_what_runs_can_be_cancelled_while_that_is_safe(visitor: Visitor, backup: str) -> None:
    reported, go_on = threading.Event(), threading.Event()

    def work(on_progress: OnProgress) -> None:
        on_progress(Progress(Stage.PACK, 1, 2))
        reported.set()
        assert go_on.wait(PATIENCE)
        on_progress(Progress(Stage.PACK, 2, 2))

    job = visitor.jobs.start("create", work)
    assert reported.wait(PATIENCE)
    offered = visitor.get("/").text
    answer = visitor.post(f"/jobs/{job.id}/cancel")
    stopping = visitor.get("/").text
    again = visitor.post(f"/jobs/{job.id}/cancel")
    go_on.set()
    ended = visitor.finished()
    page = visitor.get("/").text

    assert f"/jobs/{job.id}/cancel" in offered
    assert (answer.status_code, again.status_code) == (204, 204)
    assert "Stopping…" in stopping
    assert ended.state == "cancelled"
    assert "Cancelled. Everything is as it was before." in page
    assert "The last backup did not work" not in page


def test_what_replaces_the_data_offers_no_cancel(visitor: Visitor, backup: str) -> None:
    reported, go_on = threading.Event(), threading.Event()

    def work(on_progress: OnProgress) -> None:
        on_progress(Progress(Stage.SWAP))
        reported.set()
        assert go_on.wait(PATIENCE)

    job = visitor.jobs.start("restore", work)
    assert reported.wait(PATIENCE)
    page, answer = visitor.get("/").text, visitor.post(f"/jobs/{job.id}/cancel")
    go_on.set()
    visitor.finished()

    assert "/cancel" not in page
    assert answer.status_code == 409
    assert "It is too late to cancel that." in answer.text
    assert visitor.post("/jobs/nothing/cancel").status_code == 404


@pytest.mark.parametrize("name", ["nothing.zip", "..", "%2e%2e%2fclinic.db", "%00"])
def test_what_is_not_in_the_list_can_be_neither_checked_nor_kept(visitor: Visitor, backup: str, name: str) -> None:
    for step in ("check", "keep"):
        assert visitor.post(f"/backups/{name}/{step}").status_code in (404, 405)
    assert visitor.get(f"/backups/{name}/compare").status_code == 404


def test_news_of_a_job_is_told_once_and_not_for_ever(visitor: Visitor, backup: str) -> None:
    visitor.post(f"/backups/{backup}/check")
    job = visitor.finished()

    assert job.finished_at is not None
    assert (datetime.now(UTC) - job.finished_at).total_seconds() < 600
    assert "nothing was changed" in visitor.get("/overview").text
