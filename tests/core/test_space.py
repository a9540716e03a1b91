"""Room on the disks: all that an operation needs is named in one sum before anything is written."""

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from backup_core import BackupEngine
from backup_core.errors import RepositoryFull
from backup_core.space import Need, need_room, size_of
from tests.clinic import Clinic
from tests.core import oldemr

MB = 10**6
WHEN = datetime(2026, 1, 31, 18, 0)  # noqa: DTZ001 - as DocAssist names its backups
NO_ROOM = "No room: %(needed)s needed (%(listed)s), %(free)s free."
#: Kept free besides, as on every disk.
SPARE = 16 * 2**20


class Disks:
    """Two disks as the tests want them: the data's, and another one below `other`."""

    def __init__(self, other: Path) -> None:
        self.other = other
        self.free = self.free_there = 10**12

    def usage(self, folder: Path) -> object:
        free = self.free_there if Path(folder).is_relative_to(self.other) else self.free
        return shutil._ntuple_diskusage(10**12, 10**12 - free, free)


@pytest.fixture
def disks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disks]:
    """Another disk in memory, where the system has one."""
    memory = Path("/dev/shm")
    if not memory.is_dir():
        pytest.skip("this system has no second disk to write to")
    disks = Disks(memory)
    monkeypatch.setattr(shutil, "disk_usage", disks.usage)
    yield disks


def test_what_lies_on_one_disk_is_added_up_and_named(tmp_path: Path, disks: Disks) -> None:
    needs = [
        Need(tmp_path / "not" / "yet", 30 * MB, "%(size)s for a trip"),
        Need(tmp_path, 12 * MB, "%(size)s for a hat"),
        Need(disks.other, 5 * MB, "%(size)s for the moon"),
    ]
    disks.free = 42 * MB + SPARE
    disks.free_there = 5 * MB + SPARE
    need_room(NO_ROOM, needs)
    disks.free -= 1
    with pytest.raises(RepositoryFull) as raised:
        need_room(NO_ROOM, needs)
    assert str(raised.value) == "No room: 42 MB needed (30 MB for a trip, 12 MB for a hat), 59 MB free."
    assert raised.value.facts == {"needed": 42 * MB, "free": 42 * MB + SPARE - 1}
    disks.free += 1
    disks.free_there -= 1
    with pytest.raises(RepositoryFull, match=r"5 MB needed \(5 MB for the moon\)"):
        need_room(NO_ROOM, needs)


def test_a_backup_needs_room_for_the_copy_and_for_the_archive(
    engine: BackupEngine, clinic: Clinic, disks: Disks
) -> None:
    size = size_of(engine._data.sources())
    assert size >= sum(len(data) for data in clinic.files().values())
    disks.free = 2 * size + SPARE - 1
    with pytest.raises(RepositoryFull, match=r"for copying the data and later opening the backup, .+ for the backup"):
        engine.create()
    assert engine.archives() == []
    disks.free = 2 * size + SPARE
    engine.create()


def test_a_restore_needs_room_for_what_comes_back_and_for_the_safety_backup(
    engine: BackupEngine, clinic: Clinic, disks: Disks
) -> None:
    made = engine.create()
    clinic.admit("Later")
    rows = clinic.rows()
    disks.free = 2 * size_of(engine._data.sources()) + SPARE
    with pytest.raises(
        RepositoryFull, match=r"safety backup before it: .+ for the data that comes back, .+ for copying"
    ):
        engine.restore(made)
    assert clinic.rows() == rows
    assert [one.name for one in engine.archives()] == [made.name]


def test_opening_a_backup_needs_room_for_all_that_is_in_it(engine: BackupEngine, disks: Disks) -> None:
    made = engine.create()
    disks.free = SPARE
    with pytest.raises(RepositoryFull, match="not enough room for opening the backup"):
        engine.prove(made)


def test_checking_a_backup_needs_room_for_its_databases(engine: BackupEngine, disks: Disks) -> None:
    made = engine.create()
    assert made.manifest is not None
    assert made.manifest.members is not None
    size = sum(member.size for member in made.manifest.members if member.name in ("clinic.db", "chroma/chroma.sqlite3"))
    assert size < sum(member.size for member in made.manifest.members)
    disks.free = size + SPARE - 1
    with pytest.raises(RepositoryFull, match="not enough room for checking the backup") as raised:
        engine.verify(made)
    assert raised.value.facts == {"needed": size, "free": disks.free}
    assert engine.find(made.name).is_good, "it says nothing of the archive"
    disks.free += 1
    engine.verify(made)


def test_comparing_a_backup_needs_room_for_the_records_of_both(
    engine: BackupEngine, clinic: Clinic, disks: Disks
) -> None:
    made = engine.create()
    assert made.manifest is not None
    assert made.manifest.members is not None
    size = clinic.db.stat().st_size + next(
        member.size for member in made.manifest.members if member.name == "clinic.db"
    )
    disks.free = size + SPARE - 1
    with pytest.raises(RepositoryFull, match="not enough room for comparing the backup with today's data") as raised:
        engine.compare(made)
    assert raised.value.facts == {"needed": size, "free": disks.free}
    disks.free += 1
    assert engine.compare(made) == []


def test_checking_an_old_backup_without_a_list_needs_room_for_its_databases_too(
    engine: BackupEngine, clinic: Clinic, disks: Disks, tmp_path: Path
) -> None:
    old = engine.find(oldemr.create_backup(clinic.data_dir, tmp_path, WHEN))
    databases = (clinic.db, clinic.chroma / "chroma.sqlite3")
    disks.free = sum(database.stat().st_size for database in databases) + SPARE - 1
    with pytest.raises(RepositoryFull, match="not enough room for checking the backup"):
        engine.verify(old)
    disks.free += 1
    engine.verify(old)
