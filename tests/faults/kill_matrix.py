"""Kill every operation at every call that changes the disk, recover, and see that nothing is lost.

`python -m tests.faults.kill_matrix` prints the points and what went wrong; `--step 5` takes every fifth point.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from backup_core import archive
from backup_core.engine import BackupEngine
from backup_core.errors import BackupError
from backup_core.files import PRIVATE
from backup_core.listing import State as Look

from . import share
from .puppet import Order, Puppet
from .scenes import DAMAGED, NAMES, Scene, Scenery
from .shim import Mode, build
from .state import state_of


@dataclass
class Result:
    """How many kills there were, how many of them left the data mixed before recover(), and what was lost."""

    points: int = 0
    mixed: int = 0
    pending: list[int] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


class Matrix:
    """Kills one scene's operation and checks what is left."""

    def __init__(self, scene: Scene, puppet: Puppet, folder: Path) -> None:
        self.scene = scene
        self.result = Result()
        self._puppet = puppet
        self._data = folder / f"killed-{scene.name}" / "data"
        self._data.parent.mkdir()
        self._sound: set[tuple[str, int, int]] = set()

    def calls(self) -> list[str]:
        """Do the operation without a kill and return its calls; the result has to be the one expected."""
        self.scene.copy(self._data)
        end, calls = self._puppet.calls(self._order())
        self._expect(not end.error and not end.crash, f"undisturbed: {end}")
        expected = self.scene.before if self.scene.operation == "arm" else self.scene.after
        self._expect(state_of(self._data) == expected, "undisturbed: not the expected data")
        return calls

    @property
    def is_pending(self) -> bool:
        """Whether a swap was interrupted, so that recover() has to end it."""
        return (self._data / PRIVATE / "journal.json").exists()

    def kill(self, points: Iterable[int]) -> None:
        """Kill the operation at each of `points`, then recover; see that the next run works too."""
        for point in points:
            if self._kill_once(point):
                if self.is_pending:
                    self.result.pending.append(point)
                if state_of(self._data) not in (self.scene.before, self.scene.after):
                    self.result.mixed += 1
                self._recover(f"killed at {point}")
                if self.result.points % 7 == 0:
                    self._check_next_run(f"killed at {point}")

    def kill_twice(self, points: Iterable[int], step: int) -> None:
        """Kill the operation at each of `points`, recover() at every `step`-th call of its own, then recover."""
        for point in points:
            second = 1
            while self._kill_once(point):
                end = self._puppet.obey(self._order("recover", mode=Mode.KILL, at=second))
                self._check_untouched_or_kept(f"killed at {point} and in recover at {second}")
                self._recover(f"killed at {point} and in recover at {second}")
                if not end.killed:
                    break
                second += step

    def _order(self, operation: str = "", *, mode: Mode = Mode.OFF, at: int = 0, error: int = 0) -> Order:
        scene = self.scene
        return Order(operation or scene.operation, str(self._data), scene.archive, mode, at, error, scene.plain)

    def _kill_once(self, point: int) -> bool:
        """Return whether the operation reached the point, having checked what holds even before recover()."""
        self.scene.copy(self._data)
        end = self._puppet.obey(self._order(mode=Mode.KILL, at=point))
        if not end.killed:
            return False
        self.result.points += 1
        self._check_untouched_or_kept(f"killed at {point}")
        return True

    def _check_untouched_or_kept(self, where: str) -> None:
        """Before recover(): clinic.db is there, and the data is as it was or lies whole in a safety backup."""
        now, before, after = state_of(self._data), self.scene.before, self.scene.after
        if "clinic.db" in before:
            self._expect(now.get("clinic.db") in (before["clinic.db"], after["clinic.db"]), f"{where}: no clinic.db")
        if now != before and before and self.scene.operation in ("restore", "undo", "recover"):
            self._expect(self._is_kept(), f"{where}: the data was touched before it was kept")

    def _is_kept(self) -> bool:
        """Return whether a safety backup holds the data as it was before."""
        before = {name: digest for name, digest in self.scene.before.items() if name != "settings.json"}
        for kept in (self._data / "backups").glob("safety_*.zip"):
            with tempfile.TemporaryDirectory() as folder:
                archive.extract(kept, Path(folder) / "kept")
                held = state_of(Path(folder) / "kept")
                if {name: held.get(name) for name in before} == before:
                    return True
        return False

    def _recover(self, where: str) -> None:
        end = self._puppet.obey(self._order("recover"))
        self._expect(not end.error and not end.crash, f"{where}: recover ended with {end}")
        now = state_of(self._data)
        self._expect(
            now in (self.scene.before, self.scene.after),
            f"{where}: neither old nor new: {_differences(now, self.scene)}",
        )
        self._check_archives(where)

    def _check_archives(self, where: str) -> None:
        """Every archive in the list is a whole one, and the one that was there first is there still."""
        listed = BackupEngine(self._data).archives()
        names = [found.name for found in listed]
        if self.scene.operation != "prune":
            self._expect(self.scene.archive in names, f"{where}: an archive has gone")
        self._expect(any(found.is_good and not found.safety for found in listed), f"{where}: no good archive is left")
        for found in listed:
            self._expect(found.state is Look.VERIFIED, f"{where}: {found.name} is {found.state}")
            known = (found.name, found.size, found.modified_ns)
            if known not in self._sound:
                try:
                    archive.verify(found.path)
                    self._sound.add(known)
                except BackupError as error:
                    self._expect(False, f"{where}: {found.name}: {error}")

    def _check_next_run(self, where: str) -> None:
        """The next backup works, and clears away whatever the killed run has left."""
        now = state_of(self._data)
        if "clinic.db" not in now or (self.scene.name in DAMAGED and now == self.scene.before):
            return
        end = self._puppet.obey(self._order("create"))
        self._expect(end.result, f"{where}: the next backup ended with {end}")
        work = self._data / PRIVATE
        left = [*work.glob("staging/*"), *work.glob("swap/*"), *(self._data / "backups" / PRIVATE).glob("*.part")]
        self._expect(not left, f"{where}: left behind: {left}")

    def _expect(self, holds: object, what: str) -> None:
        if not holds:
            self.result.lost.append(f"{self.scene.name}, {what}")


def _differences(now: dict[str, str], scene: Scene) -> str:
    def word(name: str) -> str:
        found = now.get(name)
        return next((w for w, s in (("old", scene.before), ("new", scene.after)) if s.get(name) == found), "neither")

    return json.dumps({name: word(name) for name in {*now, *scene.before, *scene.after}})


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
            matrix = Matrix(scenery.scene(name), puppet, folder)
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
