"""A disk of its own that is really full: random work on it, and nothing may be lost.

`python -m tests.faults.full_disk` mounts a small disk in memory for each pass, which only root may do; elsewhere it
says that it was left out. The check for room before each operation is mostly made to see plenty, as where another
program fills the disk in that very moment.
"""

import argparse
import logging
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from unittest import mock

from backup_core import BackupEngine, archive
from backup_core.errors import BackupError, RepositoryFull
from backup_core.listing import Archive
from backup_core.restore import Restored
from tests.laws.desk import EXTRA, Desk, State

#: Bytes: more than what is always kept free.
SIZE = 24 << 20
REFUSED = object()
OPERATIONS = ("create", "restore", "undo", "prune", "admit")


@dataclass
class Result:
    """How many operations were tried, how many had no room, and what went wrong."""

    tried: int = 0
    refused: int = 0
    wrong: list[str] = field(default_factory=list)


class CannotMount(Exception):
    """This user, or this system, has no disk to give."""


@contextmanager
def small_disk(size: int = SIZE) -> Iterator[Path]:
    """Give a disk of so many bytes; raise CannotMount where that is not allowed."""
    folder = Path(tempfile.mkdtemp())
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    done = subprocess.run([mount, *options], capture_output=True, text=True, check=False) if mount else None
    if done is None or done.returncode:
        folder.rmdir()
        raise CannotMount(done.stderr.strip() if done else "there is no mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()


class Pass:
    """Random work on one disk, from which a ballast leaves less and less room."""

    def __init__(self, disk: Path, seed: int, result: Result) -> None:
        self._random = random.Random(seed)
        self._result = result
        self._ballast = disk / "ballast"
        self.desk = Desk(disk / "data")
        self.desk.open_clinic()
        self.desk.admit(1000 + seed)
        self.engine = BackupEngine(self.desk.data_dir, extras=[EXTRA])
        #: What each archive must bring back.
        self._archived = {self.engine.create().name: self.desk.state()}

    def work(self, steps: int) -> None:
        """Do so many random operations, each with as little room as chance leaves, then one with room."""
        for number in range(steps):
            name, before = self._random.choice(OPERATIONS), self.desk.state()
            with self._nearly_full():
                end = self._try(name)
            if isinstance(end, (Archive, Restored)):
                self._check_done(name, end, before)
            # There is room again, as recovering may need it.
            self.engine.recover()
            if end is REFUSED:
                self._expect(self.desk.state() == before, f"{name}: it was refused, but the data has changed")
            self._check(f"after step {number} ({name})")
        before, end = self.desk.state(), self._try("create", must=True)
        self._check_done("create", end, before)
        self._check("at the end")

    @contextmanager
    def _nearly_full(self) -> Iterator[None]:
        """Fill the disk but for some of it, and let the look for room beforehand see that or not."""
        left = int(self._random.expovariate(1 / 60_000))
        free = shutil.disk_usage(self._ballast.parent).free
        self._ballast.write_bytes(b"\0" * max(0, free - left))
        plenty = shutil._ntuple_diskusage(1 << 40, 0, 1 << 40)
        try:
            if self._random.random() < 0.7:
                with mock.patch.object(shutil, "disk_usage", lambda folder: plenty):
                    yield
            else:
                yield
        finally:
            self._ballast.unlink()

    def _try(self, name: str, *, must: bool = False) -> object:
        """Do one operation; return what it returned, or REFUSED where it says that the data is as it was."""
        self._result.tried += 1
        try:
            return self._do(name)
        except RepositoryFull as full:
            self._result.refused += 1
            self._expect(not must, f"{name}: no room where there is room")
            return None if full.facts.get("rolled_back") is False else REFUSED
        except BackupError as error:
            self._expect(error.code == "nothing-to-undo" and not must, f"{name}: {error.code}: {error}")
            return REFUSED
        except OSError:
            # The clinic's own program has no room either.
            self._expect(name == "admit", f"{name}: an error that no user can read")
        return None

    def _do(self, name: str) -> object:
        match name:
            case "create":
                return self.engine.create()
            case "restore":
                return self.engine.restore(self._random.choice(self.engine.archives()))
            case "undo":
                return self.engine.undo()
            case "prune":
                return self.engine.prune(keep=self._random.randint(1, 3))
        self.desk.write_file("prescriptions/a.pdf", b"%PDF" * self._random.randint(1, 2000))
        return None

    def _check_done(self, name: str, end: object, before: State) -> None:
        """What has returned has done all of its work: the data is the archive's, and an archive holds what it was."""
        expected = self._archived[end.archive] if isinstance(end, Restored) else before
        self._expect(_but_settings(self.desk.state()) == _but_settings(expected), f"{name}: the data is not as it says")
        made = end.safety if isinstance(end, Restored) else end.name if isinstance(end, Archive) else None
        if made is None:
            self._expect(False, f"{name}: it returned, but kept nothing")
            return
        self._archived[made] = before
        with tempfile.TemporaryDirectory() as folder:
            archive.extract(self.engine.find(made).path, Path(folder) / "data")
            held = Desk(Path(folder) / "data").state()
        self._expect(_but_settings(held) == _but_settings(before), f"{name}: {made} does not hold the data")

    def _check(self, where: str) -> None:
        listed = self.engine.archives()
        self._expect(any(one.is_good for one in listed), f"{where}: no good backup is left")
        for one in listed:
            try:
                self.engine.verify(one)
            except BackupError as error:
                self._expect(False, f"{where}: {one.name}: {error}")

    def _expect(self, holds: bool, what: str) -> None:
        if not holds:
            self._result.wrong.append(what)


def _but_settings(state: State) -> State:
    # They are the user's of today, which a restore leaves alone.
    return replace(state, settings=None)


def main() -> int:
    """Run the long form and return 1 if something was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passes", type=int, default=10)
    parser.add_argument("--steps", type=int, default=25, help="of each pass")
    wanted = parser.parse_args()
    logging.disable()
    wrong = 0
    for seed in range(wanted.passes):
        result = Result()
        try:
            with small_disk() as disk:
                Pass(disk, seed, result).work(wanted.steps)
        except CannotMount as reason:
            sys.stdout.write(f"left out: only root can mount a small disk here ({reason})\n")
            return 1
        sys.stdout.write(
            f"1 pass, {result.tried} operations, {result.refused} had no room, {len(result.wrong)} wrong\n"
        )
        sys.stdout.write("".join(f"  {line}\n" for line in result.wrong[:20]))
        sys.stdout.flush()
        wrong += len(result.wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
