"""Refuse every step that Python tells of, reading ones too, in every operation, and see that nothing is lost.

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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backup_core import BackupEngine, archive
from backup_core.errors import BackupError
from backup_core.files import PRIVATE
from tests.audit import listening
from tests.laws.desk import EXTRA, FILES, Desk, State
from tests.laws.life import MEMORY

RENAMES = ("os.rename", "os.remove", "os.rmdir", "shutil.rmtree")
STEPS = (*RENAMES, "open", "os.mkdir", "os.link", "os.listdir", "os.scandir", "sqlite3.connect", "shutil.copyfile")
OPERATIONS: dict[str, Callable[[BackupEngine], object]] = {
    "create": lambda engine: engine.create(),
    "restore": lambda engine: engine.restore(engine.archives()[-1]),
    "undo": lambda engine: engine.undo(),
    "prune": lambda engine: engine.prune(keep=1),
}
ERRORS = {"EACCES": errno.EACCES, "EBUSY": errno.EBUSY, "EIO": errno.EIO}
#: How an error begins that says itself that the data has changed.
DONE = "The data has been restored"
#: What Windows says of a file that another program has open.
SHARING_VIOLATION = 32


@dataclass
class Scene:
    """A data folder before an operation, and the clinic's state before and after it."""

    operation: str
    data: Path
    before: State
    after: State


@dataclass
class Result:
    """How many steps were refused, and what was lost."""

    points: int = 0
    lost: list[str] = field(default_factory=list)


def make_scene(folder: Path, operation: str) -> Scene:
    """Return the scene of an operation, its data in a new folder below `folder`."""
    desk = Desk(folder / operation / "data")
    desk.data_dir.parent.mkdir()
    desk.open_clinic()
    engine = engine_of(desk.data_dir)
    first = desk.state()
    engine.create()
    desk.admit(1000)
    desk.write_file(FILES[0], b"second")
    before = after = desk.state()
    if operation == "prune":
        engine.create()
        engine.create()
    elif operation == "undo":
        engine.restore(engine.archives()[-1])
        before = first
    elif operation == "restore":
        after = first
    return Scene(operation, desk.data_dir, before, after)


def engine_of(data: Path) -> BackupEngine:
    return BackupEngine(data, extras=[EXTRA], patience=2)


class Steps:
    """Counts the steps of this process inside a folder, and does `act` at those from `first` to `last`."""

    def __init__(self, folder: Path, act: Callable[[str], None], kinds: tuple[str, ...] = STEPS) -> None:
        self.count = 0
        self.first = self.last = 0
        self._folder = str(folder)
        self._act = act
        self._kinds = kinds

    @contextmanager
    def counting(self, first: int, last: int) -> Iterator[None]:
        """Count in the block; 0 for steps that none has."""
        self.count, self.first, self.last = 0, first, last
        with listening(self._see):
            yield

    def _see(self, event: str, values: tuple[Any, ...]) -> None:
        if event in self._kinds and self._is_meant(event, values):
            self.count += 1
            if self.first <= self.count <= self.last:
                self._act(event)

    def _is_meant(self, event: str, values: tuple[Any, ...]) -> bool:
        """Return whether a step touches something in the folder: what is not there is not there for any disk."""
        path = os.fsdecode(values[0]) if isinstance(values[0], (str, bytes, os.PathLike)) else ""
        makes = event != "os.remove" and not (event == "open" and not values[2] & os.O_CREAT)
        return self._folder in path and (makes or os.path.lexists(path))


class StepMatrix:
    """Refuses the steps of one scene's operation."""

    def __init__(self, scene: Scene, folder: Path) -> None:
        self.scene = scene
        self.result = Result()
        self.desk = Desk(folder / f"refused-{scene.operation}" / "data")

    def copy(self) -> None:
        """Put a fresh copy of the scene in place."""
        shutil.rmtree(self.desk.data_dir.parent, ignore_errors=True)
        shutil.copytree(self.scene.data, self.desk.data_dir)

    def length(self, kinds: tuple[str, ...] = STEPS) -> int:
        """Return how many steps the operation has, undisturbed."""
        self.copy()
        steps = Steps(self.desk.data_dir, lambda event: None, kinds)
        with steps.counting(0, 0):
            OPERATIONS[self.scene.operation](engine_of(self.desk.data_dir))
        assert self.desk.state() == self.scene.after
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

    def disturb(
        self, where: str, act: Callable[[str], None], first: int, last: int, kinds: tuple[str, ...] = STEPS
    ) -> BackupError | None:
        """Do the operation with `act` at those steps; check how it ends, recover, and check what is there then."""
        self.copy()
        self.result.points += 1
        raised: BackupError | None = None
        with Steps(self.desk.data_dir, act, kinds).counting(first, last):
            try:
                OPERATIONS[self.scene.operation](engine_of(self.desk.data_dir))
            except BackupError as error:
                # Without its traceback, which would keep alive what a process that goes on lets go.
                raised = error.with_traceback(None)
            except Exception as error:  # noqa: BLE001 - whatever else is raised is what is looked for
                self.expect(False, f"{where}: {type(error).__name__}: {error}")
        pending = (self.desk.data_dir / PRIVATE / "journal.json").exists()
        if raised is not None and not pending and not str(raised).startswith(DONE):
            self.expect(self.desk.state() == self.scene.before, f"{where}: {raised.code}, but the data has changed")
        self.recover(where)
        return raised

    def recover(self, where: str) -> None:
        """Start anew, and see that the data is old or new, that every archive is whole, and that nothing is left."""
        engine = engine_of(self.desk.data_dir)
        engine.recover()
        self.expect(self.desk.state() in (self.scene.before, self.scene.after), f"{where}: neither old nor new")
        engine.create()
        for listed in engine.archives():
            self.expect(listed.is_good, f"{where}: {listed.name} is {listed.state}")
            archive.verify(listed.path)
        work, backups = self.desk.data_dir / PRIVATE, self.desk.data_dir / "backups" / PRIVATE
        left = [*work.glob("staging/*"), *work.glob("swap/*"), *work.glob("journal.json"), *backups.glob("*-*.part")]
        self.expect(not left, f"{where}: left behind: {left}")

    def expect(self, holds: bool, what: str) -> None:
        """Note what does not hold."""
        if not holds:
            self.result.lost.append(f"{self.scene.operation}, {what}")


def main() -> int:
    """Run the long form and return 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--step", type=int, default=1, help="take every n-th point")
    wanted = parser.parse_args()
    logging.disable()
    total, wrong = 0, 0
    folder = Path(tempfile.mkdtemp(dir=MEMORY))
    for operation in OPERATIONS:
        matrix = StepMatrix(make_scene(folder, operation), folder)
        steps, moves = matrix.length(), matrix.length(RENAMES)
        for name in ERRORS:
            matrix.refuse(name, range(1, steps + 1, wanted.step))
        matrix.hold_thrice(range(1, moves + 1, wanted.step))
        result = matrix.result
        sys.stdout.write(f"{operation}: {steps} steps, {result.points} points, {len(result.lost)} wrong\n")
        sys.stdout.write("".join(f"  {line}\n" for line in result.lost[:20]))
        sys.stdout.flush()
        total, wrong = total + result.points, wrong + len(result.lost)
    shutil.rmtree(folder)
    sys.stdout.write(f"{total} points, {wrong} wrong\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
