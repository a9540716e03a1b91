"""What the disk refuses in the middle of something else: said, logged or tried later, and never the end of a backup."""

import errno
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock, Timeout

from backup_core import BackupEngine
from backup_core.datafolder import DataFolder
from backup_core.errors import (
    BackupError,
    RepositoryFull,
    RepositoryUnusable,
    SnapshotFailed,
    SourceDamaged,
    UnknownArchive,
)
from backup_core.files import PRIVATE
from backup_core.history import Outcome, Trigger
from backup_core.listing import Archive, State
from backup_core.livedb import DeadlinePassed, LiveDatabase
from tests.audit import Listener, listening
from tests.clinic import Clinic
from tests.fakeclock import FakeClock


def refusing(step: str, ending: str, code: int = errno.EACCES) -> Listener:
    """Return what refuses that step on each path of that ending."""

    def refuse(event: str, values: tuple[Any, ...]) -> None:
        if event == step and str(values[0]).endswith(ending):
            raise OSError(code, "refused")

    return refuse


def shrink(clinic: Clinic) -> None:
    clinic.sql("DELETE FROM patients WHERE id > 10")


def spoil(clinic: Clinic) -> None:
    clinic.db.write_bytes(clinic.db.read_bytes()[:5000] + b"\xa5" * 9000)


def test_an_alarm_that_cannot_be_noted_fails_no_backup_and_comes_again(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock
) -> None:
    engine.create()
    whole = clinic.rows()
    shrink(clinic)
    clock.pass_time(timedelta(hours=4))
    with listening(refusing("open", "alarm.json.part")):
        run = engine.back_up(Trigger.INTERVAL)
    assert run.outcome is Outcome.MADE
    assert "patients have gone" in run.reason
    assert engine.keeper.alarm() is None
    assert len(whole["patients"]) == 60


@pytest.mark.parametrize("mishap", [shrink, spoil])
def test_a_pin_that_cannot_be_set_hides_nothing_of_what_went_wrong(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock, mishap: Callable[[Clinic], None]
) -> None:
    engine.create()
    mishap(clinic)
    clock.pass_time(timedelta(hours=4))
    with listening(refusing("open", "rules.json.copy.part")):
        if mishap is shrink:
            assert "patients have gone" in engine.back_up(Trigger.INTERVAL).reason
        else:
            with pytest.raises(SourceDamaged):
                engine.back_up(Trigger.INTERVAL)
    assert engine.keeper.pins == {}


def test_a_pin_that_cannot_be_taken_off_again_fails_no_backup(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock
) -> None:
    made = engine.create()
    spoil(clinic)
    with pytest.raises(SourceDamaged):
        engine.create()
    engine.restore(made)
    clock.pass_time(timedelta(hours=4))
    with listening(refusing("open", "rules.json.copy.part")):
        assert engine.create().is_good
    assert engine.keeper.pins == {made.name: "alarm"}


def test_an_archive_that_somebody_else_has_deleted_cannot_be_deleted(engine: BackupEngine) -> None:
    first, second = engine.create(), engine.create()
    first.path.unlink()
    with pytest.raises(UnknownArchive, match="no longer there"):
        engine.delete(first)
    assert [one.name for one in engine.archives()] == [second.name]


def test_a_name_that_tells_no_time_is_none_of_ours(engine: BackupEngine) -> None:
    made = engine.create()
    (engine.backup_dir / "backup_2026-13-45_99-99-99.zip").write_bytes(made.path.read_bytes())
    assert [one.name for one in engine.archives()] == [made.name]


def test_a_copy_that_would_take_too_long_is_given_up(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "large.db")) as database, database:
        database.execute("CREATE TABLE bulk (body BLOB)")
        database.executemany("INSERT INTO bulk VALUES (zeroblob(1000000))", [()] * 10)
    with LiveDatabase(tmp_path / "large.db") as live:
        live.freeze(1.0)
        with pytest.raises(DeadlinePassed):
            live.copy(tmp_path / "copy.db", 0.0)
        live.copy(tmp_path / "copy.db", None)
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("SELECT count(*) FROM bulk").fetchone() == (10,)


def test_a_staging_folder_that_cannot_be_cleared_is_left_to_the_next_run(engine: BackupEngine) -> None:
    def hold(event: str, values: tuple[Any, ...]) -> None:
        if event == "shutil.rmtree" and "staging" in str(values[0]):
            raise PermissionError(errno.EACCES, "held by another program")

    staging = engine.data_dir / PRIVATE / "staging"
    with listening(hold):
        made = engine.create()
        engine.sweep()
    assert made.is_good
    assert [path for path in staging.iterdir() if path.is_dir()]
    engine.create()
    assert list(staging.iterdir()) == []


@pytest.fixture
def left(clinic: Clinic) -> Path:
    """A staging folder with records in it that nobody works in any more, without a lock, as on Windows."""
    left = clinic.data_dir / PRIVATE / "staging" / "0123456789abcdef"
    left.mkdir(parents=True)
    (left / "clinic.db").write_bytes(clinic.db.read_bytes())
    return left


def test_a_staging_folder_whose_lock_has_gone_is_swept_too(engine: BackupEngine, left: Path) -> None:
    engine.sweep()
    assert list(left.parent.iterdir()) == []


def test_a_staging_folder_in_which_somebody_works_is_not_swept(clinic: Clinic, left: Path) -> None:
    at_work, other = (DataFolder(clinic.data_dir, (), patience=1.0) for _ in range(2))
    with at_work.staging() as folder:
        folder.mkdir()
        other.sweep()
        other.sweep()
        assert folder.is_dir()
        assert not left.exists()
    assert list(left.parent.iterdir()) == []


def test_a_sweep_removes_no_lock_that_another_may_have_taken_meanwhile(clinic: Clinic, left: Path) -> None:
    left.with_suffix(".lock").touch()
    held: list[bool] = []

    def take(event: str, values: tuple[Any, ...]) -> None:
        if event == "os.remove" and str(values[0]).endswith(".lock"):
            with pytest.raises(Timeout), FileLock(str(values[0]), timeout=0, is_singleton=False):
                pass
            held.append(True)

    with listening(take):
        DataFolder(clinic.data_dir, (), patience=1.0).sweep()
    assert held
    assert list(left.parent.iterdir()) == []


def test_a_staging_folder_that_cannot_be_locked_stops_no_backup(engine: BackupEngine, left: Path) -> None:
    with listening(refusing("open", f"{left.name}.lock", errno.ENOSPC)):
        assert engine.create().is_good
    assert left.is_dir()
    engine.sweep()
    assert not left.exists()


def test_an_origin_that_cannot_be_read_stops_no_recovery_and_is_told_where_it_is_needed(engine: BackupEngine) -> None:
    engine.create()
    with listening(refusing("open", "origin")):
        assert engine.recover() is None
        with pytest.raises(BackupError, match="cannot be read"):
            engine.create()


def test_a_disk_that_is_full_after_the_swap_says_that_the_data_has_changed(
    engine: BackupEngine, clinic: Clinic
) -> None:
    made, rows = engine.create(), clinic.rows()
    clinic.admit("Later")
    with listening(refusing("open", "undo.json.part", errno.ENOSPC)), pytest.raises(RepositoryFull) as raised:
        engine.restore(made)
    assert raised.value.facts["rolled_back"] is False
    assert clinic.rows() == rows
    engine.recover()
    assert engine.undoable() is not None
    engine.undo()
    assert "Later" in clinic.names()


def test_a_folder_that_may_not_be_read_is_not_left_out_of_a_backup_without_a_word(engine: BackupEngine) -> None:
    made = engine.create()
    with listening(refusing("os.scandir", "prescriptions")), pytest.raises(SnapshotFailed):
        engine.back_up(Trigger.INTERVAL)
    assert [one.name for one in engine.archives()] == [made.name]


@pytest.mark.parametrize("look", [BackupEngine.verify, BackupEngine.prove])
def test_a_backup_that_another_program_holds_is_not_called_damaged(
    engine: BackupEngine, look: Callable[[BackupEngine, Archive], object]
) -> None:
    made = engine.create()
    with listening(refusing("open", made.name)), pytest.raises(RepositoryUnusable, match="cannot be opened just now"):
        look(engine, made)
    assert engine.find(made.name).state is State.VERIFIED
    look(engine, made)
