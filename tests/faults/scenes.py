"""The clinics on which operations are killed: each is made once and copied for each kill."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from backup_core.engine import BackupEngine
from backup_core.files import PRIVATE
from backup_core.listing import Archive
from backup_core.retention import Policy
from backup_core.runs import Trigger
from tests.fakeclock import FakeClock

from .maker import make
from .state import State, state_of


@dataclass(frozen=True)
class Scene:
    """A data folder, an operation on it, and the states of its data before and after."""

    name: str
    operation: str
    archive: str
    data: Path
    before: State
    after: State
    #: The archives that have to be there however the operation ends.
    survivors: frozenset[str]
    #: Whether it lies on a disk that knows neither second names nor an exchange of names.
    plain: bool = False

    @property
    def is_pending(self) -> bool:
        """Whether a restore waits in it for the operation."""
        return (self.data / PRIVATE / "journal.json").exists()

    def copy(self, target: Path) -> None:
        """Put a copy of the data folder to `target`, in place of what is there."""
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(self.data, target)


def _write(data: Path, note: str) -> None:
    with closing(sqlite3.connect(data / "clinic.db")) as database, database:
        database.execute("UPDATE patients SET address = ?", (note,))
    with closing(sqlite3.connect(data / "chroma" / "chroma.sqlite3")) as database, database:
        # Any change will do: nothing asks this store for vectors.
        database.execute("UPDATE embedding_metadata SET string_value = ?", (note,))
    (data / "prescriptions" / "patient_1.pdf").write_text(note)
    for index in (data / "chroma").glob("*/link_lists.bin"):
        index.write_bytes(index.read_bytes() + note.encode())


def _leave(data: Path) -> None:
    """Leave the data as it is."""


def _damage(data: Path) -> None:
    damaged = bytearray((data / "clinic.db").read_bytes())
    damaged[4096:20480] = b"\xa5" * 16384
    (data / "clinic.db").write_bytes(damaged)


def _empty(data: Path) -> None:
    (data / "clinic.db").write_bytes(b"")
    shutil.rmtree(data / "chroma")


def _lose(data: Path) -> None:
    for name in ("clinic.db", "settings.json"):
        (data / name).unlink()
    for name in ("chroma", "prescriptions"):
        shutil.rmtree(data / name)


def _go_wal(data: Path) -> None:
    with closing(sqlite3.connect(data / "clinic.db")) as database:
        database.execute("PRAGMA journal_mode = WAL")
    # The write-ahead log stays behind, full, as after a power cut.
    keeper = sqlite3.connect(f"{(data / 'clinic.db').as_uri()}?mode=ro", uri=True)
    keeper.execute("SELECT count(*) FROM patients").fetchone()
    with closing(sqlite3.connect(data / "clinic.db")) as database, database:
        database.execute("UPDATE patients SET phone = 'in the log'")
    keeper.close()
    assert (data / "clinic.db-wal").stat().st_size > 0


#: What happens to the live data before a restore.
MISHAPS: dict[str, Callable[[Path], None]] = {
    "good": _leave,
    "plain": _leave,
    "damaged": _damage,
    "empty": _empty,
    "missing": _lose,
    "write-ahead": _go_wal,
}
#: "tidy" is what the launcher's policy does, which keeps some longer, "run" a whole scheduled run, "alarm" a backup of
#: a clinic that has lost its patients, "arm" a restore that is asked for inside the EMR over damaged data, and "armed"
#: its being done at the next start.
NAMES = (
    *("create", "alarm", "run", "prune", "tidy", "pin"),
    *(f"restore-{mishap}" for mishap in MISHAPS),
    *("undo", "arm", "armed"),
)
#: Those after which the live data may still be damaged, so that no backup can be made of it.
DAMAGED = ("restore-damaged", "arm", "armed")


class Scenery:
    """Makes the scenes in a folder, all from one clinic."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[str, Scene] = {}
        self._data = folder / "clinic" / "data"
        make(self._data)
        _write(self._data, "first")
        self._archive = BackupEngine(self._data).create()
        self._first = state_of(self._data)
        _write(self._data, "second")

    def scene(self, name: str) -> Scene:
        """Return the scene of that name, one of NAMES, made when it is first asked for."""
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> Scene:
        data = self._folder / name / "data"
        shutil.copytree(self._data, data)
        engine = BackupEngine(data)
        operation, _, mishap = name.partition("-")
        archive: Archive = self._archive
        after = state_of(data)
        survivors = {archive.name}
        if operation == "prune":
            made = [engine.create(Trigger.API).name for _ in range(4)]
            survivors = set(made[-2:])
        elif operation in ("tidy", "run"):
            survivors |= _live_for_days(data, archive)
            after = state_of(data)
        elif operation == "alarm":
            _lose_patients(data)
            after = state_of(data)
        elif operation == "restore":
            MISHAPS[mishap](data)
            settings = {name: digest for name, digest in state_of(data).items() if name == "settings.json"}
            after = self._first | settings
        elif operation == "undo":
            survivors.add(str(engine.restore(engine.find(archive.name)).safety))
        elif operation in ("arm", "armed"):
            _damage(data)
            after = self._first | {"settings.json": after["settings.json"]}
            if operation == "armed":
                assert engine.restore(engine.find(archive.name), inside_emr=True).armed
                operation = "recover"
        return Scene(
            *(name, operation, archive.name, data, state_of(data), after),
            survivors=frozenset(survivors),
            plain=mishap == "plain",
        )


def _lose_patients(data: Path) -> None:
    with closing(sqlite3.connect(data / "clinic.db")) as database, database:
        for table in ("charges", "payments", "visits", "patients"):
            database.execute(f"DELETE FROM {table}")


def _live_for_days(data: Path, pinned: Archive) -> set[str]:
    """Make two archives a day on four days; return those that the policy set here keeps, though another is made."""
    clock = FakeClock()
    engine = BackupEngine(data, clock=clock)
    engine.keeper.set_policy(Policy(newest=1, daily=3))
    engine.keeper.keep_for_ever(pinned, keep=True)
    made = []
    for number in range(8):
        _write(data, f"half day {number}")
        made.append(engine.create(Trigger.API).name)
        clock.pass_time(timedelta(hours=3 if number % 2 == 0 else 21))
    _write(data, "today")
    return {made[5], made[7]}
