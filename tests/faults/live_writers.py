"""Backups of a clinic while three programs write to it, each restored to a sandbox and checked.

`python -m tests.faults.live_writers --backups 200` prints the figures for both journal modes and two thresholds.
"""

import argparse
import itertools
import json
import logging
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from backup_core.engine import BackupEngine

from . import share
from .maker import make
from .restored import problems
from .searcher import Searcher

KINDS = ("charging", "correcting", "vectors")


@dataclass
class Outcome:
    """What a campaign has found; times are in seconds."""

    bad: list[str] = field(default_factory=list)
    backups: int = 0
    frozen: list[float] = field(default_factory=list)
    writes: dict[str, int] = field(default_factory=dict)
    #: Writes in a second.
    rate: dict[str, float] = field(default_factory=dict)
    failed: dict[str, list[str]] = field(default_factory=dict)
    #: What 99 % of the writes took at most, and the longest.
    usual: dict[str, float] = field(default_factory=dict)
    longest: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [
            f"{self.backups} backups, {len(self.bad)} bad; "
            f"freeze {milliseconds(sum(self.frozen) / len(self.frozen))} on average, "
            f"{milliseconds(max(self.frozen))} at most"
        ]
        for kind in self.writes:
            lines.append(
                f"  {kind}: {self.writes[kind]} writes, {self.rate[kind]:.0f} in a second, "
                f"{len(self.failed[kind])} failed, "
                f"99 % within {milliseconds(self.usual[kind])}, longest wait {milliseconds(self.longest[kind])}"
            )
        lines += self.bad
        lines += sorted({f"  {kind} failed: {failure}" for kind, failed in self.failed.items() for failure in failed})
        return "\n".join(lines)


def campaign(folder: Path, *, backups: int, wal: bool, threshold: int, between: float = 0.0) -> Outcome:
    """Make a clinic in `folder`, let three programs write to it, and back it up `backups` times, checking each."""
    data = folder / "data"
    make(data, threshold=threshold, wal=wal)
    engine = BackupEngine(data)
    outcome = Outcome()
    with writers(data, outcome), freezes(outcome), Searcher() as searcher:
        for number in range(backups):
            archive = engine.create()
            engine.prune(keep=3)
            sandbox = folder / f"restored-{number}"
            sandbox.mkdir()
            BackupEngine(sandbox).restore(archive)
            assert archive.manifest is not None
            outcome.backups += 1
            outcome.bad += [f"{archive.name}: {problem}" for problem in problems(sandbox, archive.manifest, searcher)]
            if not outcome.bad:
                subprocess.run(["rm", "-r", sandbox], check=True)
            time.sleep(between)
    return outcome


@contextmanager
def writers(data: Path, outcome: Outcome) -> Iterator[None]:
    """Run the three writers, and note at the end what they met."""
    running = {
        kind: subprocess.Popen(
            [sys.executable, "-m", "tests.faults.writer", kind, str(data)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for kind in KINDS
    }
    try:
        for process in running.values():
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        yield
    finally:
        for kind, process in running.items():
            answer, _ = process.communicate(timeout=60)
            met = json.loads(answer)
            outcome.writes[kind] = len(met["waits"])
            outcome.rate[kind] = len(met["waits"]) / met["seconds"]
            outcome.failed[kind] = met["failed"]
            outcome.usual[kind] = sorted(met["waits"])[len(met["waits"]) * 99 // 100]
            outcome.longest[kind] = max(met["waits"])


@contextmanager
def freezes(outcome: Outcome) -> Iterator[None]:
    """Note for how long each snapshot held the writers, as the log tells it."""

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if held := re.search(r"held the writers for ([\d.]+) ms", record.getMessage()):
                outcome.frozen.append(float(held[1]) / 1000)

    log, listener = logging.getLogger("backup_core.instant"), Listener()
    log.addHandler(listener)
    level = log.level
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.setLevel(level)
        log.removeHandler(listener)


def milliseconds(seconds: float) -> str:
    """Return a time in words."""
    return f"{seconds * 1000:.0f} ms"


def main() -> int:
    """Run the long form and return 1 if a backup was bad, or a write failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backups", type=int, default=200, help="of each kind of clinic")
    parser.add_argument("--thresholds", type=int, nargs="+", default=[100, 1000], help="of the vector store")
    parser.add_argument("--modes", nargs="+", default=["rollback", "wal"], choices=["rollback", "wal"])
    share.add_to(parser)
    wanted = parser.parse_args()
    bad = 0
    for mode, threshold in share.of([*itertools.product(wanted.modes, wanted.thresholds)], wanted.share):
        with tempfile.TemporaryDirectory() as folder:
            outcome = campaign(Path(folder), backups=wanted.backups, wal=mode == "wal", threshold=threshold)
        sys.stdout.write(f"{mode} journal, sync_threshold {threshold}: {outcome}\n")
        sys.stdout.flush()
        bad += len(outcome.bad) + sum(map(len, outcome.failed.values()))
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
