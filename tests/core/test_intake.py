"""A backup that comes in slices: kept aside, checked, restored, and gone afterwards."""

import os
import stat
from pathlib import Path

import pytest

from backup_core import BackupEngine
from backup_core.errors import ArchiveUnusable, BackupError, RepositoryFull
from backup_core.files import PRIVATE
from tests.clinic import Clinic

SLICE = 64 * 1024


def send(engine: BackupEngine, data: bytes) -> str:
    """Send the bytes in slices and return the id."""
    intake_id = engine.intake.begin(len(data))
    for offset in range(0, len(data), SLICE):
        engine.intake.take(intake_id, offset, data[offset : offset + SLICE])
    return intake_id


def staged(engine: BackupEngine) -> list[Path]:
    """Return the files that lie in staging."""
    return [path for path in (engine.data_dir / PRIVATE / "staging").rglob("*.zip") if path.is_file()]


@pytest.fixture
def from_elsewhere(engine: BackupEngine, tmp_path: Path) -> bytes:
    """The bytes of a backup that is no longer in the backup folder."""
    archive = engine.create()
    data = archive.path.read_bytes()
    archive.path.unlink()
    return data


def test_what_comes_in_slices_is_checked_and_restores(
    engine: BackupEngine, clinic: Clinic, from_elsewhere: bytes
) -> None:
    clinic.admit("Newcomer")
    archive = engine.intake.finish(send(engine, from_elsewhere))

    assert archive.is_good
    assert archive.path.read_bytes() == from_elsewhere
    assert engine.archives() == []
    assert engine.find(archive.name) == archive
    engine.restore(archive)
    assert "Newcomer" not in clinic.names()
    assert engine.undoable() is not None


@pytest.mark.skipif(os.name == "nt", reason="Windows inherits the rights of the folder")
def test_only_this_user_may_read_what_came(engine: BackupEngine, from_elsewhere: bytes) -> None:
    send(engine, from_elsewhere)

    (path,) = staged(engine)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_backup_made_meanwhile_does_not_sweep_it_away(engine: BackupEngine, from_elsewhere: bytes) -> None:
    intake_id = send(engine, from_elsewhere)
    engine.create()

    assert engine.intake.finish(intake_id).is_good


def test_what_a_launcher_that_died_has_left_is_swept_by_the_next(engine: BackupEngine, from_elsewhere: bytes) -> None:
    send(engine, from_elsewhere)
    engine.intake.discard()
    left = engine.data_dir / PRIVATE / "staging" / "dead"
    left.mkdir()
    (left / "incoming.zip").write_bytes(b"half")
    left.with_suffix(".lock").touch()

    BackupEngine(engine.data_dir).recover()

    assert staged(engine) == []


def test_the_next_file_takes_the_place_of_the_one_before(engine: BackupEngine, from_elsewhere: bytes) -> None:
    first = engine.intake.finish(send(engine, from_elsewhere))
    second = send(engine, from_elsewhere)

    assert not first.path.exists()
    assert len(staged(engine)) == 1
    with pytest.raises(BackupError, match="no longer kept"):
        engine.intake.take("another", 0, b"x")
    assert engine.intake.finish(second).is_good


def test_a_slice_may_come_twice_but_none_may_be_missing_or_too_long(
    engine: BackupEngine, from_elsewhere: bytes
) -> None:
    intake_id = engine.intake.begin(len(from_elsewhere))
    assert engine.intake.take(intake_id, 0, from_elsewhere[:100]) == 100
    assert engine.intake.take(intake_id, 0, from_elsewhere[:100]) == 100
    with pytest.raises(BackupError, match="A part of the file is missing"):
        engine.intake.take(intake_id, 101, b"x")
    with pytest.raises(BackupError, match="A part of the file is missing"):
        engine.intake.take(intake_id, 100, from_elsewhere)
    engine.intake.take(intake_id, 100, from_elsewhere[100:])
    assert engine.intake.finish(intake_id).is_good


@pytest.mark.parametrize("harm", ["cut", "flipped", "no zip"])
def test_what_is_not_whole_is_refused_and_not_kept(engine: BackupEngine, from_elsewhere: bytes, harm: str) -> None:
    middle = len(from_elsewhere) // 3
    spoilt = {
        "cut": from_elsewhere[:-50],
        "flipped": from_elsewhere[:middle] + bytes([from_elsewhere[middle] ^ 1]) + from_elsewhere[middle + 1 :],
        "no zip": b"holiday photographs",
    }
    with pytest.raises(ArchiveUnusable):
        engine.intake.finish(send(engine, spoilt[harm]))

    assert engine.intake.archive is None
    assert staged(engine) == []


def test_what_did_not_come_whole_is_not_kept(engine: BackupEngine, from_elsewhere: bytes) -> None:
    intake_id = engine.intake.begin(len(from_elsewhere))
    engine.intake.take(intake_id, 0, from_elsewhere[:100])
    with pytest.raises(BackupError, match="A part of the file is missing"):
        engine.intake.finish(intake_id)

    assert staged(engine) == []


def test_a_file_that_the_disk_has_no_room_for_is_refused_before_its_first_byte(engine: BackupEngine) -> None:
    with pytest.raises(RepositoryFull, match="not enough room"):
        engine.intake.begin(1 << 60)
    with pytest.raises(ArchiveUnusable, match="empty"):
        engine.intake.begin(0)
    assert staged(engine) == []


def test_a_virus_scanner_that_looks_into_what_has_come_delays_it_only(
    engine: BackupEngine, from_elsewhere: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.replace
    refused: list[Path] = []

    def scanning(path: Path, target: Path) -> Path:
        if path.name == "incoming.zip" and not refused:
            refused.append(path)
            error = PermissionError(13, "used by another process")
            error.winerror = 32  # type: ignore[attr-defined]
            raise error
        return rename(path, target)

    intake_id = send(engine, from_elsewhere)
    monkeypatch.setattr(Path, "replace", scanning)
    assert engine.intake.finish(intake_id).is_good
    assert refused
