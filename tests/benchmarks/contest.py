"""Ours and what else one would use, pair by pair in turn over the same clinic: who takes how much longer."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.stopwatch import Lap, Laps, lap


@dataclass(frozen=True)
class Contestant:
    """One way of doing a job: `prepare` is not timed; the command starts in a fresh state each time."""

    name: str
    prepare: Callable[[], None]
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    #: Where it runs, if that matters.
    folder: Path | None = None
    #: Whether one round is enough: it takes minutes, and seconds more or less make no difference.
    is_slow: bool = False

    def run(self, cores: int | None = None) -> Lap:
        """Do the job once; only the command itself is timed."""
        self.prepare()
        return lap(self.command, self.environment, cores=cores, folder=self.folder)


@dataclass(frozen=True)
class Result(Laps):
    """The laps of one contestant; `ratios` are those of its laps to the laps of ours beside them."""

    name: str
    ratios: list[float]

    @property
    def ratio(self) -> float:
        """The median of the ratios of the pairs: a slow moment of the machine hits both of a pair."""
        return statistics.median(self.ratios) if self.ratios else 1.0


def contest(contestants: Sequence[Contestant], rounds: int, cores: int | None = 2) -> list[Result]:
    """Let the first, which is ours, and each other do the job as a pair, once a round; who begins changes."""
    ours, *others = contestants
    own: list[Lap] = [] if others else [ours.run(cores) for _ in range(rounds)]
    results = [Result(own, ours.name, [])]
    for other in others:
        result = Result([], other.name, [])
        for number in range(1 if other.is_slow else rounds):
            pair = [ours, other] if number % 2 == 0 else [other, ours]
            laps = {one.name: one.run(cores) for one in pair}
            own.append(laps[ours.name])
            result.laps.append(laps[other.name])
            result.ratios.append(laps[other.name].wall / laps[ours.name].wall)
        results.append(result)
    return results


def table(title: str, results: Sequence[Result]) -> str:
    """Return the section of a contest."""
    lines = [f"## {title}\n", "| | wall | against ours, in pairs | processor | peak memory |", "|---|---|---|---|---|"]
    lines += [
        f"| {one.name} | {one.wall:.2f} s | {one.ratio:.2f} x | {one.cpu:.2f} s | {one.peak / 1e6:,.0f} MB |"
        for one in results
    ]
    return "\n".join([*lines, ""])
