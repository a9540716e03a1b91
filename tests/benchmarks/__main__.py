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
from tests.benchmarks.imports import imports
from tests.benchmarks.notes import LARGE, RESTORE, TRIED
from tests.benchmarks.sizes import SIZES, data_size, grow, growth, sizes, stage_table
from tests.benchmarks.stopwatch import lap

DOCS = Path(__file__).parents[2] / "docs"


def main() -> int:
    """Run all and write the report; return 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("--patients", type=int, default=20_000, help="of the clinic that all contestants back up")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--into", type=Path, default=DOCS, help="the folder of the report and its charts")
    options = parser.parse_args()
    options.into.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=clinic(options.patients).parent) as scratch:
        report = _report(options.patients, options.rounds, Path(scratch), options.into)
    (options.into / "benchmarks.md").write_text(report, encoding="utf-8")
    sys.stdout.write(report)
    return 0


def _report(patients: int, rounds: int, scratch: Path, docs: Path) -> str:
    data, out = scratch / "data", scratch / "out"
    shutil.copytree(clinic(patients), data)
    backups = contest.run(contest.first_backups(data, out), rounds)
    (docs / "benchmark-first-backup.svg").write_text(
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
    shutil.rmtree(data)
    shutil.rmtree(out)
    grown = [grow(scratch, size, rounds) for size in SIZES if size <= patients]
    # What is timed counts the memory of this process as its own, so it has stayed small until here.
    from tests.benchmarks.lightness import lightness
    from tests.benchmarks.page import first_paint
    from tests.benchmarks.upkeep import upkeep
    from tests.benchmarks.waits import longest_waits

    return "\n".join(
        [
            "# Benchmarks\n",
            f"A clinic of {patients:,} patients, {patients * 8:,} visits and {patients * 6:,} vectors"
            f" ({data_size(clinic(patients)) / 1e6:,.0f} MB), on {_machine()}. "
            + (f"Medians of {rounds} rounds, in turn.\n" if rounds > 1 else "One round of each, in turn.\n"),
            "Run again with `python -m tests.benchmarks`; compare ratios, not seconds.\n",
            _table("First backup", backups),
            "![First backup](benchmark-first-backup.svg)\n",
            _table("First backup on one processor", one_core),
            _table("Restore", restores),
            RESTORE,
            _table("Interval run over unchanged data", unchanged),
            _table("Proof: opened in a sandbox", proof),
            stage_table(grown),
            growth(grown, docs),
            sizes(grown),
            longest_waits(scratch, sorted({SIZES[0], patients})),
            LARGE,
            upkeep(scratch),
            imports(),
            lightness(scratch),
            first_paint(scratch),
            TRIED,
        ]
    )


def _table(title: str, results: Sequence[Result]) -> str:
    first = results[0]
    lines = [f"## {title}\n", "| | wall | against ours | processor | peak memory |", "|---|---|---|---|---|"]
    lines += [
        f"| {one.name} | {one.wall:.2f} s | {one.wall / first.wall:.1f} x | {one.cpu:.2f} s"
        f" | {one.peak / 1e6:,.0f} MB |"
        for one in results
    ]
    return "\n".join([*lines, ""])


def _machine() -> str:
    return (
        f"{os.cpu_count()} processors, {platform.system()} {platform.machine()}, Python {platform.python_version()},"
        f" SQLite {sqlite3.sqlite_version}"
    )


if __name__ == "__main__":
    sys.exit(main())
