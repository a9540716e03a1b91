"""Run the benchmarks and write docs/benchmarks.md and its charts: `python -m tests.benchmarks [--patients N]`.

Ratios within one run are what to compare; the machine is named, and absolute times belong to it.
"""

import argparse
import os
import platform
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks import contest
from tests.benchmarks.charts import bars
from tests.benchmarks.clinics import clinic
from tests.benchmarks.contest import Contestant, Result
from tests.benchmarks.lightness import lightness
from tests.benchmarks.listing import listing_seconds
from tests.benchmarks.page import first_paint
from tests.benchmarks.stopwatch import lap
from tests.benchmarks.waits import longest_waits

DOCS = Path(__file__).parents[2] / "docs"
_SIZES = (1_000, 5_000, 20_000)


def main() -> int:
    """Run all and write the report; return 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("--patients", type=int, default=20_000, help="of the clinic that all contestants back up")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=clinic(options.patients).parent) as scratch:
        report = _report(options.patients, options.rounds, Path(scratch))
    DOCS.mkdir(exist_ok=True)
    (DOCS / "benchmarks.md").write_text(report, encoding="utf-8")
    sys.stdout.write(report)
    return 0


def _report(patients: int, rounds: int, scratch: Path) -> str:
    data, out = scratch / "data", scratch / "out"
    shutil.copytree(clinic(patients), data)
    backups = contest.run(contest.first_backups(data, out), rounds)
    (DOCS / "benchmark-first-backup.svg").write_text(
        bars("First backup, seconds", [(result.name, result.wall) for result in backups]), encoding="utf-8"
    )
    one_core = contest.run(contest.first_backups(data, out)[:2], rounds, cores=1)
    # The EMR's ZIP is made first: ours is then made beside it, and both are there for the rest.
    ours, emr, *_ = contest.first_backups(data, out)
    emr.prepare()
    lap(emr.command)
    lap(ours.command)
    own = [sys.executable, "-m", "tests.benchmarks.ours"]
    unchanged = contest.run([Contestant("unchanged", lambda: None, [*own, "unchanged", str(data)])], rounds)
    proof = contest.run([Contestant("proof", lambda: None, [*own, "prove", str(data)])], 1)
    restores = contest.run(contest.restores(data, out), rounds)
    growth = _growth(scratch, rounds)
    first_look, next_look = listing_seconds(scratch)
    return "\n".join(
        [
            "# Benchmarks\n",
            f"A clinic of {patients:,} patients, {patients * 8:,} visits and {patients * 6:,} vectors"
            f" ({_megabytes(_size(clinic(patients)))}), on {_machine()}. "
            + (f"Medians of {rounds} rounds, in turn.\n" if rounds > 1 else "One round of each, in turn.\n"),
            "Run again with `python -m tests.benchmarks`; compare ratios, not seconds.\n",
            _table("First backup", backups),
            "![First backup](benchmark-first-backup.svg)\n",
            _table("First backup on one processor", one_core),
            _table("Restore", restores),
            _table("Interval run over unchanged data", unchanged),
            _table("Proof: opened in a sandbox", proof),
            growth,
            longest_waits(scratch, _SIZES[0]),
            lightness(scratch),
            first_paint(scratch),
            f"## Listing 1,000 archives\n\nFirst look {first_look:.2f} s, then {next_look * 1000:.0f} ms.\n",
        ]
    )


def _growth(scratch: Path, rounds: int) -> str:
    """Return time and memory per size: flat per MB is what it should be."""
    lines = ["## Cost by size\n", "| patients | data | create | ms per MB | peak memory |", "|---|---|---|---|---|"]
    points = []
    for patients in _SIZES:
        data = scratch / f"grown-{patients}"
        shutil.copytree(clinic(patients), data)
        (result,) = contest.run(contest.first_backups(data, scratch / "unused")[:1], rounds)
        size = _size(clinic(patients))
        per_megabyte = result.wall * 1000 / (size / 1e6)
        points.append((f"{patients:,} patients", per_megabyte))
        lines.append(
            f"| {patients:,} | {_megabytes(size)} | {result.wall:.2f} s | {per_megabyte:.1f} |"
            f" {_megabytes(result.peak)} |"
        )
        shutil.rmtree(data)
    (DOCS / "benchmark-growth.svg").write_text(bars("Create, ms per MB", points), encoding="utf-8")
    return "\n".join([*lines, "", "![Cost by size](benchmark-growth.svg)\n"])


def _table(title: str, results: Sequence[Result]) -> str:
    first = results[0]
    lines = [f"## {title}\n", "| | wall | against ours | processor | peak memory |", "|---|---|---|---|---|"]
    lines += [
        f"| {one.name} | {one.wall:.2f} s | {one.wall / first.wall:.1f} x | {one.cpu:.2f} s | {_megabytes(one.peak)} |"
        for one in results
    ]
    return "\n".join([*lines, ""])


def _size(folder: Path) -> int:
    stores = [folder / "clinic.db", *(folder / "chroma").rglob("*")]
    return sum(path.stat().st_size for path in stores if path.is_file())


def _megabytes(size: float) -> str:
    return f"{size / 1e6:,.0f} MB"


def _machine() -> str:
    return (
        f"{os.cpu_count()} processors, {platform.system()} {platform.machine()}, Python {platform.python_version()},"
        f" SQLite {sqlite3.sqlite_version}"
    )


if __name__ == "__main__":
    sys.exit(main())
