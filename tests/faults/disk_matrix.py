"""Let the disk be full, or fail once, at every call of every operation, and see that nothing is lost.

`python -m tests.faults.disk_matrix` prints the points and what went wrong; `--step 5` takes every fifth point.
"""

import argparse
import errno
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from .kill_matrix import Matrix, Result
from .puppet import End, Puppet
from .scenes import NAMES, Scene, Scenery
from .shim import Mode, build
from .state import state_of

#: What a fault is called: how often it fails, and with what.
FAULTS = {
    "full": (Mode.FAIL_FROM, errno.ENOSPC),
    "full-once": (Mode.FAIL_ONCE, errno.ENOSPC),
    "broken-once": (Mode.FAIL_ONCE, errno.EIO),
    "forbidden-once": (Mode.FAIL_ONCE, errno.EACCES),
}
#: Calls that a full disk does not refuse.
NEED_NO_ROOM = ("unlink", "unlinkat", "rmdir", "fsync", "fdatasync")


class DiskMatrix(Matrix):
    """Fails the calls of one scene's operation and checks how it ends and what is left."""

    def fail(self, fault: str, points: Iterable[int], calls: list[str]) -> None:
        """Let `fault` happen at each of `points`; then recover, and see that the next run works."""
        mode, error = FAULTS[fault]
        for point in points:
            name = calls[point - 1].partition("\t")[0]
            if error == errno.ENOSPC and name in NEED_NO_ROOM:
                continue
            where = f"{fault} at {point} ({name})"
            self.scene.copy(self._data)
            end = self._puppet.obey(self._order(mode=mode, at=point, error=error))
            self.result.points += 1
            self._expect(not end.crash, f"{where}: {end.crash}")
            if fault == "full":
                self._expect(not end.error or end.error == "disk-full", f"{where}: {end.error} instead of disk-full")
            self._check_end(end, where)
            self._check_untouched_or_kept(where)
            self._recover(where)
            if self.result.points % 3 == 1:
                self._check_next_run(where)

    def _check_end(self, end: End, where: str) -> None:
        """What an operation says is so: it has failed and changed nothing, or it has done its work."""
        if self.is_pending or self.scene.operation == "prune":
            return
        done = not end.error or end.sentence.startswith("The data has been restored")
        expected = self.scene.after if done else self.scene.before
        self._expect(state_of(self._data) == expected, f"{where}: {end}, but the data is not like that")


def run(scene: Scene, puppet: Puppet, folder: Path, fault: str, step: int) -> tuple[int, Result]:
    """Return the number of calls of the scene's operation, and what came of failing every `step`-th."""
    matrix = DiskMatrix(scene, puppet, folder)
    calls = matrix.calls()
    matrix.fail(fault, range(1, len(calls) + 1, step), calls)
    return len(calls), matrix.result


def main() -> int:
    """Run the long form and return 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--step", type=int, default=1, help="take every n-th point")
    parser.add_argument("--scenes", nargs="+", default=NAMES, choices=NAMES)
    parser.add_argument("--faults", nargs="+", default=tuple(FAULTS), choices=tuple(FAULTS))
    wanted = parser.parse_args()
    total, wrong = 0, 0
    folder = Path(tempfile.mkdtemp())
    with Puppet(build(folder)) as puppet:
        scenery = Scenery(folder)
        for fault in wanted.faults:
            (folder / fault).mkdir()
            for name in wanted.scenes:
                calls, result = run(scenery.scene(name), puppet, folder / fault, fault, wanted.step)
                sys.stdout.write(f"{fault}, {name}: {calls} calls, {result.points} points, {len(result.lost)} wrong\n")
                sys.stdout.write("".join(f"  {line}\n" for line in result.lost[:20]))
                sys.stdout.flush()
                total, wrong = total + result.points, wrong + len(result.lost)
    shutil.rmtree(folder)
    sys.stdout.write(f"{total} points, {wrong} wrong\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
