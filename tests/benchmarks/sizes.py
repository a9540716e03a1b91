"""How time, memory and the size of an archive grow with a clinic."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

from tests.benchmarks.charts import Bar, draw
from tests.benchmarks.growing import Grown, Job


def growth(grown: Sequence[Grown], docs: Path) -> str:
    """Return the section on cost by size, and draw its charts: time per MB is what should be flat."""
    return "\n".join(
        [
            "## Cost by size\n",
            "### Backup\n",
            *_table(grown, lambda one: one.create),
            "### Restore, with a new safety backup\n",
            *_table(grown, lambda one: one.restore),
            "A first part of each run costs the same whatever the size: two looks at the vector store while it stands",
            "still, the durable writing of the archive's name, threads. That makes the MB of a small clinic dearer;",
            "what each further MB costs stands beside it.",
            "",
            draw(docs, "growth", "Time for each MB of data, ms", _times(grown)),
            draw(docs, "memory", "Peak memory, MB", _memory(grown)),
        ]
    )


def _table(grown: Sequence[Grown], choose: Callable[[Grown], Job]) -> list[str]:
    lines = [
        "| patients | data | the whole | ms per MB | each further MB | the process with it | peak memory"
        " | kB of memory per MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one, further in zip(grown, [None, *further_costs(grown, choose)], strict=True):
        job = choose(one)
        cells = [
            f"{one.patients:,}",
            f"{one.data / 1e6:,.0f} MB",
            f"{job.seconds:.2f} s",
            f"{per_megabyte(one, job):.1f}",
            "" if further is None else f"{further:.1f} ms",
            f"{job.wall:.2f} s",
            f"{job.peak / 1e6:.0f} MB",
            f"{job.peak / 1e3 / (one.data / 1e6):,.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def further_costs(grown: Sequence[Grown], choose: Callable[[Grown], Job]) -> list[float]:
    """Return what each MB costs that a clinic has more than the one before it, in ms."""
    return [
        (choose(one).seconds - choose(before).seconds) * 1000 / ((one.data - before.data) / 1e6)
        for before, one in pairwise(grown)
    ]


def _times(grown: Sequence[Grown]) -> list[Bar]:
    bars = [Bar(f"backup, {one.patients:,} patients", per_megabyte(one, one.create)) for one in grown]
    bars += [
        Bar(f"backup, each MB above {before.patients:,}", cost)
        for before, cost in zip(grown, further_costs(grown, lambda one: one.create), strict=False)
    ]
    return bars + [
        Bar(f"restore, {one.patients:,} patients", per_megabyte(one, one.restore), is_ours=False) for one in grown
    ]


def _memory(grown: Sequence[Grown]) -> list[Bar]:
    return [Bar(f"backup, {one.data / 1e6:,.0f} MB of data", one.create.peak / 1e6) for one in grown] + [
        Bar(f"restore, {one.data / 1e6:,.0f} MB of data", one.restore.peak / 1e6, is_ours=False) for one in grown
    ]


def sizes(grown: Sequence[Grown], docs: Path) -> str:
    """Return how large an archive is for each hundred patients, with and without the vectors."""
    lines = [
        "## Size of a backup\n",
        "| patients | archive | MB per 100 patients | without vectors |",
        "|---|---|---|---|",
    ]
    bars = []
    for one in grown:
        packed, plain = (size / (one.patients / 100 * 1e6) for size in (one.packed, one.plain))
        lines.append(f"| {one.patients:,} | {one.packed / 1e6:,.0f} MB | {packed:.2f} | {plain:.2f} |")
        bars.append(Bar(f"{one.patients:,} patients", packed))
        bars.append(Bar(f"{one.patients:,} patients, no vectors", plain, is_ours=False))
    return "\n".join([*lines, "", draw(docs, "size", "Size of a backup, MB per 100 patients", bars)])


def per_megabyte(one: Grown, job: Job) -> float:
    """Return what each MB of the data cost, in ms."""
    return job.seconds * 1000 / (one.data / 1e6)
