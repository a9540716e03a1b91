"""Restore and the way back, on a real clinic."""

import errno
import sqlite3
import threading
from contextlib import closing
from typing import Any

import pytest

from backup_core.engine import BackupEngine
from backup_core.progress import OnProgress, Progress, Stage
from tests.audit import listening
from tests.web.conftest import PATIENCE, Clinic, Visitor
from webadmin import restores

TICKED = {"confirmed": "yes"}


def restore(visitor: Visitor, name: str, form: dict[str, str]) -> str:
    """Start a restore and return the page that shows what came of it."""
    started = visitor.post(f"/backups/{name}/restore", form)
    visitor.finished()
    return visitor.get(started.request.full_path).text


def test_the_question_shows_the_backup_beside_the_data_now(visitor: Visitor, clinic: Clinic, backup: str) -> None:
    clinic.admit(2)
    page = visitor.get(f"/backups/{backup}/restore").text

    assert "2 fewer" in page
    assert "I know that this removes 2 patients and 2 visits" in page
    assert "Put back this backup" in page
    assert "For 30 days you can go back to before the restore." in page
    assert "How long it takes is not known yet" in page


def test_the_question_words_it_without_numbers_where_none_are_removed(visitor: Visitor, backup: str) -> None:
    page = visitor.get(f"/backups/{backup}/restore").text

    assert "I know that this removes all that was entered or changed since" in page


def test_the_question_says_when_today_s_data_cannot_be_read(visitor: Visitor, clinic: Clinic, backup: str) -> None:
    (clinic.data_dir / "clinic.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 8000)

    assert "Today's data cannot be read as it should" in visitor.get(f"/backups/{backup}/restore").text


def test_without_the_tick_nothing_is_restored(visitor: Visitor, clinic: Clinic, backup: str) -> None:
    clinic.admit(2)
    answer = visitor.post(f"/backups/{backup}/restore")

    assert answer.status_code == 422
    assert "Nothing was changed." in answer.text
    assert clinic.count("patients") == 5
    assert visitor.jobs.last() is None


def test_a_restore_brings_the_records_back_and_counts_them(visitor: Visitor, clinic: Clinic, backup: str) -> None:
    clinic.admit(2)
    page = restore(visitor, backup, TICKED)

    assert "is back" in page
    assert "Read again and counted: 3 patients, 3 visits." in page
    assert "Go back to before the restore" in page
    assert clinic.count("patients") == 3


def test_a_restore_can_be_taken_back(visitor: Visitor, clinic: Clinic, backup: str) -> None:
    clinic.admit(2)
    restore(visitor, backup, TICKED)
    offer, question = visitor.get("/").text, visitor.get("/undo").text
    unticked = visitor.post("/undo")
    started = visitor.post("/undo", TICKED)
    visitor.finished()
    page = visitor.get(started.request.full_path).text

    assert "You put a backup back." in offer
    assert "Go back to before the restore?" in question
    assert "2 more" in question
    assert unticked.status_code == 422
    assert "Read again and counted: 5 patients, 5 visits." in page
    assert clinic.count("patients") == 5


def test_without_a_restore_there_is_nothing_to_go_back_from(visitor: Visitor, backup: str) -> None:
    assert visitor.get("/undo").status_code == 409
    assert "no restore to go back from" in visitor.post("/undo", TICKED).text
    assert "You put a backup back." not in visitor.get("/").text


def test_the_entries_that_come_off_are_named(visitor: Visitor, clinic: Clinic, backup: str) -> None:
    clinic.admit(1)
    clinic.rename(2, "P <two>")
    question = visitor.get(f"/backups/{backup}/restore").text
    page = visitor.get(f"/backups/{backup}/losses").text

    assert f'hx-get="/backups/{backup}/losses"' in question
    assert "1 not in this backup, 1 changed since" in page
    assert "<bdi hx-ignore>P 4</bdi>" in page
    assert "<bdi hx-ignore>P &lt;two&gt;</bdi>" in page


def test_a_backup_of_a_newer_docassist_wants_a_tick_of_its_own(
    visitor: Visitor, clinic: Clinic, engine: BackupEngine
) -> None:
    clinic.update_to(9)
    newer = engine.create().name
    clinic.update_to(8)

    refused = restore(visitor, newer, TICKED | {"with_settings": "yes"})
    page = restore(visitor, newer, TICKED | {"newer": "yes"})

    assert "This backup needs a newer DocAssist" in refused
    assert 'type="checkbox" name="newer"' in refused
    assert 'type="hidden" name="with_settings"' in refused
    assert "is back" in page


def test_another_clinic_s_backup_wants_a_tick_of_its_own(
    visitor: Visitor, clinic: Clinic, engine: BackupEngine
) -> None:
    other = Clinic(clinic.data_dir.parent / "other", prefix="Q")
    other.admit(7)
    foreign = BackupEngine(other.data_dir, engine.backup_dir).create().name
    engine.create()

    refused = restore(visitor, foreign, TICKED)
    patients_then = clinic.count("patients")
    listed = visitor.get("/").text
    page = restore(visitor, foreign, TICKED | {"other_clinic": "yes"})

    assert "Is this your clinic&#39;s backup?" in refused or "Is this your clinic's backup?" in refused
    assert "These look like another clinic&#39;s records (7 patients" in refused
    assert 'name="other_clinic"' in refused
    assert listed.count("Another clinic's") == 1
    assert patients_then == 3
    assert "Read again and counted: 7 patients" in page
    assert clinic.count("patients") == 7


def test_a_restore_that_fails_says_why_and_that_nothing_changed(
    visitor: Visitor, clinic: Clinic, engine: BackupEngine, backup: str
) -> None:
    path = engine.find(backup).path
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.write_bytes(data)
    clinic.admit(1)
    page = restore(visitor, backup, TICKED)

    assert "The backup was not put back" in page
    assert "Today's data is as it was." in page
    assert clinic.count("patients") == 4


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC], ids=["disk error", "disk full"])
def test_a_restore_that_fails_half_way_says_to_keep_docassist_closed_and_not_that_nothing_changed(
    visitor: Visitor, clinic: Clinic, backup: str, code: int
) -> None:
    (clinic.data_dir / "prescriptions").mkdir()
    clinic.admit(1)
    is_half_way = False

    def refuse_all_after_the_first_swap(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal is_half_way
        if is_half_way and (event == "os.rename" or (event == "ctypes.dlsym" and arguments[1] != "malloc_trim")):
            raise OSError(code, "refused")
        is_half_way |= event == "os.rename" and str(arguments[1]) == str(clinic.data_dir / "clinic.db")

    with listening(refuse_all_after_the_first_swap):
        page = restore(visitor, backup, TICKED)

    assert is_half_way
    assert "Today's data is as it was" not in page
    assert "DocAssist Backup puts it right when it next starts" in page
    assert "Until then DocAssist should stay closed." in page
    assert "The backup was not put back" not in page


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_of_the_program_in_a_restore_promises_nothing_of_the_data(visitor: Visitor, backup: str) -> None:
    def blunder(on_progress: OnProgress) -> object:
        raise TypeError("a bug")

    job = visitor.jobs.wait(visitor.jobs.start("restore", blunder).id, PATIENCE)
    page = visitor.get(f"/backups/{backup}/restore/{job.id}").text

    assert "It is not known how far the restore came." in page
    assert "Until then DocAssist should stay closed." in page
    assert "Today's data is as it was" not in page


@pytest.mark.parametrize("job_id", ["1", "x" * 300])
def test_a_job_that_is_not_known_has_no_page(visitor: Visitor, backup: str, job_id: str) -> None:
    assert visitor.get(f"/backups/{backup}/restore/{job_id}").status_code == 404


def test_the_page_of_another_job_is_no_restore(visitor: Visitor, backup: str) -> None:
    visitor.post("/backups")
    job = visitor.finished()

    assert visitor.get(f"/backups/{backup}/restore/{job.id}").status_code == 404


def test_the_question_waits_for_a_backup_that_is_being_made(visitor: Visitor, backup: str) -> None:
    may_end = threading.Event()
    visitor.jobs.start("create", lambda on_progress: may_end.wait(PATIENCE))
    timer = threading.Timer(0.2, may_end.set)
    timer.start()
    answer = visitor.get(f"/backups/{backup}/restore")
    timer.join()

    assert answer.status_code == 200


def test_the_question_is_put_off_while_something_long_is_running(
    visitor: Visitor, backup: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restores, "PATIENCE", 0)
    may_end = threading.Event()
    visitor.jobs.start("create", lambda on_progress: may_end.wait(PATIENCE))
    answer = visitor.get(f"/backups/{backup}/restore")
    may_end.set()
    visitor.finished()

    assert answer.status_code == 409
    assert "DocAssist Backup is busy." in answer.text


def test_going_back_names_what_comes_back_and_what_is_put_aside(visitor: Visitor, clinic: Clinic, backup: str) -> None:
    clinic.admit(2)
    restore(visitor, backup, TICKED)
    clinic.rename(1, "P <since>")
    clinic.admit(1)
    with closing(sqlite3.connect(clinic.data_dir / "clinic.db")) as database:
        database.execute("UPDATE patients SET created_at = '2026-01-02 10:30:00' WHERE id = 4")
        database.commit()
    question, entries = visitor.get("/undo").text, visitor.get("/undo/entries").text
    back, rest = entries.split("What goes back to how it was then")
    changed, aside = rest.split("What was entered since, and is put aside")

    assert 'hx-get="/undo/entries"' in question
    assert "P 5</bdi>" in back
    assert "P &lt;since&gt;</bdi>" in changed
    assert "P 4</bdi>" in aside
    assert "What is there today stays in a backup of its own, so nothing is lost." in aside
    assert "/compare/all" in aside
    assert entries.count("P &lt;since&gt;</bdi>, ") == 1


def test_going_back_to_the_same_entries_says_so(visitor: Visitor, backup: str) -> None:
    restore(visitor, backup, TICKED)

    assert "nothing comes back, and nothing is put aside" in visitor.get("/undo/entries").text


def test_a_restore_that_was_cancelled_says_that_nothing_changed(visitor: Visitor, backup: str) -> None:
    def work(on_progress: OnProgress) -> None:
        on_progress(Progress(Stage.EXTRACT, 1, 2))
        current = visitor.jobs.current()
        assert current is not None
        assert visitor.jobs.cancel(current.id)
        on_progress(Progress(Stage.EXTRACT, 2, 2))

    job = visitor.jobs.wait(visitor.jobs.start("restore", work).id, PATIENCE)
    page = visitor.get(f"/backups/{backup}/restore/{job.id}").text

    assert "Cancelled. Everything is as it was before." in page
    assert "hx-trigger" not in page.partition("</section>")[0].partition('id="progress"')[2].partition(">")[0]


def test_while_docassist_is_asked_to_close_the_page_says_what_to_do_there(visitor: Visitor, backup: str) -> None:
    at_work, asked = threading.Event(), threading.Event()

    def work(on_progress: OnProgress) -> None:
        on_progress(Progress(Stage.CLOSE_EMR))
        at_work.set()
        assert asked.wait(PATIENCE)

    job = visitor.jobs.start("restore", work)
    assert at_work.wait(PATIENCE)
    page = visitor.get(f"/backups/{backup}/restore/{job.id}").text
    asked.set()
    visitor.jobs.wait(job.id, PATIENCE)

    assert "If DocAssist asks whether to save, answer it there." in page
    assert ">Cancel<" in page
