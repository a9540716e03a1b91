"""The long form of every fault and law, by one command, which writes its figures into docs/reliability.md.

`python -m tests.faults` runs all of them; names after it run only those. What needs one processor core runs beside
others of that kind; what measures waits runs alone.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

REPORT = Path(__file__).parents[2] / "docs" / "reliability.md"
#: Those of a machine on which a launcher has to get along.
CORES = 2
HEAD = "| name | what | figures | took | as it must be |\n|---|---|---|---|---|\n"
#: What a programme says where this system has not what it needs.
LEFT_OUT = re.compile(r"^left out: (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Programme:
    """One long form: its module and arguments, and what to read in what it prints."""

    what: str
    command: tuple[str, ...]
    #: Each pattern finds numbers; those of all lines are added up.
    figures: dict[str, str]
    #: Into how many processes it is cut; 0 for one that has the machine to itself.
    shares: int = 1


@dataclass
class Outcome:
    """What a programme has printed, whether all was well, and how long its longest share took (s)."""

    printed: str = ""
    well: bool = True
    seconds: float = 0.0
    shares: list["Future[tuple[str, bool, float]]"] = field(default_factory=list)


PROGRAMMES = {
    "disk": Programme("the disk is full, broken, forbidden or busy, or the backup folder goes away, at every call",
                      ("tests.faults.disk_matrix",),
                      {"points": r"^(\d+) points", "wrong": r"^\d+ points, (\d+) wrong"}, shares=4),
    "kills": Programme("the process dies at every call that changes the disk, and again in its recovery",
                       ("tests.faults.kill_matrix",),
                       {"kills": r"^(\d+) kills, \d+ lost", "lost": r"^\d+ kills, (\d+) lost"}, shares=2),
    "model": Programme("steps of a clinic's life as chance invents it, kills and damage among them",
                       ("tests.laws.model",),
                       {"steps": r"^(\d+) steps", "rules broken": r"(\d+) rules broken"}),
    "steps": Programme("EACCES, EBUSY, EIO at every step that Python tells of, and files held three times",
                       ("tests.faults.step_matrix",),
                       {"points": r"^(\d+) points", "wrong": r"^\d+ points, (\d+) wrong"}),
    "bits": Programme("every wrong bit and every length of a small archive, a 1 % grid over one of 50 MB",
                      ("tests.faults.bit_rot",),
                      {"bits": r" (\d+) bits", "lengths": r" (\d+) lengths", "refused": r" (\d+) refused",
                       "wrong": r" (\d+) wrong"}, shares=2),
    "full": Programme("random work on a disk that is really full", ("tests.faults.full_disk",),
                      {"passes": r"^(\d+) pass", "operations": r" (\d+) operations",
                       "had no room": r" (\d+) had no room", "wrong": r" (\d+) wrong"}),
    "launchers": Programme("launchers racing for one data folder, ended by each signal and killed",
                           ("tests.faults.launchers",),
                           {"races": r"^(\d+) races", "launchers": r" (\d+) launchers", "wrong": r" (\d+) wrong"}),
    "days": Programme("simulated days of a launcher: sleep, power cuts, wrong clocks, failures",
                      ("tests.laws.years",),
                      {"days": r"^(\d+) days", "archives": r"(\d+) archives made",
                       "rules broken": r"(\d+) rules broken"}),
    "writers": Programme("backups while three programs write to both stores, each restored and checked",
                         ("tests.faults.live_writers",),
                         {"backups": r": (\d+) backups", "bad": r"backups, (\d+) bad", "writes": r": (\d+) writes",
                          "failed writes": r"writes, (\d+) failed", "longest wait (ms)": r"longest wait (\d+) ms"},
                         shares=0),
    "waits": Programme("a backup every 2 s beside the writers of 35 MB; `rollback` is the EMR's mode",
                       ("tests.faults.waits",),
                       {"backups": r": (\d+) backups", "longest freeze (ms)": r"freeze (\d+) ms at most",
                        "longest wait (ms)": r"longest wait (\d+) ms", "longest without (ms)": r"\((\d+) ms without\)",
                        "longest 99th of 100 (ms)": r"99 % within (\d+) ms",
                        "longest without (ms) of these": r"\((\d+) ms without backups\)",
                        "bounds broken": r"^  (too much)"}, shares=0),
}  # fmt: skip


def run_share(name: str, number: int) -> tuple[str, bool, float]:
    """Run one share of a programme, passing on what it prints; return that, whether all was well, and the seconds."""
    programme, began = PROGRAMMES[name], time.monotonic()
    cut = [f"--share={number}/{programme.shares}"] if programme.shares > 1 else []
    command = [sys.executable, "-m", *programme.command, *cut]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        sys.stdout.write(f"{name}: {line}")
        sys.stdout.flush()
        lines.append(line)
    return "".join(lines), process.wait() == 0, time.monotonic() - began


def run(names: Sequence[str]) -> dict[str, Outcome]:
    """Run the programmes: those that share the machine first, as many at a time as there are cores, then the others."""
    outcomes = {name: Outcome() for name in names}
    for alone in (False, True):
        with ThreadPoolExecutor(1 if alone else min(CORES, os.cpu_count() or 1)) as pool:
            for name, outcome in outcomes.items():
                if (PROGRAMMES[name].shares == 0) is alone:
                    numbers = range(1, max(PROGRAMMES[name].shares, 1) + 1)
                    outcome.shares = [pool.submit(run_share, name, number) for number in numbers]
    for outcome in outcomes.values():
        for share in outcome.shares:
            printed, well, seconds = share.result()
            outcome.printed += printed
            outcome.well &= well
            outcome.seconds += seconds
    return outcomes


def row(name: str, outcome: Outcome) -> str:
    """Return the line of the table for one programme."""
    programme = PROGRAMMES[name]
    left_out = LEFT_OUT.search(outcome.printed)
    found = ", ".join(
        f"{_sum(label, pattern, outcome.printed):,} {label}" for label, pattern in programme.figures.items()
    )
    verdict = "left out" if left_out else "yes" if outcome.well else "**no**"
    told = left_out[1] if left_out else found
    return f"| `{name}` | {programme.what} | {told} | {outcome.seconds / 60:.1f} min | {verdict} |\n"


def _sum(label: str, pattern: str, printed: str) -> int:
    found = re.findall(pattern, printed, re.MULTILINE)
    numbers = [int(number) if number.isdigit() else 1 for number in found]
    return max(numbers, default=0) if label.startswith("longest") else sum(numbers)


def rewrite(rows: dict[str, str], report: str, took: float) -> str:
    """Return the report with these rows of its table anew, the others as they were, and how it was measured."""
    before, _, rest = report.partition(HEAD)
    table = re.match(r"(?:\|.*\n)*", rest)
    assert table is not None
    known = {line.split("`")[1]: line for line in table[0].splitlines(keepends=True)}
    lines = "".join((known | rows)[name] for name in PROGRAMMES if name in known | rows)
    day = datetime.now(UTC)
    measured = (
        f"Measured on {day.day} {day:%B %Y} on {platform.system()}, Python {platform.python_version()}, "
        f"{os.cpu_count()} processor cores: {took / 60:.0f} minutes for {len(rows)} of {len(PROGRAMMES)} programmes.\n"
    )
    before = re.sub(r"^Measured on [^|]*?\.\n(?=\n)", lambda _match: measured, before, count=1, flags=re.MULTILINE)
    return f"{before}{HEAD}{lines}{rest[table.end() :]}"


def main() -> int:
    """Run what is asked for, write and print the table, and return 1 if something was not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PROGRAMMES)}; none for all")
    parser.add_argument("--print", action="store_true", help="leave docs/reliability.md as it is")
    options = parser.parse_args()
    wanted = options.names or list(PROGRAMMES)
    if unknown := set(wanted) - set(PROGRAMMES):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    began = time.monotonic()
    outcomes = run(wanted)
    rows = {name: row(name, outcome) for name, outcome in outcomes.items()}
    sys.stdout.write(f"\n{HEAD}{''.join(rows.values())}")
    if not options.print:
        report = REPORT.read_text(encoding="utf-8")
        REPORT.write_text(rewrite(rows, report, time.monotonic() - began), encoding="utf-8")
    return 0 if all(outcome.well for outcome in outcomes.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
