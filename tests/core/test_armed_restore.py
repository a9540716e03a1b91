"""A restore from inside the EMR where its open files forbid the swap, as on Windows: armed, and done later."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from backup_core import BackupEngine, BackupService
from backup_core.errors import EmrRunning, RestoreFailed
from backup_core.files import PRIVATE
from tests.audit import listening
from tests.clinic import PATIENTS, Clinic
from tests.core.test_swap import touches_live_data


@contextmanager
def files_held_open(clinic: Clinic) -> Iterator[None]:
    """Be a system on which an open file of the EMR's can be neither renamed nor replaced."""

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "ctypes.dlsym" or touches_live_data(clinic, event, arguments):
            raise PermissionError(13, "The process cannot access the file because it is being used")

    with listening(refuse):
        yield


def safeties_with(engine: BackupEngine, patients: int) -> int:
    """Return how many safety backups hold that many patients."""
    manifests = [archive.manifest for archive in engine.archives() if archive.safety]
    return sum(manifest is not None and manifest.patient_count == patients for manifest in manifests)


def test_an_armed_restore_says_true_changes_nothing_yet_and_is_done_by_recover(
    engine: BackupEngine, clinic: Clinic
) -> None:
    archive, rows = engine.create(), clinic.rows()
    clinic.admit("Since then")
    before = clinic.files()

    with files_held_open(clinic):
        assert BackupService(clinic.data_dir).restore_backup(archive.path) is True

    assert clinic.files() == before
    assert safeties_with(engine, PATIENTS + 1) == 1
    clinic.admit("Entered after the click")

    decided = engine.recover()

    assert decided == f"The restore of {archive.name} has been finished."
    assert clinic.rows() == rows
    assert safeties_with(engine, PATIENTS + 2) == 1
    engine.undo()
    assert clinic.names()[-2:] == ["Since then", "Entered after the click"]
    assert engine.recover() is None


def test_an_armed_restore_waits_while_the_emr_goes_on_working(engine: BackupEngine, clinic: Clinic) -> None:
    archive = engine.create()
    with files_held_open(clinic):
        assert BackupService(clinic.data_dir).restore_backup(archive.path)
    clinic.admit("Since then")

    service = BackupService(clinic.data_dir)
    assert service.auto_backup()
    assert clinic.names()[-1] == "Since then"
    assert len(service.list_backups()) == 2

    engine.recover()
    assert len(clinic.names()) == PATIENTS


def test_a_second_restore_takes_the_place_of_one_that_is_armed(engine: BackupEngine, clinic: Clinic) -> None:
    first = engine.create()
    clinic.admit("Since then")
    second = engine.create()
    clinic.admit("Too much")
    with files_held_open(clinic):
        service = BackupService(clinic.data_dir)
        assert service.restore_backup(first.path)
        assert service.restore_backup(second.path)
    assert len(list((clinic.data_dir / PRIVATE / "swap").iterdir())) == 1

    engine.recover()

    assert clinic.names()[-1] == "Since then"
    engine.undo()
    assert clinic.names()[-1] == "Too much"


def test_an_armed_restore_is_not_done_while_a_program_has_the_data_open(engine: BackupEngine, clinic: Clinic) -> None:
    archive = engine.create()
    clinic.admit("Since then")
    with files_held_open(clinic):
        BackupService(clinic.data_dir).restore_backup(archive.path)
    with closing(sqlite3.connect(clinic.db)) as emr:
        emr.execute("BEGIN IMMEDIATE")
        with pytest.raises(EmrRunning):
            engine.recover()
    assert len(clinic.names()) == PATIENTS + 1

    engine.recover()

    assert len(clinic.names()) == PATIENTS


def test_the_launcher_is_told_when_files_are_held_and_may_not_arm(engine: BackupEngine, clinic: Clinic) -> None:
    archive = engine.create()
    clinic.admit("Since then")

    with files_held_open(clinic), pytest.raises(RestoreFailed) as raised:
        engine.restore(archive)

    assert raised.value.rolled_back
    assert raised.value.facts["rolled_back"] is True
    assert clinic.names()[-1] == "Since then"
    assert engine.recover() is None


def test_a_full_disk_is_no_reason_to_arm(engine: BackupEngine, clinic: Clinic) -> None:
    archive = engine.create()
    clinic.admit("Since then")

    def full(event: str, arguments: tuple[Any, ...]) -> None:
        if touches_live_data(clinic, event, arguments):
            raise OSError(28, "No space left on device")

    with listening(full):
        assert BackupService(clinic.data_dir).restore_backup(archive.path) is False

    assert clinic.names()[-1] == "Since then"
    assert engine.recover() is None
    assert list((clinic.data_dir / PRIVATE / "swap").glob("*")) == []


def test_damaged_data_is_replaced_only_when_docassist_no_longer_has_it_open(clinic: Clinic) -> None:
    service = BackupService(clinic.data_dir)
    path = service.create_backup()
    assert path is not None
    whole, data = clinic.rows(), bytearray(clinic.db.read_bytes())
    data[4096 * 2 : 4096 * 6] = os.urandom(4096 * 4)
    clinic.db.write_bytes(data)
    opened: list[str] = []

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and str(arguments[0]).endswith(("/clinic.db", "/chroma.sqlite3")):
            opened.append(str(arguments[0]))

    with listening(watch):
        assert service.restore_backup(path)
    live = [name for name in opened if name.startswith(str(clinic.data_dir)) and PRIVATE not in name]
    assert live == [], "a plain open would drop the locks of DocAssist's own connections"
    assert clinic.db.read_bytes() == data

    engine = BackupEngine(clinic.data_dir)
    assert engine.recover() == f"The restore of {path.name} has been finished."
    assert clinic.rows() == whole
    engine.undo()
    assert clinic.db.read_bytes() == data
