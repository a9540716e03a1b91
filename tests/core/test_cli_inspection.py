"""The commands that look into backups, keep them, and try the whole job."""

import errno
import json
import re
import threading
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from backup_core import BackupEngine
from tests.audit import listening
from tests.clinic import PATIENTS, Clinic
from tests.core.commandline import Run, damage, made

pytestmark = pytest.mark.usefixtures("own_log")


def test_prove_opens_the_newest_backup_and_tells_the_evidence(run: Run) -> None:
    name = made(run)
    told = run("prove")
    assert (told.status, told.err) == (0, "")
    assert told.out.startswith(f"{name} was opened and checked: {PATIENTS} patients")
    assert "search entries answer" in told.out
    assert "proven" in run("list").out


def test_prove_gives_json_with_the_counts_and_the_time(run: Run) -> None:
    name = made(run)
    evidence = run("--json", "prove", name).document
    assert (evidence["name"], evidence["patients"], evidence["problem"]) == (name, PATIENTS, "")
    assert datetime.fromisoformat(evidence["at"]).tzinfo is not None


@pytest.mark.parametrize("words", [["verify"], ["prove"], ["verify-all"]])
def test_of_a_damaged_backup_is_told_what_is_still_whole(run: Run, clinic: Clinic, words: list[str]) -> None:
    name = made(run)
    path = clinic.data_dir / "backups" / name
    with zipfile.ZipFile(path) as opened:
        at = opened.getinfo("clinic.db").header_offset + 60
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    told = run("verify") if words == ["verify-all"] else run(*words, name)
    assert told.status == 3
    assert "Still whole in it: " in told.err
    whole = told.err.partition("Still whole in it: ")[2].partition(".\n")[0]
    assert "chroma" in whole
    assert "clinic.db" not in whole
    listed = run("list")
    assert "damaged" in listed.out
    assert f"Still whole in it: {whole}" in listed.out
    (described,) = run("list", "--json").document["backups"]
    assert described["recoverable"] == whole.split(", ")
    assert described["problem"]


def test_what_was_found_is_noted_also_where_a_backup_is_put_into_its_folder_just_then(run: Run, clinic: Clinic) -> None:
    name = made(run)
    damage(clinic.data_dir / "backups" / name)
    held, let_go = threading.Event(), threading.Event()

    def put_into_the_folder() -> None:
        with BackupEngine(clinic.data_dir).repository.lock():
            held.set()
            let_go.wait(1)

    other = threading.Thread(target=put_into_the_folder)
    other.start()
    held.wait()
    try:
        assert run("verify", name).status == 3
    finally:
        let_go.set()
        other.join()
    (described,) = run("list", "--json").document["backups"]
    assert described["state"] == "damaged"
    assert described["recoverable"]


def test_prove_of_a_damaged_backup_says_what_is_wrong_with_status_3(run: Run, clinic: Clinic) -> None:
    name = made(run)
    damage(clinic.data_dir / "backups" / name)
    told = run("prove", name)
    assert told.status == 3
    assert name in told.err
    assert "damaged" in told.err
    assert "damaged" in run("list").out


def test_prove_without_a_backup_says_so(run: Run) -> None:
    told = run("prove")
    assert (told.status, told.err.splitlines()[0]) == (1, "There is no backup to open yet.")


def test_one_that_cannot_be_opened_now_keeps_no_other_from_being_verified(run: Run) -> None:
    first, _second = made(run), made(run)
    opened: list[str] = []

    def refuse(event: str, values: tuple[Any, ...]) -> None:
        if event == "open" and str(values[0]).endswith(first):
            opened.append(first)
            # The list of backups may read it, and then another program takes it.
            if len(opened) > 1:
                raise OSError(errno.EACCES, "refused")

    with listening(refuse):
        told = run("verify")
    assert told.status == 3
    assert told.err.startswith(f"1 of 2 backups cannot be used. {first} cannot be opened just now (refused)")
    assert "The others are whole" in told.err
    assert "All 2 are whole" in run("verify").out


def test_compare_names_what_would_come_off(run: Run, clinic: Clinic) -> None:
    name = made(run)
    assert "nothing off" in run("compare", name).out
    clinic.admit("Nora Neu")
    told = run("compare", name)
    assert told.status == 0
    assert "patients: 1 new, 0 changed since" in told.out
    assert "Nora Neu" in told.out
    losses = run("--json", "compare", name).document["losses"]
    assert [(loss["table"], loss["missing"]) for loss in losses] == [("patients", 1), ("visits", 1)]


def test_a_pinned_backup_is_kept_and_the_list_says_why(run: Run) -> None:
    first, second = made(run), made(run)
    assert run("pin", first).out == f"{first} is kept for ever.\n"
    assert run("prune", "--keep", "1").out == "There was no backup to delete.\n"
    reasons = {one["name"]: one["kept_because"] for one in run("--json", "list").document["backups"]}
    assert reasons == {first: "pinned", second: "newest"}
    assert run("unpin", first).status == 0
    assert first in run("prune", "--keep", "1").out


def test_the_alarm_is_ended_by_saying_that_all_is_well(run: Run, clinic: Clinic) -> None:
    assert run("all-is-well").out == "There was no alarm.\n"
    good = made(run)
    clinic.sql("DELETE FROM patients WHERE id > 5")
    made(run)
    engine = BackupEngine(clinic.data_dir)
    assert engine.keeper.alarm() is not None
    kept = [line for line in run("list").out.splitlines() if good in line]
    assert "kept until all is well" in kept[0]
    assert run("--json", "list").document["backups"][-1]["kept_because"] == "alarm"
    assert run("all-is-well").out.startswith("Ended: 55 of 60 patients have gone")
    assert engine.keeper.alarm() is None


def test_a_newer_backup_wants_its_own_word_that_yes_does_not_give(run: Run, clinic: Clinic) -> None:
    clinic.sql("INSERT INTO schema_versions (version) VALUES (99)")
    newer = made(run)
    clinic.sql("DELETE FROM schema_versions WHERE version = 99")
    refused = run("restore", newer, "--yes")
    assert refused.status == 1
    assert "newer version of DocAssist" in refused.err
    assert "--newer" in refused.err
    assert run("restore", newer, "--yes", "--newer").status == 0
    assert clinic.sql("SELECT max(version) FROM schema_versions") == [(99,)]


def test_a_person_at_the_terminal_is_asked_about_a_newer_backup(run: Run, clinic: Clinic) -> None:
    clinic.sql("INSERT INTO schema_versions (version) VALUES (99)")
    newer = made(run)
    clinic.sql("DELETE FROM schema_versions WHERE version = 99")
    assert run("restore", newer, "--yes", typed="no\n").status == 1
    assert run("restore", newer, "--yes", typed="yes\n").status == 0


def test_the_self_test_passes_here_and_leaves_a_report_and_nothing_else(run: Run, own_folders: Path) -> None:
    told = run("--json", "selftest")
    assert told.status == 0, told.err
    steps = told.document["steps"]
    assert len(steps) == 8
    assert all(step["ok"] for step in steps)
    report = Path(told.document["report"])
    assert "8 of 8 passed" in report.read_text(encoding="utf-8")
    assert [path.name for path in report.parent.iterdir() if path.is_dir()] == []


def test_what_fails_in_the_self_test_is_in_the_report_and_stops_no_other_step(run: Run, own_folders: Path) -> None:
    def refuse(event: str, values: tuple[Any, ...]) -> None:
        if event == "open" and re.search(r"backups.*\.part$", str(values[0])):
            raise OSError(errno.EIO, "refused")

    with listening(refuse):
        told = run("--json", "selftest")
    facts = json.loads(told.out)["error"]["facts"]
    report = Path(facts["report"]).read_text(encoding="utf-8").splitlines()
    assert told.status == 1
    assert told.err.startswith("The self-test failed: back it up while a program writes to it (")
    assert (facts["passed"], facts["failed"]) == (1, 7)
    assert [line[:4] for line in report] == ["pass", *7 * ["FAIL"], "1 of"]
    assert report[-2].endswith("StepFailed: there is no backup to try this with")
    assert [path.name for path in own_folders.rglob("Zo*")] == []


def test_a_pc_without_a_program_that_unpacks_is_tested_with_pythons_own(
    run: Run, own_folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backup_core.selftest.shutil.which", lambda name: None)
    told = run("selftest")
    assert told.status == 0, told.err
    assert "files by Python, for this PC has no unzip" in told.out


def test_copy_takes_the_newest_backup_to_another_drive_and_status_tells_when(run: Run, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    assert run("copy", str(stick)).err.startswith("There is no backup to copy yet.")
    name = made(run)
    assert "never" in run("status").out
    assert run("copy", str(stick)).status == 1
    stick.mkdir()
    path = Path(run("--json", "copy", str(stick)).document["path"])
    assert path.name == name
    assert path.is_relative_to(stick)
    assert str(path) in run("status").out
    assert run("--json", "status").document["last_copy"]["path"] == str(path)
