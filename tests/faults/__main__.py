"""The long form of every fault and law, by one command, which writes its figures into docs/reliability.md.

`python -m tests.faults` runs all of them; names after it run only those. What needs one processor core runs beside
others of that kind; what measures waits runs alone.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

REPORT = Path(__file__).parents[2] / "docs" / "reliability.md"
#: Those of a machine on which a launcher has to get along.
CORES = 2
HEAD = "| name | what | figures | took | on | as it must be |\n|---|---|---|---|---|---|\n"
#: What a programme says where this system has not what it needs.
LEFT_OUT = re.compile(r"^left out: (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Programme:
    """One long form: its module and arguments, and what to read in what it prints."""

    what: str
    command: tuple[str, ...]
    #: Each pattern finds numbers; those of all lines are added up.
    figures: dict[str, str]
    #: Into how many processes it is cut.
    shares: int = 1
    #: Whether each of them has the machine to itself.
    alone: bool = False


@dataclass
class Outcome:
    """What the shares of a programme have printed, whether all was well, and how long they took together (s)."""

    printed: str = ""
    well: bool = True
    seconds: float = 0.0
    shares: int = 0

    def add(self, printed: str, well: bool, seconds: float) -> None:  # noqa: FBT001 - as a share returns it
        """Take in what a share has returned."""
        self.printed += printed
        self.well &= well
        self.seconds += seconds
        self.shares += 1


PROGRAMMES = {
    "disk": Programme("the disk is full, broken, forbidden or busy, or the backup folder goes away, at every call",
                      ("tests.faults.disk_matrix",),
                      {"points": r"^(\d+) points", "wrong": r"^\d+ points, (\d+) wrong"}, shares=4),
    "kills": Programme("the process dies at every call that changes the disk, and again in its recovery",
                       ("tests.faults.kill_matrix",),
                       {"kills": r"^(\d+) kills, \d+ lost", "with more in the recovery": r" (\d+) with a second kill",
                        "lost": r"^\d+ kills, (\d+) lost"}, shares=2),
    "power": Programme("what a power cut could take, by the flushes of every operation and of every killed restore",
                       ("tests.faults.power_matrix",),
                       {"runs": r"^(\d+) runs", "put in place": r"^\d+ runs, (\d+) put",
                        "wrong": r"^\d+ runs, \d+ put in place, (\d+) wrong"}),
    "model": Programme("steps of a clinic's life as chance invents it, kills and damage among them",
                       ("tests.laws.model",),
                       {"steps": r"^(\d+) steps", "kills": r" (\d+) kills,", "in the recovery": r" (\d+) kills in",
                        "damaged archives refused": r" (\d+) damaged", "stores opened": r" (\d+) vector",
                        "rules broken": r"(\d+) rules broken"}),
    "steps": Programme("EACCES, EBUSY, EIO at every step that Python tells of, files held three times, the data folder"
                       " moved away",
                       ("tests.faults.step_matrix",),
                       {"points": r"^(\d+) points", "wrong": r"^\d+ points, (\d+) wrong"}),
    "bits": Programme("every wrong bit and every length of a small archive, a 1 % grid over one of 50 MB",
                      ("tests.faults.bit_rot",),
                      {"bits": r" (\d+) bits", "lengths": r" (\d+) lengths", "refused": r" (\d+) refused",
                       "wrong": r" (\d+) wrong"}),
    "hostile": Programme("ZIPs that nobody means well with, as four fuzzers invent them", ("tests.laws.hostile",),
                         {"ZIPs": r"^(\d+) ZIPs", "refused": r" (\d+) refused",
                          "came out as packed": r" (\d+) came out", "wrong": r" (\d+) wrong"}, shares=2),
    "full": Programme("random work on a disk that is really full", ("tests.faults.full_disk",),
                      {"passes": r"^(\d+) pass", "operations": r" (\d+) operations",
                       "had no room": r" (\d+) had no room", "wrong": r" (\d+) wrong"}),
    "launchers": Programme("launchers racing for one data folder, ended by each signal and killed",
                           ("tests.faults.launchers",),
                           {"races": r"^(\d+) races", "launchers": r" (\d+) launchers", "wrong": r" (\d+) wrong"}),
    "days": Programme("simulated days: sleep, power cuts, wrong clocks, failures, pauses, empty batteries",
                      ("tests.laws.years",),
                      {"days": r"^(\d+) days", "archives": r"(\d+) archives made",
                       "longest time for two years (s)": r"two years took (\d+) s",
                       "rules broken": r"(\d+) rules broken"}),
    "writers": Programme("backups while three programs write to both stores, each restored and checked",
                         ("tests.faults.live_writers",),
                         {"backups": r": (\d+) backups", "bad": r"backups, (\d+) bad", "writes": r": (\d+) writes",
                          "fewest in a second": r" (\d+) in a second", "failed writes": r" (\d+) failed",
                          "longest wait (ms)": r"longest wait (\d+) ms"},
                         shares=4, alone=True),
    "waits": Programme("a backup every 2 s beside the writers of 35 MB; `rollback` is the EMR's mode",
                       ("tests.faults.waits",),
                       {"backups": r": (\d+) backups", "longest freeze (ms)": r"freeze (\d+) ms at most",
                        "longest wait (ms)": r"longest wait (\d+) ms", "longest without (ms)": r"\((\d+) ms without\)",
                        "longest 99th of 100 (ms)": r"99 % within (\d+) ms",
                        "longest without (ms) of these": r"\((\d+) ms without backups\)",
                        "writes": r": (\d+) writes", "failed writes": r" (\d+) failed",
                        "bounds broken": r"^  (too much)"}, alone=True),
}  # fmt: skip


def run_share(name: str, number: int) -> tuple[str, bool, float]:
    """Run one share of a programme, passing on what it prints; return that, whether all was well, and the seconds."""
    programme, began = PROGRAMMES[name], time.monotonic()
    cut = [f"--share={number}/{programme.shares}"] if programme.shares > 1 else []
    command = [sys.executable, "-m", *programme.command, *cut]
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            sys.stdout.write(f"{name}: {line}")
            sys.stdout.flush()
            lines.append(line)
    return "".join(lines), process.returncode == 0, time.monotonic() - began


def run(names: Sequence[str]) -> Iterator[tuple[str, Outcome]]:
    """Run the programmes and give each as soon as it has ended: first those that share the machine, a core each."""
    for alone in (False, True):
        outcomes = {name: Outcome() for name in names if PROGRAMMES[name].alone is alone}
        with ThreadPoolExecutor(1 if alone else min(CORES, os.cpu_count() or 1)) as pool:
            numbered = [(name, number + 1) for name in outcomes for number in range(PROGRAMMES[name].shares)]
            begun = {pool.submit(run_share, name, number): name for name, number in numbered}
            for share in as_completed(begun):
                name = begun[share]
                outcomes[name].add(*share.result())
                if outcomes[name].shares == PROGRAMMES[name].shares:
                    yield name, outcomes[name]


def row(name: str, outcome: Outcome) -> str:
    """Return the line of the table for one programme."""
    programme = PROGRAMMES[name]
    left_out = LEFT_OUT.search(outcome.printed)
    found = ", ".join(
        f"{_sum(label, pattern, outcome.printed):,} {label}" for label, pattern in programme.figures.items()
    )
    verdict = "left out" if left_out else "yes" if outcome.well else "**no**"
    told = left_out[1] if left_out else found
    day = datetime.now(UTC)
    took = f"{outcome.seconds / 60:.1f} min"
    return f"| `{name}` | {programme.what} | {told} | {took} | {day.day} {day:%b %Y} | {verdict} |\n"


def _sum(label: str, pattern: str, printed: str) -> int:
    found = re.findall(pattern, printed, re.MULTILINE)
    numbers = [int(number) if number.isdigit() else 1 for number in found]
    pick = {"longest": max, "fewest": min}.get(label.partition(" ")[0])
    return pick(numbers, default=0) if pick else sum(numbers)


def rewrite(rows: dict[str, str], report: str) -> str:
    """Return the report with these rows of its table anew, and the others as they were."""
    before, _, rest = report.partition(HEAD)
    table = re.match(r"(?:\|.*\n)*", rest)
    assert table is not None
    known = {line.split("`")[1]: line for line in table[0].splitlines(keepends=True)}
    lines = "".join((known | rows)[name] for name in PROGRAMMES if name in known | rows)
    return f"{before}{HEAD}{lines}{rest[table.end() :]}"


def main() -> int:
    """Run what is asked for, write and print the table; return 1 if something was not as it must be, or left out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PROGRAMMES)}; none for all")
    parser.add_argument("--print", action="store_true", help="leave docs/reliability.md as it is")
    options = parser.parse_args()
    wanted = options.names or list(PROGRAMMES)
    if unknown := set(wanted) - set(PROGRAMMES):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    well, rows = True, dict[str, str]()
    for name, outcome in run(wanted):
        rows[name] = row(name, outcome)
        well &= outcome.well
        if not options.print:
            # At once: the next one may take hours, and be ended before.
            report = REPORT.read_text(encoding="utf-8")
            REPORT.write_text(rewrite(rows, report), encoding="utf-8")
    sys.stdout.write(f"\n{HEAD}{''.join(rows.values())}")
    return 0 if well else 1


if __name__ == "__main__":
    raise SystemExit(main())
