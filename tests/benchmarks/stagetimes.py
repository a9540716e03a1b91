"""Where the time of a backup, a restore and a proof goes, as it is noted with each run."""

from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.charts import Bar, draw
from tests.benchmarks.growing import Grown, Job


def stage_times(grown: Sequence[Grown], docs: Path) -> str:
    """Return the section, and draw the charts of the largest clinic."""
    last = grown[-1]
    return "\n".join(
        [
            "## Where the time goes\n",
            "### Backup\n",
            *_table([(one.patients, one.create) for one in grown]),
            "The freeze is a part of the copying. Steps on several threads run side by side, so they may add up to",
            "more than the whole.\n",
            draw(docs, "backup-stages", f"Backup of {last.patients:,} patients, seconds", _bars(last.create)),
            "### Restore, with a new safety backup\n",
            *_table([(one.patients, one.restore) for one in grown]),
            "Extracting is reading, unpacking, hashing, and SQLite's check of the databases; the safety backup has all",
            "the steps of a backup.\n",
            draw(docs, "restore-stages", f"Restore of {last.patients:,} patients, seconds", _bars(last.restore)),
            _proof(grown),
        ]
    )


def _table(jobs: Sequence[tuple[int, Job]]) -> list[str]:
    steps = list(jobs[-1][1].stages)
    lines = ["| patients | " + " | ".join(steps) + " | the whole |", "|---" * (len(steps) + 2) + "|"]
    for patients, job in jobs:
        cells = " | ".join(f"{job.stages[step]:.2f} s" for step in steps)
        lines.append(f"| {patients:,} | {cells} | {job.seconds:.2f} s |")
    return [*lines, ""]


def _bars(job: Job) -> list[Bar]:
    return [Bar(step, seconds) for step, seconds in job.stages.items()] + [Bar("the whole", job.seconds)]


def _proof(grown: Sequence[Grown]) -> str:
    """Return the section on the proof: Chroma loads the whole index into memory to answer from it."""
    lines = [
        "## Proof: opened in a sandbox\n",
        "| patients | the whole | the process with it | peak memory | the index | memory / index |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.patients:,} | {one.proof.seconds:.2f} s | {one.proof.wall:.2f} s | {one.proof.peak / 1e6:,.0f} MB"
        f" | {one.index / 1e6:,.0f} MB | {one.proof.peak / one.index:.1f} |"
        for one in grown
    ]
    lines += [
        "",
        "The memory is that of the child process in which Chroma opens the index; the library alone takes 100 MB and",
        "more, which is why the share falls as the index grows. With less memory free than 1.2 times the index and",
        "200 MB nothing is loaded: the rows are counted, the files looked at, and the backup is opened later.\n",
    ]
    return "\n".join(lines)
