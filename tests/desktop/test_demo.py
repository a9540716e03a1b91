"""The demo: a sample clinic in a folder of its own, and a stand-in EMR that goes on writing to it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from backup_core.errors import SettingInvalid
from backup_core.history import Outcome, Trigger
from tray.demo import NOTE, demo_folder, is_sample

from .clinic import Computer, computer_in, until


@pytest.fixture
def computer(tmp_path: Path) -> Iterator[Computer]:
    with computer_in(tmp_path) as computer:
        yield computer


def vectors(computer: Computer) -> int:
    """Return how many changes the vector store has seen."""
    with closing(sqlite3.connect(computer.data_dir / "chroma" / "chroma.sqlite3")) as database:
        return int(database.execute("SELECT coalesce(max(seq_id), 0) FROM embeddings").fetchone()[0])


def stand_ins(computer: Computer) -> list[psutil.Process]:
    """Return the stand-ins that live."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        environ = process.info["environ"] or {}
        if environ.get("DOCASSIST_DATA_DIR") == str(computer.data_dir) and "standin" in str(process.info["cmdline"]):
            found.append(process)
    return found


def test_the_demo_makes_a_clinic_backs_it_up_and_its_stand_in_goes_on_writing(computer: Computer) -> None:
    launched = computer.start("--demo", "--no-browser", with_emr=False)
    assert launched.said("DocAssist Backup looks after the sample clinic in ") == str(computer.data_dir)
    startup = computer.wait_for_run(Trigger.STARTUP, Outcome.MADE)
    assert startup.facts["patients"] == 60
    until(lambda: computer.patients() > 60, computer.log)
    before = vectors(computer)
    until(lambda: vectors(computer) > before, computer.log)
    assert launched.ask("/status")["sample"] is True
    assert len(stand_ins(computer)) == 1

    assert launched.end() == 0
    assert stand_ins(computer) == []
    assert [run.outcome for run in computer.runs(Trigger.EXIT)] == [Outcome.MADE]
    assert computer.runs(Trigger.EMR_EXIT) == []
    assert computer.log() == ""


def test_the_demo_can_be_started_again_on_what_it_made(computer: Computer) -> None:
    first = computer.start("--demo", "--no-browser", with_emr=False)
    computer.wait_for_run(Trigger.STARTUP, Outcome.MADE)
    until(lambda: computer.patients() > 60, computer.log)
    assert first.end() == 0
    patients = computer.patients()
    second = computer.start("--demo", "--no-browser", with_emr=False)
    second.said("Admin page:")
    assert computer.patients() >= patients
    assert second.end() == 0


def test_the_stand_in_ends_when_its_launcher_is_killed(computer: Computer) -> None:
    launched = computer.start("--demo", "--no-browser", with_emr=False)
    until(lambda: len(stand_ins(computer)) == 1, computer.log)
    launched.kill()
    until(lambda: stand_ins(computer) == [], computer.log)


def test_the_demo_does_not_touch_a_folder_with_anything_in_it(computer: Computer) -> None:
    computer.data_dir.mkdir()
    (computer.data_dir / "clinic.db").write_bytes(b"real data")
    launched = computer.start("--demo", "--no-browser", with_emr=False)
    assert launched.wait() == 1
    assert "there is something in it already" in computer.log()
    assert [path.name for path in computer.data_dir.iterdir()] == ["clinic.db"]
    assert (computer.data_dir / "clinic.db").read_bytes() == b"real data"


def test_the_folder_of_the_demo_is_this_users_own_unless_another_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    folder = demo_folder()
    assert folder.is_relative_to(tmp_path)
    assert is_sample(folder)
    assert demo_folder(tmp_path / "another") == tmp_path / "another"


def test_an_empty_folder_will_do_and_a_file_will_not(tmp_path: Path) -> None:
    empty, file = tmp_path / "empty", tmp_path / "file"
    empty.mkdir()
    file.touch()
    assert demo_folder(empty) == empty
    assert (empty / NOTE).is_file()
    with pytest.raises(SettingInvalid):
        demo_folder(file)
    assert file.read_bytes() == b""


def test_a_sample_clinic_that_cannot_be_made_says_so(computer: Computer) -> None:
    (computer.data_dir / NOTE).parent.mkdir(parents=True)
    (computer.data_dir / NOTE).touch()
    (computer.data_dir / "chroma").write_text("a file where the store should be", encoding="utf-8")
    launched = computer.start("--demo", "--no-browser", with_emr=False)
    assert launched.wait() == 1
    assert "The sample clinic could not be made" in computer.log()
    assert "Traceback" not in computer.log()
