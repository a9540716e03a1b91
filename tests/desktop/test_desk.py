"""What the launcher does around the EMR: its start, a restore, an EMR that will not close."""

import shlex
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest
from filelock import FileLock

from backup_core.engine import BackupEngine
from backup_core.errors import EmrRunning, NothingToUndo
from backup_core.history import Outcome, Trigger
from backup_core.journal import Journal, Phase
from backup_core.progress import OnProgress
from backup_core.swap import Swap
from tray.emr import Emr

from .clinic import until
from .parts import Launcher

SLEEPS = "import time; time.sleep(120)"
REFUSES = """
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).touch()
time.sleep(120)
"""


def give_emr(launcher: Launcher, code: str = SLEEPS, *arguments: str) -> None:
    launcher.emr.configure(shlex.join([sys.executable, "-c", code, *arguments]), str(launcher.data_dir.parent))


def finish(launcher: Launcher) -> None:
    job = launcher.jobs.current()
    if job:
        launcher.jobs.wait(job.id, 60)


@contextmanager
def work_of_another_program(launcher: Launcher) -> Iterator[Path]:
    """Hold the data folder as another program of ours does that works on it; give our hidden folder in it."""
    private = launcher.data_dir / ".docassist-backup"
    private.mkdir(mode=0o700, exist_ok=True)
    with FileLock(private / "lock"):
        yield private


def test_the_emr_starts_as_soon_as_the_snapshot_is_taken(launcher: Launcher, monkeypatch: pytest.MonkeyPatch) -> None:
    give_emr(launcher)
    # Never by itself: what it waits for is the snapshot.
    monkeypatch.setattr("tray.desk.SNAPSHOT_PATIENCE", 3600.0)
    assert launcher.desk.start(Trigger.STARTUP)
    assert launcher.desk.emr_state() == "running"
    finish(launcher)
    assert [run.trigger for run in launcher.engine.history.runs()] == [Trigger.STARTUP]


def test_the_emr_starts_anyway_when_the_snapshot_takes_too_long(launcher: Launcher) -> None:
    give_emr(launcher)
    with closing(sqlite3.connect(launcher.data_dir / "clinic.db")) as another:
        another.execute("BEGIN EXCLUSIVE")
        assert launcher.desk.start(Trigger.STARTUP)
        assert launcher.desk.emr_state() == "running"
        assert launcher.jobs.current() is not None
    finish(launcher)


def leave_copies(launcher: Launcher) -> list[Path]:
    """Leave what a backup does whose process was killed: a copy of the data, and half an archive."""
    folder = launcher.data_dir / ".docassist-backup" / "staging"
    (folder / "killed").mkdir(parents=True)
    (folder / "killed" / "clinic.db").write_bytes(b"the records in the clear")
    (folder / "killed.lock").touch()
    part = launcher.engine.repository.part(launcher.engine.origin or "", "killed")
    part.write_bytes(b"half an archive")
    return [folder / "killed", folder / "killed.lock", part]


def test_a_start_that_makes_no_backup_removes_what_a_killed_one_has_left(launcher: Launcher) -> None:
    launcher.go_round()
    left = leave_copies(launcher)
    later = Launcher(launcher.data_dir)
    later.plan.look(later.engine.history.runs(), 4)
    assert later.desk.start(Trigger.STARTUP)
    assert [path for path in left if path.exists()] == []
    finish(later)


def test_what_another_program_works_with_is_left_alone_by_a_start_that_does_not_wait(launcher: Launcher) -> None:
    launcher.go_round()
    left = leave_copies(launcher)
    with work_of_another_program(launcher):
        assert launcher.desk.start(Trigger.STARTUP)
        assert all(path.exists() for path in left)
    finish(launcher)


def test_a_start_waits_for_another_program_that_restores(launcher: Launcher) -> None:
    give_emr(launcher)
    with work_of_another_program(launcher):
        Swap(launcher.data_dir, Journal("1", Phase.FORWARD, "backup.zip", None, False, None, ())).write(Phase.BACK)
        assert not launcher.desk.start(Trigger.STARTUP)
        assert launcher.desk.emr_state() == "not-running"
        assert "DocAssist is started after that" in launcher.notices.sentences()[0]
    assert launcher.desk.start(Trigger.STARTUP)
    assert launcher.desk.emr_state() == "running"
    assert "started after that" not in " ".join(launcher.notices.sentences())
    finish(launcher)


def test_a_start_waits_for_a_restore_of_another_program_that_is_still_unpacking(launcher: Launcher) -> None:
    give_emr(launcher)
    with work_of_another_program(launcher) as private:
        (private / "swap" / "1" / "new").mkdir(parents=True)
        assert not launcher.desk.start(Trigger.STARTUP)
    assert launcher.desk.start(Trigger.STARTUP)
    assert launcher.desk.emr_state() == "running"
    finish(launcher)


def test_a_backup_of_another_program_holds_the_emr_up_for_some_seconds_only(launcher: Launcher) -> None:
    """Nobody's work should wait for a backup: only half-restored data is never opened."""
    launcher.engine = BackupEngine(launcher.data_dir, clock=launcher.clock, patience=30)
    launcher.desk = launcher.desk_for(launcher.emr)
    give_emr(launcher)
    with work_of_another_program(launcher):
        assert launcher.desk.start(Trigger.STARTUP)
        assert launcher.desk.emr_state() == "running"
        assert launcher.notices.sentences() == []
    finish(launcher)
    assert [run.outcome for run in launcher.engine.history.runs()] == [Outcome.MADE]


def test_without_a_command_the_emr_is_unknown_and_the_start_is_backed_up(launcher: Launcher) -> None:
    assert launcher.desk.start(Trigger.STARTUP)
    assert launcher.desk.emr_state() == "unknown"
    finish(launcher)
    assert [run.outcome for run in launcher.engine.history.runs()] == [Outcome.MADE]


def test_a_start_that_calls_for_no_backup_still_notices_damaged_data_and_names_the_backup_to_restore(
    launcher: Launcher,
) -> None:
    assert launcher.desk.start(Trigger.STARTUP)
    finish(launcher)
    (made,) = launcher.engine.archives()
    assert launcher.engine.prove(made).ok
    assert launcher.desk.back_up_at_start(Trigger.EMR_START) is None
    database = launcher.data_dir / "clinic.db"
    database.write_bytes(b"\xa5" * 2000 + database.read_bytes()[2000:])

    job = launcher.desk.back_up_at_start(Trigger.EMR_START)

    assert job is not None
    error = launcher.jobs.wait(job.id, 60).error
    assert error is not None
    assert (error.code, error.facts["best"]) == ("source-damaged", made.name)
    assert made.name in error.hint
    assert launcher.engine.history.runs()[0].facts["best"] == made.name


def test_a_restore_and_its_undo_close_the_emr_and_start_it_again(launcher: Launcher) -> None:
    give_emr(launcher)
    launcher.desk.start(Trigger.STARTUP)
    finish(launcher)
    archive = launcher.engine.archives()[0]
    launcher.change("DELETE FROM patients WHERE id > 40")

    job = launcher.desk.restore(archive.name, other_clinic=False, newer=False, with_settings=False)
    assert launcher.jobs.wait(job.id, 60).state == "done"
    assert launcher.patients() == 50
    assert launcher.desk.emr_state() == "running"

    job = launcher.desk.undo()
    assert launcher.jobs.wait(job.id, 60).state == "done"
    assert launcher.patients() == 40
    assert launcher.desk.emr_state() == "running"
    launcher.rounds.make()
    assert launcher.jobs.current() is None, "an end that we asked for is backed up by the restore itself"


def test_a_restore_that_fails_leaves_the_emr_open_again(launcher: Launcher) -> None:
    give_emr(launcher)
    launcher.desk.start(Trigger.STARTUP)
    finish(launcher)
    job = launcher.desk.undo()
    assert isinstance(launcher.jobs.wait(job.id, 60).error, NothingToUndo)
    assert launcher.desk.emr_state() == "running"


def test_an_emr_that_does_not_close_is_left_alone_and_nothing_is_restored(
    launcher: Launcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tray.desk.CLOSE_PATIENCE", 0.5)
    ready = tmp_path / "ready"
    stubborn = Emr(shlex.join([sys.executable, "-c", REFUSES, str(ready)]), "", launcher.data_dir, lambda: None)
    launcher.desk = launcher.desk_for(stubborn)
    launcher.desk.start(Trigger.STARTUP)
    until(ready.exists)
    finish(launcher)
    archive = launcher.engine.archives()[0]
    job = launcher.desk.restore(archive.name, other_clinic=False, newer=False, with_settings=False)
    error = launcher.jobs.wait(job.id, 60).error
    assert isinstance(error, EmrRunning)
    assert "Save your work" in error.hint
    assert stubborn.is_running
    assert [run.trigger for run in launcher.engine.history.runs()] == [Trigger.STARTUP]
    # The stand-in of these parts has the same mark, and ends it.
    assert launcher.emr.adopt()


def test_a_restore_that_waits_for_the_emr_can_be_given_up_and_the_emr_is_watched_on(
    launcher: Launcher, tmp_path: Path
) -> None:
    ready, ended = tmp_path / "ready", threading.Event()
    stubborn = Emr(shlex.join([sys.executable, "-c", REFUSES, str(ready)]), "", launcher.data_dir, ended.set)
    launcher.desk = launcher.desk_for(stubborn)
    launcher.desk.start(Trigger.STARTUP)
    until(ready.exists)
    finish(launcher)
    archive = launcher.engine.archives()[0]
    job = launcher.desk.restore(archive.name, other_clinic=False, newer=False, with_settings=False)
    until(lambda: launcher.jobs.cancel(job.id))
    assert launcher.jobs.wait(job.id, 20).state == "cancelled"
    assert stubborn.is_running
    assert not ended.is_set()
    for process in psutil.Process().children():
        if str(ready) in process.cmdline():
            process.kill()
    assert ended.wait(20)
    assert stubborn.last_end is not None
    assert stubborn.last_end.crashed


def test_an_operation_that_runs_is_named_to_whoever_comes_second(launcher: Launcher) -> None:
    def work(on_progress: OnProgress) -> None:
        assert launcher.desk.back_up_at_start(Trigger.EMR_START) is None

    job = launcher.jobs.start("verify", work)
    assert launcher.jobs.wait(job.id, 10).error is None
