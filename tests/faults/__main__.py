"""The long form of every fault and law, by one command; its table is what docs/reliability.md shows.

`python -m tests.faults` runs all of them, one after the other; names after it run only those.
"""

import argparse
import re
import subprocess
import sys
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Programme:
    """One long form: its module and arguments, and what to read in what it prints."""

    what: str
    command: tuple[str, ...]
    #: Each pattern finds numbers; those of all lines are added up.
    figures: dict[str, str]


PROGRAMMES = {
    "kills": Programme("kills at every call that changes the disk", ("tests.faults.kill_matrix",),
                       {"kills": r"^(\d+) kills, \d+ lost", "lost": r"^\d+ kills, (\d+) lost"}),
    "disk": Programme("full, broken and forbidden disk at every call", ("tests.faults.disk_matrix",),
                      {"points": r"^(\d+) points", "wrong": r"^\d+ points, (\d+) wrong"}),
    "steps": Programme("EACCES, EBUSY, EIO and held files at every step", ("tests.faults.step_matrix",),
                       {"points": r"^(\d+) points", "wrong": r"^\d+ points, (\d+) wrong"}),
    "writers": Programme("backups of a clinic that three programs write to", ("tests.faults.live_writers",),
                         {"backups": r": (\d+) backups", "bad": r"backups, (\d+) bad", "writes": r": (\d+) writes",
                          "failed writes": r"writes, (\d+) failed", "longest wait (ms)": r"longest wait (\d+) ms"}),
    "bits": Programme("one wrong bit at a time in 50 MB", ("tests.faults.bit_rot",),
                      {"bits": r"^(\d+) bits", "refused": r"bits, (\d+) refused", "wrong": r", (\d+) wrong"}),
    "days": Programme("simulated days of a launcher", ("tests.laws.years",),
                      {"days": r"^(\d+) days", "archives": r"(\d+) archives made", "broken": r"(\d+) rules broken"}),
    "model": Programme("steps of an invented life, kills and damage among them", ("tests.laws.model",),
                       {"steps": r"^(\d+) steps", "broken": r"(\d+) rules broken"}),
}  # fmt: skip


def run(name: str) -> tuple[bool, str]:
    """Run one programme, passing on what it prints; return whether all was well, and its line of the table."""
    programme, began = PROGRAMMES[name], time.monotonic()
    sys.stdout.write(f"== {name}: {programme.what}\n")
    process = subprocess.Popen([sys.executable, "-m", *programme.command], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        sys.stdout.write(line)
        sys.stdout.flush()
        lines.append(line)
    well = process.wait() == 0
    found = ", ".join(f"{_sum(label, pattern, lines):,} {label}" for label, pattern in programme.figures.items())
    minutes = (time.monotonic() - began) / 60
    return well, f"| `{name}` | {programme.what} | {found} | {minutes:.1f} min | {'yes' if well else '**no**'} |\n"


def _sum(label: str, pattern: str, lines: list[str]) -> int:
    numbers = [int(found) for line in lines for found in re.findall(pattern, line)]
    return max(numbers, default=0) if label.startswith("longest") else sum(numbers)


def main() -> int:
    """Run what is asked for, print the table, and return 1 if something was not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PROGRAMMES)}; none for all")
    wanted = parser.parse_args().names or list(PROGRAMMES)
    if unknown := set(wanted) - set(PROGRAMMES):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    results = [run(name) for name in wanted]
    sys.stdout.write("\n| name | what | figures | took | as it must be |\n|---|---|---|---|---|\n")
    sys.stdout.write("".join(line for _, line in results))
    return 0 if all(well for well, _ in results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
