"""Bad input: a clear sentence, a hint, and nothing lost or made that nobody asked for."""

import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from backup_core import BackupEngine, BackupError, BackupService
from backup_core.errors import (
    ArchiveUnusable,
    RepositoryFull,
    RepositoryUnusable,
    SettingInvalid,
    SnapshotFailed,
    SourceDamaged,
    SourceMissing,
    UnknownArchive,
)
from backup_core.files import PRIVATE
from backup_core.history import Outcome, Trigger
from tests.audit import listening
from tests.clinic import Clinic
from tests.fakeclock import FakeClock


def assert_is_for_the_user(error: BackupError) -> None:
    """A sentence and a hint, without what only a programmer reads."""
    assert str(error)[0].isupper() or str(error).startswith("clinic.db ")
    assert "Error" not in str(error)
    assert "Traceback" not in str(error)
    assert error.hint.endswith((".", "?"))


OPERATIONS: list[Callable[[BackupEngine], object]] = [
    lambda engine: engine.create(),
    lambda engine: engine.back_up(Trigger.INTERVAL),
    lambda engine: engine.holdings(),
    lambda engine: engine.unprotected(),
    lambda engine: engine.undo(),
]


@pytest.mark.parametrize("operation", range(len(OPERATIONS)))
def test_without_a_data_folder_nothing_is_made(tmp_path: Path, operation: int) -> None:
    engine = BackupEngine(tmp_path / "not connected" / "data")

    with pytest.raises(BackupError) as raised:
        OPERATIONS[operation](engine)

    assert list(tmp_path.iterdir()) == []
    if operation < 4:
        assert isinstance(raised.value, SourceMissing)
        assert_is_for_the_user(raised.value)


def test_looking_needs_no_data_folder_and_makes_none(tmp_path: Path) -> None:
    engine = BackupEngine(tmp_path / "data")

    assert engine.recover() is None
    assert engine.history.runs() == []
    with pytest.raises(RepositoryUnusable):
        engine.archives()
    assert list(tmp_path.iterdir()) == []


def test_verifying_without_a_data_folder_makes_none(engine: BackupEngine, tmp_path: Path) -> None:
    archive = engine.create()
    elsewhere = BackupEngine(tmp_path / "gone", engine.backup_dir)

    with pytest.raises(SourceMissing):
        elsewhere.verify(archive)
    assert not (tmp_path / "gone").exists()


@pytest.mark.parametrize("is_folder", [False, True])
def test_a_folder_without_clinic_db_is_no_clinic(engine: BackupEngine, clinic: Clinic, is_folder: bool) -> None:
    clinic.db.unlink()
    if is_folder:
        clinic.db.mkdir()

    with pytest.raises(SourceMissing, match=r"There is no clinic\.db in") as raised:
        engine.create()

    assert_is_for_the_user(raised.value)
    assert engine.archives() == []
    assert not engine.holdings().exists


def test_a_damaged_database_leaves_no_archive_and_the_older_ones(engine: BackupEngine, clinic: Clinic) -> None:
    older = engine.create()
    clinic.db.write_bytes(clinic.db.read_bytes()[:6000])

    with pytest.raises(SourceDamaged) as raised:
        engine.create()

    assert_is_for_the_user(raised.value)
    assert [archive.name for archive in engine.archives()] == [older.name]
    assert engine.holdings().problem
    assert engine.history.runs()[0].code == "source-damaged"


@pytest.mark.parametrize("where", ["not connected/backups", "a file/backups", "a file"])
def test_a_backup_folder_that_cannot_be_is_said_so(engine: BackupEngine, clinic: Clinic, where: str) -> None:
    (clinic.data_dir / "a file").touch()
    away = BackupEngine(clinic.data_dir, clinic.data_dir / where)
    files = clinic.files()

    with pytest.raises(RepositoryUnusable) as raised:
        away.create()

    assert_is_for_the_user(raised.value)
    assert clinic.files() == files
    assert not (clinic.data_dir / "not connected").exists()


def test_a_backup_folder_that_went_away_is_not_an_empty_list(clinic: Clinic, tmp_path: Path) -> None:
    drive = tmp_path / "drive"
    drive.mkdir()
    engine = BackupEngine(clinic.data_dir, drive / "backups")
    archive = engine.create()
    shutil.rmtree(drive)

    for operation in (engine.archives, engine.create, lambda: engine.restore(archive)):
        with pytest.raises(RepositoryUnusable) as raised:
            operation()
        assert_is_for_the_user(raised.value)
    assert not drive.exists()


def refusing(folder: Path, code: int) -> Callable[[str, tuple[Any, ...]], None]:
    """Be a system that refuses to make or open anything for writing below a folder; root itself is refused nothing."""

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        writes = event == "os.mkdir" or (
            event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_CREAT
        )
        if writes and Path(os.fsdecode(arguments[0])).is_relative_to(folder):
            raise OSError(code, os.strerror(code))

    return refuse


def test_a_backup_folder_that_cannot_be_written_is_said_so(engine: BackupEngine, clinic: Clinic) -> None:
    engine.create()
    with listening(refusing(engine.backup_dir, 13)), pytest.raises(RepositoryUnusable) as raised:
        engine.create()
    assert_is_for_the_user(raised.value)
    assert engine.history.runs()[0].outcome is Outcome.FAILED


def test_a_data_folder_that_cannot_be_written_is_said_so(engine: BackupEngine, clinic: Clinic) -> None:
    with listening(refusing(clinic.data_dir, 30)):
        with pytest.raises(SnapshotFailed, match="cannot be written"):
            engine.create()
        assert BackupService(clinic.data_dir, clinic.data_dir.parent).create_backup() is None


def test_a_full_disk_is_said_so_at_whatever_step(engine: BackupEngine, clinic: Clinic) -> None:
    engine.create()
    for folder in (engine.backup_dir, clinic.data_dir):
        with listening(refusing(folder, 28)), pytest.raises(RepositoryFull) as raised:
            engine.create()
        assert_is_for_the_user(raised.value)
    assert len(engine.archives()) == 1
    assert list(clinic.data_dir.rglob("*.part")) == []
    engine.create()


def test_too_little_room_is_noticed_before_anything_is_copied(
    engine: BackupEngine, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = engine.create()
    before = clinic.files()
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10**9, 10**9 - 10**6, 10**6))

    for operation in (engine.create, lambda: engine.restore(archive)):
        with pytest.raises(RepositoryFull, match="not enough room") as raised:
            operation()
        assert raised.value.facts["free"] == 10**6
        assert_is_for_the_user(raised.value)

    assert clinic.files() == before
    assert [one.name for one in engine.archives()] == [archive.name]


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04" + bytes(500)], ids=len)
def test_a_file_that_is_no_backup_is_refused(
    engine: BackupEngine, clinic: Clinic, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "letter.zip").write_bytes(content)
    before = clinic.files()

    foreign = engine.find(tmp_path / "letter.zip")
    assert not foreign.is_good
    for operation in (engine.verify, engine.restore):
        with pytest.raises(ArchiveUnusable) as raised:
            operation(foreign)
        assert_is_for_the_user(raised.value)

    assert clinic.files() == before
    assert BackupService(clinic.data_dir).restore_backup(tmp_path / "letter.zip") is False


@pytest.mark.parametrize(
    "extra", ["../other", "/etc", "C:\\Windows", "", ".", "a/../../b", ".docassist-backup", "backups", "BACKUPS/x"]
)
def test_what_the_user_adds_must_lie_in_the_data_folder(clinic: Clinic, extra: str) -> None:
    with pytest.raises(SettingInvalid) as raised:
        BackupEngine(clinic.data_dir, extras=[extra]).create()

    assert raised.value.field == "extras"


def test_what_was_added_and_is_gone_does_not_stop_the_backup(clinic: Clinic) -> None:
    archive = BackupEngine(clinic.data_dir, extras=["letters", "letters/"]).create()

    assert archive.manifest is not None
    assert archive.manifest.sources is not None
    assert archive.manifest.sources["letters"] is False


@pytest.mark.parametrize("years", [-16, 40])
def test_a_clock_that_lies_stops_nothing(engine: BackupEngine, clinic: Clinic, clock: FakeClock, years: int) -> None:
    first = engine.create()
    clock.utc += timedelta(days=365 * years)
    second = engine.create()
    clinic.admit("Since then")
    engine.restore(second)
    engine.undo()
    third = engine.create()

    ordinary = [archive.name for archive in engine.archives() if not archive.safety]
    assert ordinary == [third.name, second.name, first.name]
    assert BackupService(clinic.data_dir, max_backups=1).cleanup_old_backups() is None  # type: ignore[func-returns-value]
    assert [archive.name for archive in engine.archives() if not archive.safety] == [third.name]


def test_a_disk_that_fills_up_during_a_restore_leaves_the_data_as_it_was(engine: BackupEngine, clinic: Clinic) -> None:
    archive = engine.create()
    clinic.admit("Since then")
    before = clinic.files()

    with listening(refusing(clinic.data_dir / PRIVATE / "swap", 28)), pytest.raises(RepositoryFull):
        engine.restore(archive)

    assert clinic.files() == before
    assert list((clinic.data_dir / PRIVATE / "swap").glob("*")) == []
    assert engine.recover() is None


@pytest.mark.skipif(os.name == "nt", reason="Windows needs a right to make links")
def test_a_store_that_is_a_link_to_another_drive_is_backed_up_and_restored(
    engine: BackupEngine, clinic: Clinic, tmp_path: Path
) -> None:
    rows, plain = clinic.rows(), clinic.plain_files()
    for name in ("chroma", "clinic.db", "prescriptions"):
        shutil.move(clinic.data_dir / name, tmp_path / name)
        (clinic.data_dir / name).symlink_to(tmp_path / name)
    archive = engine.create()
    clinic.admit("Since then")
    there = (tmp_path / "clinic.db").read_bytes()

    engine.restore(archive)

    assert clinic.rows() == rows
    assert clinic.plain_files() == plain
    assert (tmp_path / "clinic.db").read_bytes() == there
    engine.undo()
    assert clinic.names()[-1] == "Since then"


@pytest.mark.parametrize("where", [".", "chroma", "prescriptions/backups", "letters/2026"])
def test_backups_that_would_each_hold_all_before_them_are_refused(clinic: Clinic, where: str) -> None:
    engine = BackupEngine(clinic.data_dir, clinic.data_dir / where, extras=["letters"], patience=1)

    with pytest.raises(RepositoryUnusable, match="which is backed up itself") as raised:
        engine.create()

    assert_is_for_the_user(raised.value)
    assert not (clinic.data_dir / PRIVATE / "lock").exists()


@pytest.mark.parametrize("wanted", ["", ".", "x" * 5000, "a\0b", "backup_2026-01-01_00-00-00.zip"], ids=ascii)
def test_a_name_that_is_no_backups_is_answered(engine: BackupEngine, clinic: Clinic, wanted: str) -> None:
    engine.create()

    with pytest.raises(UnknownArchive):
        engine.find(wanted)
    assert BackupService(clinic.data_dir).restore_backup(wanted) is False
