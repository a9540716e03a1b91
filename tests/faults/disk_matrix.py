"""Let the disk fail, or the backup folder go away, at every call of every operation, and see that nothing is lost.

`python -m tests.faults.disk_matrix` prints the points and what went wrong; `--step 5` takes every fifth point.
"""

import argparse
import errno
import shutil
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from . import share
from .matrix import Matrix
from .puppet import End, Puppet, aside_of
from .scenes import NAMES, Scenery
from .shim import Mode, build
from .state import state_of


@dataclass(frozen=True)
class Fault:
    """How often a call fails, and with what: of more than one error each point has the next."""

    mode: Mode
    errors: tuple[int, ...]


FAULTS = {
    "full": Fault(Mode.FAIL_FROM, (errno.ENOSPC,)),
    "full-once": Fault(Mode.FAIL_ONCE, (errno.ENOSPC,)),
    "broken-once": Fault(Mode.FAIL_ONCE, (errno.EIO,)),
    "forbidden-once": Fault(Mode.FAIL_ONCE, (errno.EACCES,)),
    "busy-once": Fault(Mode.FAIL_ONCE, (errno.EBUSY,)),
    "thrice": Fault(Mode.FAIL_THRICE, (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EBUSY)),
    "unreadable": Fault(Mode.FAIL_READ, (errno.EIO,)),
    "taken-away": Fault(Mode.TAKE_AWAY, (0,)),
}
#: How an error begins that says itself that the data has changed.
DONE = "The data has been restored"
#: Operations on the backup folder itself: of one that went away and came back they have done nothing.
IN_THE_FOLDER = ("prune", "tidy", "pin")
#: Calls that a full disk does not refuse: a file that is made longer has a hole first.
NEED_NO_ROOM = ("unlink", "unlinkat", "rmdir", "ftruncate", "ftruncate64")


class DiskMatrix(Matrix):
    """Fails the calls of one scene's operation and checks how it ends and what is left."""

    def fail(self, fault: str, points: Iterable[int], calls: list[str]) -> None:
        """Let `fault` happen at each of `points`; then recover, and see that the next run works."""
        mode, errors = FAULTS[fault].mode, FAULTS[fault].errors
        self.may_guard = mode is Mode.FAIL_READ
        for number, point in enumerate(points):
            error = errors[number % len(errors)]
            name = calls[point - 1].partition("\t")[0]
            if errors == (errno.ENOSPC,) and name in NEED_NO_ROOM:
                continue
            where = f"{fault} at {point} ({name}, {errno.errorcode.get(error, '-')})"
            self.scene.copy(self.data)
            end = self.puppet.obey(self.order(mode=mode, at=point, error=error))
            self._put_back()
            self.result.points += 1
            self.expect(not end.crash, f"{where}: {end.crash}")
            if fault == "full":
                self.expect(not end.error or end.error == "disk-full", f"{where}: {end.error} instead of disk-full")
            if fault != "taken-away" or self.scene.operation not in IN_THE_FOLDER:
                self._check_end(end, where)
            self.check_archives(where)
            self.check_untouched_or_kept(where)
            self.recover(where)
            if self.result.points % 3 == 1:
                self.check_next_run(where, had_archives=fault != "taken-away")

    def points_of(self, fault: str) -> list[str]:
        """Return the calls at which `fault` can happen."""
        calls = self.calls()
        if FAULTS[fault].mode is not Mode.FAIL_READ:
            return calls
        self.scene.copy(self.data)
        return self.puppet.calls(self.order(mode=Mode.FAIL_READ))[1]

    def _put_back(self) -> None:
        """Bring the backup folder back if it was taken away, with what was put into a new one meanwhile."""
        aside, folder = aside_of(self.data), self.data / "backups"
        if not aside.exists():
            return
        for path in folder.rglob("*.zip"):
            path.rename(aside / path.name)
        shutil.rmtree(folder, ignore_errors=True)
        aside.rename(folder)

    def _check_end(self, end: End, where: str) -> None:
        """What an operation says is so: it has done all its work, or has failed and changed nothing."""
        if not end.error:
            self.check_done(end, where)
        elif not self.is_pending:
            expected = self.scene.after if end.sentence.startswith(DONE) else self.scene.before
            self.expect(state_of(self.data) == expected, f"{where}: {end}, but the data is not like that")


def main() -> int:
    """Run the long form and return 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--step", type=int, default=1, help="take every n-th of the points")
    parser.add_argument("--scenes", nargs="+", default=NAMES, choices=NAMES)
    parser.add_argument("--faults", nargs="+", default=tuple(FAULTS), choices=tuple(FAULTS))
    share.add_to(parser)
    wanted = parser.parse_args()
    total, wrong = 0, 0
    folder = Path(tempfile.mkdtemp())
    with Puppet(build(folder)) as puppet:
        scenery = Scenery(folder)
        for fault in wanted.faults:
            (folder / fault).mkdir()
            for name in wanted.scenes:
                matrix = DiskMatrix(scenery.scene(name), puppet, folder / fault)
                calls = matrix.points_of(fault)
                points = range(1, len(calls) + 1, wanted.step)
                matrix.fail(fault, share.of(points, wanted.share), calls)
                result = matrix.result
                sys.stdout.write(f"{fault}, {name}: {len(calls)} calls, {result.points} points, ")
                sys.stdout.write(f"{len(result.lost)} wrong\n")
                sys.stdout.write("".join(f"  {line}\n" for line in result.lost[:20]))
                sys.stdout.flush()
                total, wrong = total + result.points, wrong + len(result.lost)
    shutil.rmtree(folder)
    sys.stdout.write(f"{total} points, {wrong} wrong\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
