"""Refuse every step that Python tells of, reading ones too, in every operation, and see that nothing is lost.

At every step the data folder also moves away once, as with its drive, and comes back afterwards.

`python -m tests.faults.step_matrix` prints the points and what went wrong. The shim of the other matrices sees what
changes the disk, SQLite's own calls included; this one sees what is opened, listed and connected to, on any system.
"""

import argparse
import errno
import logging
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from backup_core import BackupEngine, archive
from backup_core.errors import BackupError
from backup_core.files import PRIVATE
from backup_core.listing import Archive
from backup_core.restore import Restored
from backup_core.rulebook import BY_HAND
from tests.laws.desk import EXTRA, FILES, SETTINGS, Desk
from tests.laws.life import MEMORY

from .state import SOURCES, State, state_of
from .steps import RENAMES, STEPS, Steps

OPERATIONS: dict[str, Callable[[BackupEngine], object]] = {
    "create": lambda engine: engine.create(),
    "restore": lambda engine: engine.restore(engine.archives()[-1]),
    "undo": lambda engine: engine.undo(),
    "prune": lambda engine: engine.prune(keep=1),
    "sweep": lambda engine: engine.recover(),
    "arm": lambda engine: engine.restore(engine.archives()[-1], inside_emr=True),
    "armed": lambda engine: engine.recover(),
}
#: What has happened to the data before a restore.
MISHAPS = ("damaged", "empty", "missing")
SCENES = (*OPERATIONS, *(f"restore-{mishap}" for mishap in MISHAPS))
#: Those after which the live data may still be such that no backup can be made of it.
_UNFIT = ("arm", "armed", "restore-damaged", "restore-missing")
ERRORS = {"EACCES": errno.EACCES, "EBUSY": errno.EBUSY, "EIO": errno.EIO, "ENOSPC": errno.ENOSPC}
#: Those at which the data folder is moved away: all but the making of folders, which the library of the locks repeats.
MOVABLE = tuple(step for step in STEPS if step != "os.mkdir")
#: How an error begins that says itself that the data has changed.
DONE = "The data has been restored"
#: What Windows says of a file that another program has open.
SHARING_VIOLATION = 32


@dataclass
class Scene:
    """A data folder before an operation, and the clinic's state before and after it."""

    name: str
    operation: str
    data: Path
    before: State
    after: State


@dataclass
class Result:
    """How many steps were refused, and what was lost."""

    points: int = 0
    lost: list[str] = field(default_factory=list)


def make_scene(folder: Path, name: str) -> Scene:
    """Return the scene of that name, one of SCENES, its data in a new folder below `folder`."""
    operation, _, mishap = name.partition("-")
    desk = Desk(folder / name / "data")
    desk.data_dir.parent.mkdir()
    desk.open_clinic()
    engine = engine_of(desk.data_dir)
    first = whole_state(desk.data_dir)
    engine.create()
    desk.admit(1000)
    desk.write_file(FILES[0], b"second")
    _befall(desk, "damaged" if operation in ("arm", "armed") else mishap)
    before = after = whole_state(desk.data_dir)
    if operation == "prune":
        # The oldest is kept all the same, so that it is put among those that are kept longer.
        oldest = engine.archives()[-1].name
        with engine.repository.lock():
            engine.repository.rules.pins = {oldest: BY_HAND}
        engine.create()
        engine.create()
    elif operation == "sweep":
        for leftover in ("one", "other"):
            folder = desk.data_dir / PRIVATE / "staging" / leftover
            folder.mkdir()
            (folder / "clinic.db").write_bytes(b"left")
    elif operation == "undo":
        engine.restore(engine.archives()[-1])
        before = first
    elif operation != "create":
        after = first
    if operation == "armed":
        assert engine.restore(engine.archives()[-1], inside_emr=True).armed
    return Scene(name, operation, desk.data_dir, before, after)


def _befall(desk: Desk, mishap: str) -> None:
    database = desk.data_dir / "clinic.db"
    if mishap == "damaged":
        database.write_bytes(database.read_bytes()[:5000] + b"\xa5" * 9000)
    elif mishap:
        for name in ("chroma", "prescriptions"):
            desk.lose_folder(name)
        (desk.data_dir / EXTRA).unlink()
        database.write_bytes(b"")
    if mishap == "missing":
        database.unlink()
        desk.write_settings(None)


def whole_state(folder: Path) -> State:
    """Return what a data folder, or an unpacked archive, holds."""
    return state_of(folder, (*SOURCES, EXTRA))


def engine_of(data: Path) -> BackupEngine:
    """Return an engine of a data folder that protects the second database too."""
    return BackupEngine(data, extras=[EXTRA], patience=2)


class StepMatrix:
    """Refuses the steps of one scene's operation."""

    def __init__(self, scene: Scene, folder: Path) -> None:
        self.scene = scene
        self.result = Result()
        self.data = folder / f"refused-{scene.name}" / "data"

    def copy(self) -> None:
        """Put a fresh copy of the scene in place."""
        shutil.rmtree(self.data.parent, ignore_errors=True)
        shutil.copytree(self.scene.data, self.data)

    def length(self, kinds: tuple[str, ...] = STEPS) -> int:
        """Return how many steps the operation has, undisturbed."""
        self.copy()
        steps = Steps(self.data, lambda event: None, kinds)
        with steps.counting(0, 0):
            returned = OPERATIONS[self.scene.operation](engine_of(self.data))
        self._check_done(returned, "undisturbed")
        return steps.count

    def refuse(self, name: str, points: Sequence[int]) -> None:
        """Refuse each of `points` once, with the error of that name."""

        def act(event: str) -> None:
            if event == "sqlite3.connect":
                raise sqlite3.OperationalError("unable to open database file")
            raise OSError(ERRORS[name], os.strerror(ERRORS[name]))

        for point in points:
            self.disturb(f"{name} at {point}", act, point, point)

    def hold_thrice(self, points: Sequence[int]) -> None:
        """Say at each of `points` three times that another program has the file: the operation has to succeed."""

        def act(event: str) -> None:
            error = PermissionError(errno.EACCES, "another program has the file open")
            error.winerror = SHARING_VIOLATION  # type: ignore[attr-defined,unused-ignore]
            raise error

        for point in points:
            error = self.disturb(f"held thrice at {point}", act, point, point + 2, RENAMES)
            self.expect(error is None, f"held thrice at {point}: {error!r}")

    def move_away(self, points: Sequence[int]) -> None:
        """Move the data folder away at each of `points`: it is not made up anew, and whole when it is back."""
        aside = self.data.with_name("moved")
        for point in points:
            where = f"moved away at {point}"
            self.copy()
            self.result.points += 1
            try:
                with Steps(self.data, lambda _: self._move(aside), MOVABLE).counting(point, point):
                    OPERATIONS[self.scene.operation](engine_of(self.data))
            except BackupError:
                pass
            except Exception as error:  # noqa: BLE001 - whatever else is raised is what is looked for
                self.expect(False, f"{where}: {type(error).__name__}: {error}")
            if aside.exists():
                self.expect(not self.data.exists(), f"{where}: {self.data} was made up")
                shutil.rmtree(self.data, ignore_errors=True)
                aside.rename(self.data)
            self.recover(where)

    def _move(self, aside: Path) -> None:
        self.data.rename(aside)

    def disturb(
        self, where: str, act: Callable[[str], None], first: int, last: int, kinds: tuple[str, ...] = STEPS
    ) -> BackupError | None:
        """Do the operation with `act` at those steps; check how it ends, recover, and check what is there then."""
        self.copy()
        self.result.points += 1
        raised: BackupError | None = None
        try:
            with Steps(self.data, act, kinds).counting(first, last):
                returned = OPERATIONS[self.scene.operation](engine_of(self.data))
        except BackupError as error:
            # Without its traceback, which would keep alive what a process that goes on lets go.
            raised = error.with_traceback(None)
            if not self._is_pending and not str(raised).startswith(DONE):
                self._expect_state(self.scene.before, f"{where}: {raised.code}, but the data has changed")
        except Exception as error:  # noqa: BLE001 - whatever else is raised is what is looked for
            self.expect(False, f"{where}: {type(error).__name__}: {error}")
        else:
            self._check_done(returned, where)
        self.recover(where)
        return raised

    def recover(self, where: str) -> None:
        """Start anew, and see that the data is old or new, that every archive is whole, and that nothing is left."""
        engine = engine_of(self.data)
        engine.recover()
        now = whole_state(self.data)
        self.expect(now in (self.scene.before, self.scene.after), f"{where}: neither old nor new")
        if self.scene.name not in _UNFIT or now == self.scene.after:
            engine.create()
        for listed in engine.archives():
            self.expect(listed.is_good, f"{where}: {listed.name} is {listed.state}")
            archive.verify(listed.path)
        work, backups = self.data / PRIVATE, self.data / "backups" / PRIVATE
        left = [*work.glob("staging/*"), *work.glob("swap/*"), *work.glob("journal.json"), *backups.glob("*-*.part")]
        self.expect(not left, f"{where}: left behind: {left}")

    def expect(self, holds: bool, what: str) -> None:
        """Note what does not hold."""
        if not holds:
            self.result.lost.append(f"{self.scene.name}, {what}")

    @property
    def _is_pending(self) -> bool:
        return (self.data / PRIVATE / "journal.json").exists()

    def _expect_state(self, state: State, what: str) -> None:
        self.expect(whole_state(self.data) == state, what)

    def _check_done(self, returned: object, where: str) -> None:
        """What has returned has done all of its work: the data is replaced or not, and an archive holds what it was."""
        waits = isinstance(returned, Restored) and returned.armed
        self.expect(self._is_pending is waits, f"{where}: it returned, and a restore is pending or not")
        self._expect_state(self.scene.before if waits else self.scene.after, f"{where}: it returned, but is not done")
        made = (
            returned.name
            if isinstance(returned, Archive)
            else returned.safety
            if isinstance(returned, Restored)
            else ""
        )
        if made or (self.scene.operation in ("create", "restore", "undo") and self.scene.before):
            self.expect(self._holds_before(str(made)), f"{where}: {made} does not hold the data")
        if self.scene.operation == "prune":
            stayed = [one.kept for one in engine_of(self.data).archives()]
            self.expect(stayed == [False, True], f"{where}: it returned, but is not tidied up")

    def _holds_before(self, name: str) -> bool:
        path = self.data / "backups" / name
        if not path.is_file():
            return False
        with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
            archive.extract(path, Path(folder) / "made")
            held = whole_state(Path(folder) / "made")
        # The settings are the user's of today, which a restore leaves alone.
        return {**held, SETTINGS: ""} == {**self.scene.before, SETTINGS: ""}


def main() -> int:
    """Run the long form and return 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--step", type=int, default=1, help="take every n-th point")
    wanted = parser.parse_args()
    logging.disable()
    total, wrong = 0, 0
    folder = Path(tempfile.mkdtemp(dir=MEMORY))
    for name in SCENES:
        matrix = StepMatrix(make_scene(folder, name), folder)
        steps, moves = matrix.length(), matrix.length(RENAMES)
        for error in ERRORS:
            matrix.refuse(error, range(1, steps + 1, wanted.step))
        matrix.hold_thrice(range(1, moves + 1, wanted.step))
        matrix.move_away(range(1, matrix.length(MOVABLE) + 1, wanted.step))
        result = matrix.result
        sys.stdout.write(f"{name}: {steps} steps, {result.points} points, {len(result.lost)} wrong\n")
        sys.stdout.write("".join(f"  {line}\n" for line in result.lost[:20]))
        sys.stdout.flush()
        total, wrong = total + result.points, wrong + len(result.lost)
    shutil.rmtree(folder)
    sys.stdout.write(f"{total} points, {wrong} wrong\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
