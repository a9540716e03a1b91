"""Kill every operation at every call that changes the disk, recover, and see that nothing is lost.

`python -m tests.faults.kill_matrix` prints the points and what went wrong; `--step 5` takes every fifth point.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from . import share
from .matrix import Matrix
from .puppet import Puppet
from .scenes import NAMES, Scenery
from .shim import Mode, build
from .state import state_of

#: After every so many-th kill another backup is made too; after one of an alarm always.
NEXT_RUN_EVERY = 7


class KillMatrix(Matrix):
    """Kills one scene's operation and checks what is left."""

    def kill(self, points: Iterable[int]) -> None:
        """Kill the operation at each of `points`, then recover; see that the next run works too."""
        for point in points:
            if self._kill_once(point):
                if self.is_pending:
                    self.result.pending.append(point)
                if state_of(self.data) not in (self.scene.before, self.scene.after):
                    self.result.mixed += 1
                self.recover(f"killed at {point}")
                if self.result.points % NEXT_RUN_EVERY == 0 or self.scene.operation == "alarm":
                    self.check_next_run(f"killed at {point}")

    def kill_twice(self, points: Iterable[int], step: int) -> None:
        """Kill the operation at each of `points`, recover() at every `step`-th call of its own, then recover."""
        for point in points:
            second = 1
            while self._kill_once(point):
                end = self.puppet.obey(self.order("recover", mode=Mode.KILL, at=second))
                where = f"killed at {point} and in recover at {second}"
                self.expect(not end.error and not end.crash, f"{where}: recover ended before with {end}")
                self.check_untouched_or_kept(where)
                self.recover(where)
                if not end.killed:
                    break
                second += step

    def _kill_once(self, point: int) -> bool:
        """Return whether the operation reached the point, having checked what holds even before recover()."""
        self.scene.copy(self.data)
        end = self.puppet.obey(self.order(mode=Mode.KILL, at=point))
        if not end.killed:
            # Threads take turns as they like: an operation may have ended a few calls earlier, but well.
            self.expect(not end.error and not end.crash, f"not yet killed at {point}: {end}")
            return False
        self.result.points += 1
        self.check_untouched_or_kept(f"killed at {point}")
        return True


def main() -> int:
    """Run the long form and return 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--step", type=int, default=1, help="take every n-th point")
    parser.add_argument("--second-step", type=int, default=5, help="within recover(), for every third interrupted swap")
    parser.add_argument("--folder", type=Path, help="where to work; the default is the system's temporary folder")
    parser.add_argument("--scenes", nargs="+", default=NAMES, choices=NAMES)
    share.add_to(parser)
    wanted = parser.parse_args()
    total, lost = 0, 0
    folder = Path(tempfile.mkdtemp(dir=wanted.folder))
    with Puppet(build(folder)) as puppet:
        scenery = Scenery(folder)
        for name in wanted.scenes:
            matrix = KillMatrix(scenery.scene(name), puppet, folder)
            calls = len(matrix.calls())
            matrix.kill(share.of(range(1, calls + 1, wanted.step), wanted.share))
            once = matrix.result.points
            matrix.kill_twice(matrix.result.pending[::3], wanted.second_step)
            result = matrix.result
            sys.stdout.write(
                f"{name}: {calls} calls, {once} kills, {result.points - once} with a second kill in recover(), "
                f"{result.mixed} mixed before recover(), {len(result.lost)} lost\n"
            )
            sys.stdout.write("".join(f"  {line}\n" for line in result.lost[:20]))
            sys.stdout.flush()
            total, lost = total + result.points, lost + len(result.lost)
    shutil.rmtree(folder)
    sys.stdout.write(f"{total} kills, {lost} lost\n")
    return 1 if lost else 0


if __name__ == "__main__":
    raise SystemExit(main())
