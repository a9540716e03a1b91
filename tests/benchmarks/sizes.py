"""How time, memory and the size of an archive grow with a clinic, and where the time of a backup goes."""

import json
import shutil
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.charts import bars
from tests.benchmarks.clinics import clinic
from tests.benchmarks.contest import first_backups
from tests.benchmarks.stopwatch import Lap, lap

SIZES = (1_000, 5_000, 20_000)


@dataclass(frozen=True)
class Grown:
    """The backups of a clinic of one size: `packed` and `plain` are bytes of an archive with and without vectors."""

    patients: int
    data: int
    laps: Sequence[Lap]
    durations: Sequence[float]
    steps: Sequence[Mapping[str, float]]
    packed: int
    plain: int

    @property
    def seconds(self) -> float:
        """The median of the runs: in a program that is there already, as the launcher is."""
        return statistics.median(self.durations)

    @property
    def stages(self) -> dict[str, float]:
        """The median seconds of each step."""
        return {step: statistics.median(one[step] for one in self.steps) for step in self.steps[0]}


def grow(scratch: Path, patients: int, rounds: int) -> Grown:
    """Back up a clinic of that size, each time as the first."""
    data = scratch / f"grown-{patients}"
    shutil.copytree(clinic(patients), data)
    ours = first_backups(data, scratch / "unused")[0]
    laps, durations, steps = [], [], []
    for _ in range(rounds):
        ours.prepare()
        laps.append(lap(ours.command))
        run = json.loads((data / ".docassist-backup" / "history.jsonl").read_bytes().splitlines()[-1])
        durations.append(run["duration"])
        steps.append(run["stages"])
    packed = _archive(data)
    size = data_size(data)
    shutil.rmtree(data / "chroma")
    ours.prepare()
    lap(ours.command)
    plain = _archive(data)
    shutil.rmtree(data)
    return Grown(patients, size, laps, durations, steps, packed, plain)


def growth(grown: Sequence[Grown], docs: Path) -> str:
    """Return the section on cost by size, and draw its charts: time per MB is what should be flat."""
    lines = [
        "## Cost by size\n",
        "| patients | data | create | ms per MB | each further MB | the process with it | peak memory |",
        "|---|---|---|---|---|---|---|",
    ]
    for number, one in enumerate(grown):
        before = grown[number - 1] if number else None
        further = f"{(one.seconds - before.seconds) * 1000 / ((one.data - before.data) / 1e6):.1f} ms" if before else ""
        lines.append(
            f"| {one.patients:,} | {one.data / 1e6:,.0f} MB | {one.seconds:.2f} s | {_per_megabyte(one):.1f}"
            f" | {further} | {statistics.median(one.wall for one in one.laps):.2f} s"
            f" | {max(one.peak for one in one.laps) / 1e6:.0f} MB |"
        )
    (docs / "benchmark-growth.svg").write_text(
        bars("Create, ms per MB", [(f"{one.patients:,} patients", _per_megabyte(one)) for one in grown]),
        encoding="utf-8",
    )
    lines += [
        "",
        "A first part of each run costs the same whatever the size: two looks at the vector store while it stands",
        "still, the durable writing of the archive's name, threads. That makes the MB of a small clinic dearer;",
        "what each further MB costs stands beside it.",
        "",
        "![Cost by size](benchmark-growth.svg)\n",
    ]
    return "\n".join(lines)


def stage_table(grown: Sequence[Grown]) -> str:
    """Return where the time goes, by size: as it is noted with each run."""
    steps = list(grown[-1].stages)
    lines = ["## Where the time goes\n", "| patients | " + " | ".join(steps) + " | the whole |"]
    lines.append("|---" * (len(steps) + 2) + "|")
    for one in grown:
        cells = " | ".join(f"{one.stages[step]:.2f} s" for step in steps)
        lines.append(f"| {one.patients:,} | {cells} | {one.seconds:.2f} s |")
    lines += ["", "Steps on several threads run side by side, so they may add up to more than the whole.\n"]
    return "\n".join(lines)


def sizes(grown: Sequence[Grown]) -> str:
    """Return how large an archive is for each hundred patients, with and without the vectors."""
    lines = [
        "## Size of a backup\n",
        "| patients | archive | MB per 100 patients | without vectors |",
        "|---|---|---|---|",
    ]
    for one in grown:
        hundreds = one.patients / 100 * 1e6
        lines.append(
            f"| {one.patients:,} | {one.packed / 1e6:,.0f} MB | {one.packed / hundreds:.2f} |"
            f" {one.plain / hundreds:.2f} |"
        )
    return "\n".join([*lines, ""])


def data_size(folder: Path) -> int:
    """Return the bytes of the two stores of a clinic."""
    stores = [folder / "clinic.db", *(folder / "chroma").rglob("*")]
    return sum(path.stat().st_size for path in stores if path.is_file())


def _per_megabyte(one: Grown) -> float:
    return one.seconds * 1000 / (one.data / 1e6)


def _archive(data: Path) -> int:
    (made,) = (data / "backups").glob("*.zip")
    return made.stat().st_size
