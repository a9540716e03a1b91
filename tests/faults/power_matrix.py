"""Read what every operation does by the law of power cuts, and every interrupted restore with the recovery after it.

`python -m tests.faults.power_matrix` prints what was put in place and what went wrong; no power is cut for it.
"""

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath

from .matrix import Matrix
from .power_law import JOURNAL, MOVES, Law
from .puppet import Puppet
from .scenes import NAMES, Scene, Scenery
from .shim import Mode, build

#: What each operation has to be seen to put in place, lest nothing be looked at.
PLACED = {
    "create": ("archive",),
    "alarm": ("archive", "note"),
    "run": ("archive", "kept"),
    "prune": (),
    "tidy": ("kept",),
    "pin": ("note",),
    "restore": ("journal", "source", "note"),
    "undo": ("archive", "journal", "source", "note"),
    "arm": ("journal",),
    "recover": ("archive", "journal", "source", "note"),
}


class PowerMatrix(Matrix):
    """Reads what one scene's operation does, and what recover() does after a kill, by the law."""

    def __init__(self, scene: Scene, puppet: Puppet, folder: Path) -> None:
        super().__init__(scene, puppet, folder)
        self.seen: Counter[str] = Counter()

    def read_undisturbed(self) -> list[str]:
        """Read the operation as it is, and return its calls."""
        calls = self.calls()
        self.result.points += 1
        self._judge(calls, "undisturbed")
        for kind in PLACED[self.scene.operation]:
            self.expect(self.seen[kind], f"undisturbed: no {kind} was seen")
        return calls

    def read_recovered(self, points: Iterable[int]) -> None:
        """Kill the operation at each of `points` and read it together with recover(), which flushes what it left."""
        for point in points:
            self.scene.copy(self.data)
            end, calls = self.puppet.calls(self.order(mode=Mode.KILL, at=point))
            self.expect(end.killed or not (end.error or end.crash), f"not yet killed at {point}: {end}")
            if end.killed:
                self.result.points += 1
                recovered, more = self.puppet.calls(self.order("recover"))
                self.expect(not recovered.error and not recovered.crash, f"killed at {point}: {recovered}")
                # The last one was told, but not made.
                self._judge([*calls[:-1], *more], f"killed at {point}")

    def swap_of(self, calls: Sequence[str]) -> range:
        """Return the points at which a swap is on its way."""
        written = [number for number, call in enumerate(calls, 1) if _is_journal(call)]
        first = 1 if self.scene.is_pending else written[0] + 1 if written else len(calls) + 1
        return range(first, len(calls) + 1)

    def _judge(self, calls: Iterable[str], where: str) -> None:
        law = Law(self.data, is_pending=self.scene.is_pending)
        law.read(calls)
        self.seen += law.seen
        for what in law.end():
            self.expect(False, f"{where}: {what.replace(str(self.data), '')}")


def _is_journal(call: str) -> bool:
    name, path, *_ = call.split("\t")
    return name in MOVES and PurePath(path).name == JOURNAL


def main() -> int:
    """Run the long form and return 1 if a power cut could have lost something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--step", type=int, default=1, help="take every n-th point of an interrupted swap")
    parser.add_argument("--scenes", nargs="+", default=NAMES, choices=NAMES)
    wanted = parser.parse_args()
    total, placed, wrong = 0, 0, 0
    folder = Path(tempfile.mkdtemp())
    with Puppet(build(folder)) as puppet:
        scenery = Scenery(folder)
        for name in wanted.scenes:
            matrix = PowerMatrix(scenery.scene(name), puppet, folder)
            calls = matrix.read_undisturbed()
            if matrix.scene.operation != "arm":
                matrix.read_recovered(matrix.swap_of(calls)[:: wanted.step])
            result, seen = matrix.result, sum(matrix.seen.values())
            sys.stdout.write(f"{name}: {result.points} runs, {seen} put in place, {len(result.lost)} wrong\n")
            sys.stdout.write("".join(f"  {line}\n" for line in result.lost[:20]))
            sys.stdout.flush()
            total, placed, wrong = total + result.points, placed + seen, wrong + len(result.lost)
    shutil.rmtree(folder)
    sys.stdout.write(f"{total} runs, {placed} put in place, {wrong} wrong\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
