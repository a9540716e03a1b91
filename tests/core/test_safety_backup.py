"""The safety backup of a restore: the newest backup itself where it holds just today's data, else a new one."""

from datetime import timedelta
from pathlib import Path

import pytest

from backup_core import BackupEngine
from backup_core.errors import OtherClinic
from backup_core.history import Trigger
from backup_core.listing import Archive, size_on_disk
from tests.clinic import PATIENTS, Clinic, make_clinic
from tests.fakeclock import FakeClock


def safety_of(engine: BackupEngine, wanted: Archive) -> Archive:
    """Restore `wanted` and return the safety backup that was kept."""
    restored = engine.restore(wanted)
    assert restored.safety is not None
    safety = engine.find(restored.safety)
    assert safety.safety
    assert safety.is_good
    engine.verify(safety)
    return safety


def test_where_nothing_was_written_since_the_newest_backup_the_safety_backup_has_its_very_bytes(
    engine: BackupEngine, clinic: Clinic
) -> None:
    first = engine.create()
    clinic.admit("Later")
    newest = engine.create()

    safety = safety_of(engine, first)

    assert safety.path.samefile(newest.path)
    assert len(clinic.names()) == PATIENTS
    newest.path.unlink()
    engine.undo()
    assert clinic.names()[-1] == "Later"


def test_what_was_written_since_is_in_a_new_one(engine: BackupEngine, clinic: Clinic) -> None:
    first = engine.create()
    clinic.admit("Later")

    safety = safety_of(engine, first)

    assert not safety.path.samefile(first.path)
    assert safety.manifest is not None
    assert (safety.manifest.trigger, safety.manifest.patient_count) == (Trigger.SAFETY, PATIENTS + 1)
    engine.undo()
    assert clinic.names()[-1] == "Later"


def test_a_newest_backup_with_a_wrong_bit_is_not_trusted(engine: BackupEngine, clinic: Clinic) -> None:
    first = engine.create()
    clinic.admit("Later")
    newest = engine.create()
    data = bytearray(newest.path.read_bytes())
    data[len(data) // 3] ^= 4
    newest.path.write_bytes(data)

    safety = safety_of(engine, first)

    assert not safety.path.samefile(newest.path)
    engine.undo()
    assert clinic.names()[-1] == "Later"


def test_where_the_disk_gives_a_file_one_name_only_a_new_one_is_made(
    engine: BackupEngine, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted", str(path))

    newest = engine.create()
    monkeypatch.setattr(Path, "hardlink_to", refuse)

    safety = safety_of(engine, newest)

    assert not safety.path.samefile(newest.path)
    assert sorted(path.name for path in (engine.backup_dir / ".docassist-backup").glob("*.part")) == []


def test_another_clinics_archive_is_still_asked_about_where_nothing_was_written(
    engine: BackupEngine, clinic: Clinic, tmp_path: Path
) -> None:
    other = make_clinic(tmp_path / "other")
    foreign = BackupEngine(other.data_dir).create()
    newest = engine.create()
    with pytest.raises(OtherClinic):
        engine.restore(foreign)
    restored = engine.restore(foreign, other_clinic=True)
    assert engine.find(restored.safety or "").path.samefile(newest.path)


def test_it_is_as_old_as_the_restore_and_takes_no_room_of_its_own(clinic: Clinic) -> None:
    clock = FakeClock()
    engine = BackupEngine(clinic.data_dir, clock=clock)
    first = engine.create()
    clinic.admit("Later")
    clock.pass_time(timedelta(days=1))
    newest = engine.create()
    clock.pass_time(timedelta(days=29))

    safety = safety_of(engine, first)

    assert safety.path.samefile(newest.path)
    assert safety.created_at == clock.local()
    assert max(engine.archives(), key=lambda archive: archive.order).name == safety.name
    assert size_on_disk(engine.archives()) == first.size + newest.size
