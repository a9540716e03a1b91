"""What the measured is held against: each aim of the project, and whether this run has reached it."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.benchmarks.contest import Result
from tests.benchmarks.growing import Grown
from tests.benchmarks.sizes import per_megabyte
from tests.benchmarks.waits import Waits

#: Bytes of memory for a backup or a restore of any size, and that share of the index for opening it.
_PEAK = 150_000_000
_INDEX_FACTOR = 1.2
#: By how much what an MB costs may differ from one size to the other.
_FLAT = 1.2
#: Bytes of data up to which a clinic counts as a small one, whose writers wait for less.
_SMALL = 100_000_000
_LONGEST = {"small": 250.0, "large": 1000.0}


@dataclass(frozen=True)
class Target:
    """One aim: what was wanted and what was found, in words."""

    what: str
    wanted: str
    found: str
    reached: bool


def targets(found: Sequence[Target]) -> str:
    """Return the section on what this run has reached, and what not."""
    lines = ["## Aims\n", "| | wanted | found | reached |", "|---|---|---|---|"]
    lines += [f"| {one.what} | {one.wanted} | {one.found} | {'yes' if one.reached else '**no**'} |" for one in found]
    return "\n".join([*lines, ""])


def of_backups(results: Sequence[Result], on_one: Sequence[Result], unchanged: Sequence[Result]) -> list[Target]:
    """Return what the contests of backups have shown; ours is the first of each, the EMR's way the second."""
    _, emr, *others = results
    wanted = [
        _times("a first backup, two processors: the EMR's way takes", 6, emr),
        _times("on one processor: the EMR's way takes", 3, on_one[1]),
    ]
    wanted += [_times(f"a first backup: {one.name} takes", 1, one) for one in others if one.name.startswith(_RIVALS)]
    return [*wanted, _seconds("a run over unchanged data", 0.3, unchanged[0].wall)]


_RIVALS = ("borg", "restic")


def of_restores(results: Sequence[Result]) -> list[Target]:
    """Return what the contest of restores has shown."""
    return [_times(f"a restore: {one.name} takes", 3, one) for one in results if one.name.startswith("the EMR's")]


def of_sizes(grown: Sequence[Grown]) -> list[Target]:
    """Return what clinics of several sizes have shown, the smallest first."""
    small, large = grown[0], grown[-1]
    factor = large.proof.peak / large.index
    peak = max(job.peak for one in grown for job in (one.create, one.restore))
    return [
        _seconds(f"a first backup of {small.patients:,} patients", 0.5, small.create.seconds),
        _seconds(f"opening a backup of {large.patients:,} patients", 10, large.proof.seconds),
        Target("peak memory of backup and restore", "150 MB at most", f"{peak / 1e6:.0f} MB", peak <= _PEAK),
        Target(
            "memory for opening an index",
            f"{_INDEX_FACTOR} times the index",
            f"{factor:.1f} times, the library's own 100 MB and more in it",
            factor <= _INDEX_FACTOR,
        ),
        _flat("backup: time for each MB", [per_megabyte(one, one.create) for one in grown]),
        _flat("restore: time for each MB", [per_megabyte(one, one.restore) for one in grown]),
    ]


def of_waits(found: Sequence[Waits]) -> list[Target]:
    """Return what the EMR's writers have met beside backups."""
    made = []
    for size in dict.fromkeys(one.data for one in found):
        here = [one for one in found if one.data == size and one.backups]
        most = _LONGEST["small" if size < _SMALL else "large"]
        longest = max(one.longest for one in here)
        what = f"the longest wait of a writer beside backups of {here[0].size}"
        made.append(Target(what, f"{most:.0f} ms at most", f"{longest:.0f} ms", longest <= most))
    refused = sum(one.refused for one in found)
    return [*made, Target("writes that fail beside backups", "none", f"{refused}", not refused)]


def _times(what: str, least: float, other: Result) -> Target:
    return Target(what, f"{least:g} times as long as ours", f"{other.ratio:.2f} times", other.ratio >= least)


def _seconds(what: str, most: float, found: float) -> Target:
    return Target(what, f"{most:g} s at most", f"{found:.2f} s", found <= most)


def _flat(what: str, costs: Sequence[float]) -> Target:
    found = " / ".join(f"{cost:.1f}" for cost in costs)
    return Target(what, "the same within 20 % at all sizes", f"{found} ms", max(costs) <= _FLAT * min(costs))
