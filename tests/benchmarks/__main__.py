"""Run the benchmarks and write docs/benchmarks.md and its charts: `python -m tests.benchmarks [--patients N]`.

Ratios within one run are what to compare; the machine is named, and absolute times belong to it.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import contestants, large
from tests.benchmarks.charts import Bar, draw
from tests.benchmarks.clinics import clinic
from tests.benchmarks.contest import Result, contest, table
from tests.benchmarks.growing import SIZES, data_size, grow
from tests.benchmarks.heartbeat import heartbeat
from tests.benchmarks.imports import imports
from tests.benchmarks.machine import machine
from tests.benchmarks.manyfiles import many_files
from tests.benchmarks.notes import CHECKED, RESTORE, TRIED
from tests.benchmarks.sizes import growth, sizes
from tests.benchmarks.stagetimes import stage_times
from tests.benchmarks.targets import Target, of_backups, of_restores, of_sizes, of_waits, targets
from tests.benchmarks.waits import SMALL, longest_waits, waits_section

DOCS = Path(__file__).parents[2] / "docs"


@dataclass(frozen=True)
class Options:
    """What was asked for on the command line."""

    patients: int
    rounds: int
    into: Path
    large: bool


def main() -> int:
    """Run all and write the report; return 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("--patients", type=int, default=20_000, help="of the clinic that all contestants back up")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--into", type=Path, default=DOCS, help="the folder of the report and its charts")
    parser.add_argument("--large", action="store_true", help="a clinic of 5 GB too: minutes more, and 30 GB of disk")
    options = Options(**vars(parser.parse_args()))
    options.into.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=clinic(options.patients).parent) as scratch:
        reached: list[Target] = []
        title, *sections = [_shown(one) for one in _sections(options, Path(scratch), reached)]
        sections = [title, _shown(targets(reached)), *sections]
    (options.into / "benchmarks.md").write_text("\n".join(sections), encoding="utf-8")
    return 0


def _shown(section: str) -> str:
    """Return a section after it was printed: what comes later may fail."""
    sys.stdout.write(f"{section}\n")
    sys.stdout.flush()
    return section


def _sections(options: Options, scratch: Path, reached: list[Target]) -> Iterator[str]:
    yield _title(options, scratch)
    yield from _timed(options, scratch, reached)
    # What is timed counts the memory of this process as its own, so it has stayed small until here.
    yield from _watched(scratch)


def _timed(options: Options, scratch: Path, reached: list[Target]) -> Iterator[str]:
    """Yield the sections on what is timed as whole processes, and add to what was `reached`."""
    yield from _contests(options, scratch, reached)
    grown = [grow(scratch, size, options.rounds) for size in SIZES if size <= options.patients]
    reached += of_sizes(grown)
    yield stage_times(grown, options.into)
    yield growth(grown, options.into)
    yield sizes(grown, options.into)
    yield many_files(scratch, options.rounds)
    yield large.large(scratch) if options.large else large.kept(options.into / "benchmarks.md")
    waits = longest_waits(scratch, sorted({SMALL, options.patients}))
    reached += of_waits(waits)
    yield waits_section(waits, options.into)


def _watched(scratch: Path) -> Iterator[str]:
    """Yield the other sections, for which this process may become large."""
    from tests.benchmarks.archives import make_archives
    from tests.benchmarks.lightness import lightness
    from tests.benchmarks.page import first_paint
    from tests.benchmarks.upkeep import upkeep

    make_archives(scratch / "archives", 1_000)
    yield upkeep(scratch, scratch / "archives")
    yield first_paint(scratch / "archives")
    yield imports()
    yield lightness(scratch)
    yield TRIED


def _title(options: Options, scratch: Path) -> str:
    patients, rounds = options.patients, options.rounds
    return "\n".join(
        [
            "# Benchmarks\n",
            f"A clinic of {patients:,} patients, {patients * 8:,} visits and {patients * 6:,} vectors"
            f" ({data_size(clinic(patients)) / 1e6:,.0f} MB). "
            + (f"Medians of {rounds} rounds." if rounds > 1 else "One round of each.")
            + " In a contest ours and each other take turns as pairs, on two processors; 7-Zip, which takes minutes,"
            " does so once. All that was written before is on the disk when the time begins, and what is read is in"
            " memory. Peaks of memory begin at 25 MB, those of the process that starts what is timed.\n",
            machine(scratch),
            "Run again with `python -m tests.benchmarks`; compare ratios, not seconds.\n",
        ]
    )


def _contests(options: Options, scratch: Path, reached: list[Target]) -> Iterator[str]:
    """Yield the sections of the contests; the later ones need what the first has left."""
    data, out, rounds = scratch / "data", scratch / "out", options.rounds
    shutil.copytree(clinic(options.patients), data)
    firsts = contestants.first_backups(data, out)
    backups = contest(firsts, rounds)
    yield table("First backup", backups)
    yield draw(options.into, "first-backup", "First backup, seconds", _bars(backups))
    yield table("First backup, and all of it read again", contest(contestants.checked_backups(data, out), rounds))
    yield CHECKED
    on_one = contest(firsts[:2], rounds, cores=1)
    yield table("First backup on one processor", on_one)
    unchanged = contest(contestants.unchanged_runs(data, out), rounds)
    yield table("Interval run over unchanged data", unchanged)
    restores = contest(contestants.restores(data, out), rounds)
    reached += [*of_backups(backups, on_one, unchanged), *of_restores(restores)]
    yield table("Restore", restores)
    yield RESTORE
    yield draw(options.into, "restore", "Restore, seconds", _bars(restores))
    yield heartbeat(data, rounds)
    shutil.rmtree(data)
    shutil.rmtree(out)


def _bars(results: Sequence[Result]) -> list[Bar]:
    return [Bar(one.name, one.wall, one.name.startswith("DocAssist")) for one in results]


if __name__ == "__main__":
    sys.exit(main())
