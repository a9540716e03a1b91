"""Live data that is damaged: noticed when it is opened, and the backup to go back to is named."""

import os
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from backup_core import BackupEngine
from backup_core.errors import SourceDamaged
from backup_core.history import Outcome, Trigger
from tests.clinic import Clinic
from tests.fakeclock import FakeClock


def spoil(clinic: Clinic, name: str = "clinic.db") -> None:
    """Overwrite the list of tables of a database, which the file system does not tell: as a failing disk would."""
    path = clinic.data_dir / name
    status = path.stat()
    data = bytearray(path.read_bytes())
    data[100:2000] = b"\xa5" * 1900
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_whole_data_opens(engine: BackupEngine, clinic: Clinic) -> None:
    assert engine.damage() == ""
    clinic.db.write_bytes(b"")
    assert engine.damage() == "", "an empty database is a whole one: the tripwire speaks of it"


@pytest.mark.parametrize("name", ["clinic.db", "chroma/chroma.sqlite3"])
def test_a_damaged_schema_is_told_by_opening_the_database(engine: BackupEngine, clinic: Clinic, name: str) -> None:
    spoil(clinic, name)
    assert engine.damage().startswith(f"{name} is damaged: ")


def test_a_database_that_is_in_use_is_not_called_damaged(
    engine: BackupEngine, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = sqlite3.connect

    def hurried(*words: object, **options: object) -> sqlite3.Connection:
        return patient(*words, **{**options, "timeout": 0.0})  # type: ignore[call-overload,no-any-return]

    with closing(sqlite3.connect(clinic.db, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        monkeypatch.setattr("backup_core.livedb.sqlite3.connect", hurried)
        assert engine.damage() == ""


def test_the_newest_archive_that_was_opened_is_the_best_one(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock
) -> None:
    assert engine.best_archive() is None
    first = engine.create()
    assert engine.best_archive() == first
    engine.prove(first)
    clock.pass_time(timedelta(hours=1))
    clinic.admit("Later")
    second = engine.create()
    best = engine.best_archive()
    assert best is not None
    assert best.name == first.name
    engine.prove(second)
    best = engine.best_archive()
    assert best is not None
    assert best.name == second.name


def test_a_run_that_meets_damaged_data_names_the_backup_to_restore(engine: BackupEngine, clinic: Clinic) -> None:
    made = engine.create()
    engine.prove(made)
    spoil(clinic)
    # Nothing of it looks changed, and yet the newest backup is not said to hold this very state.
    with pytest.raises(SourceDamaged) as raised:
        engine.back_up(Trigger.STARTUP)
    assert made.name in raised.value.hint
    assert "opened and checked" in raised.value.hint
    run = engine.history.runs()[0]
    assert (run.outcome, run.code) == (Outcome.FAILED, "source-damaged")
    assert (run.facts["best"], run.facts["source"]) == (made.name, "clinic.db")
    engine.restore(made)
    assert engine.damage() == ""


def test_without_any_backup_damaged_data_is_said_without_a_way_out(engine: BackupEngine, clinic: Clinic) -> None:
    spoil(clinic)
    with pytest.raises(SourceDamaged) as raised:
        engine.create()
    assert raised.value.facts["best"] == ""
    assert "ask for help" in raised.value.hint
