"""A restore that is refused: somebody has the data open, it is another clinic's, or the archive is no good."""

import itertools
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from backup_core import BackupEngine
from backup_core.errors import (
    ArchiveUnusable,
    EmrRunning,
    OtherClinic,
    RepositoryUnusable,
    RestoreFailed,
    SettingInvalid,
    UnknownArchive,
)
from backup_core.files import PRIVATE
from backup_core.swap import Swap
from tests.audit import listening
from tests.clinic import PATIENTS, Clinic
from tests.core import oldemr
from tests.core.test_archive import WHEN, member, zip_of
from tests.fakeclock import FakeClock


def test_another_clinics_backup_wants_to_be_confirmed(
    engine: BackupEngine, clinic: Clinic, tmp_path: Path, clock: FakeClock
) -> None:
    other = Clinic(tmp_path / "other clinic")
    shutil.copytree(clinic.data_dir, other.data_dir)
    other.sql("DELETE FROM patients WHERE id > 12")
    theirs, mine, rows = BackupEngine(other.data_dir).create(), engine.create(), clinic.rows()

    with pytest.raises(OtherClinic, match=r"another clinic's records \(12 patients, from PC .+\)") as raised:
        engine.restore(theirs)
    assert raised.value.facts["patients"] == 12
    assert clinic.rows() == rows
    assert engine.undoable() is None

    engine.restore(theirs, other_clinic=True)
    assert len(clinic.names()) == 12
    with pytest.raises(OtherClinic):
        engine.restore(mine)
    engine.undo()
    assert clinic.rows() == rows
    engine.restore(mine)


def test_a_backup_that_names_no_clinic_is_known_by_its_patients(
    engine: BackupEngine, clinic: Clinic, tmp_path: Path
) -> None:
    ours = engine.find(oldemr.create_backup(clinic.data_dir, tmp_path, WHEN))
    clinic.admit("New")
    engine.restore(ours)

    clinic.sql("UPDATE patients SET uhid = 'X-' || id, name = 'Somebody else'")
    with pytest.raises(OtherClinic):
        engine.restore(ours)

    clinic.sql("DELETE FROM patients")
    engine.restore(ours)
    assert len(clinic.names()) == PATIENTS


def test_a_program_that_has_the_data_open_is_named_and_nothing_changes(engine: BackupEngine, clinic: Clinic) -> None:
    archive = engine.create()
    clinic.admit("Stays")
    rows = clinic.rows()
    holding = "import sys; file = open(sys.argv[1], 'rb'); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holding, clinic.db], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as emr:
        assert emr.stdout is not None
        emr.stdout.readline()
        with pytest.raises(EmrRunning, match=rf"python.*{emr.pid}") as raised:
            engine.restore(archive)
        with pytest.raises(EmrRunning):
            engine.restore(archive)
        emr.communicate()

    assert raised.value.hint
    assert clinic.rows() == rows
    assert list(engine.backup_dir.glob("safety_*")) == []
    engine.restore(archive)


def test_the_emrs_process_is_known_by_its_command_though_it_has_nothing_open(clinic: Clinic) -> None:
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    engine = BackupEngine(clinic.data_dir, emr_command=f'"{command[0]}" -c "{command[2]}"')
    archive = engine.create()
    with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=clinic.data_dir.parent) as emr:
        with pytest.raises(EmrRunning, match=str(emr.pid)):
            engine.restore(archive)
        emr.communicate()
    engine.restore(archive)


def test_a_transaction_under_way_is_a_program_that_has_the_data_open(engine: BackupEngine, clinic: Clinic) -> None:
    archive = engine.create()
    with closing(sqlite3.connect(clinic.db)) as emr:
        emr.execute("BEGIN IMMEDIATE")
        with pytest.raises(EmrRunning, match="another program"):
            engine.restore(archive)


def test_an_archive_that_is_damaged_or_gone_changes_nothing(engine: BackupEngine, clinic: Clinic) -> None:
    damaged, gone = engine.create(), engine.create()
    data = bytearray(damaged.path.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.path.write_bytes(data)
    gone.path.unlink()
    before = clinic.files()

    with pytest.raises(ArchiveUnusable):
        engine.restore(damaged)
    with pytest.raises(RepositoryUnusable, match="cannot be read just now"):
        engine.restore(gone)
    with pytest.raises(UnknownArchive):
        engine.find("backup_2026-01-01_00-00-00.zip")

    assert clinic.files() == before
    assert list(engine.backup_dir.glob("safety_*")) == []


def test_a_disk_that_cannot_read_what_was_just_unpacked_changes_nothing(
    engine: BackupEngine, clinic: Clinic, tmp_path: Path
) -> None:
    """Only what the EMR's older code has made is counted then: it does not say what is in it."""

    def refuse(event: str, values: tuple[object, ...]) -> None:
        # Checked first, and then counted: the disk fails in between.
        if event == "sqlite3.connect" and "/new/clinic.db" in str(values[0]) and next(connections) == 2:
            raise sqlite3.OperationalError("disk I/O error")

    connections = itertools.count(1)
    archive = engine.find(oldemr.create_backup(clinic.data_dir, tmp_path, WHEN))
    clinic.admit("New")
    before = clinic.files()

    with listening(refuse), pytest.raises(RestoreFailed, match="could not be unpacked") as raised:
        engine.restore(archive)

    assert raised.value.facts["rolled_back"]
    assert clinic.files() == before
    assert engine.undoable() is None
    assert list(engine.backup_dir.glob("safety_*")) == []
    assert Swap.pending(clinic.data_dir) is None


@pytest.mark.parametrize(
    ("sources", "error"),
    [
        ({"chroma": True}, ArchiveUnusable),
        ({"clinic.db": True}, ArchiveUnusable),
        ({"clinic.db": True, "../other": True}, (ArchiveUnusable, SettingInvalid)),
        ({"clinic.db": True, PRIVATE: False}, (ArchiveUnusable, SettingInvalid)),
        ({"clinic.db": True, PRIVATE.upper(): False}, (ArchiveUnusable, SettingInvalid)),
        ({"clinic.db": True, "Backups": False}, (ArchiveUnusable, SettingInvalid)),
    ],
    ids=str,
)
def test_an_archive_whose_list_of_sources_is_hostile_changes_nothing(
    engine: BackupEngine, clinic: Clinic, tmp_path: Path, sources: dict[str, bool], error: type[Exception]
) -> None:
    engine.create()
    before = clinic.files()
    hostile = zip_of(tmp_path / "a.zip", [("notes.txt", b"x")], member("notes.txt", b"x"), sources=sources)

    with pytest.raises(error):
        engine.restore(engine.find(hostile), other_clinic=True)

    assert clinic.files() == before
