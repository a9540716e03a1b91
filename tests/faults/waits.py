"""How long the writers of a 35 MB clinic wait with a backup every 2 s, against the same writers without backups.

`python -m tests.faults.waits` prints the figures of both journal modes. The backups are made as the launcher makes
those that come by themselves: with what the EMR leaves of the processors. 99 of 100 writes have to be done in twice the
time that they take without backups, and none may wait longer than the freeze, the longest pause of SQLite between two
tries, which is 100 ms, and what 99 of 100 take without backups. What took longer without any backup is no fault of one.
"""

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path

from backup_core.engine import BackupEngine
from backup_core.jobs import JobRunner
from backup_core.runs import Trigger

from .live_writers import KINDS, Outcome, freezes, milliseconds, writers
from .maker import make

SIZE = 35_000_000
PATIENTS = 1_000
#: Seconds between two backups.
EVERY = 2.0
INTERVAL = Trigger.INTERVAL.value
#: Seconds: SQLite's longest pause between two tries, and what the system takes to wake a program.
BACK_OFF = 0.11


def measure(data: Path, seconds: float, *, backups: bool) -> Outcome:
    """Let three programs write for so many seconds, with a backup every 2 s or without any."""
    engine, outcome, jobs = BackupEngine(data), Outcome(), JobRunner()
    with writers(data, outcome), freezes(outcome):
        end = time.monotonic() + seconds
        while (begun := time.monotonic()) < end:
            if backups:
                job = jobs.start("create", lambda report: engine.create(on_progress=report), trigger=INTERVAL)
                assert jobs.wait(job.id).state == "done"
                engine.prune(keep=3)
                outcome.backups += 1
            time.sleep(max(0.0, begun + EVERY - time.monotonic()))
    return outcome


def broken(alone: Outcome, beside: Outcome) -> list[str]:
    """Return a sentence for each bound that the writers of clinic.db were held beyond, or for writes that failed."""
    found = []
    for kind in KINDS:
        if beside.failed[kind]:
            found.append(f"{kind}: {len(beside.failed[kind])} writes failed")
        if beside.usual[kind] > 2 * alone.usual[kind]:
            found.append(f"{kind}: 99 % within {milliseconds(beside.usual[kind])}, more than twice of that without")
        # One call of Chroma is two transactions, each of which may wait; a write of clinic.db waits for its turn, too.
        # Who waits for the disk alone is none of ours.
        held = (max(beside.frozen) + BACK_OFF) * (2 if kind == "vectors" else 1)
        limit = max(held + alone.usual[kind], alone.longest[kind])
        if beside.longest[kind] > limit:
            found.append(f"{kind}: waited {milliseconds(beside.longest[kind])}, more than {milliseconds(limit)}")
    return found


def main() -> int:
    """Run the long form and return 1 if a bound was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=40.0, help="of each of the four runs")
    parser.add_argument("--size", type=int, default=SIZE, help="of the clinic, in bytes")
    wanted = parser.parse_args()
    logging.disable(logging.DEBUG)
    wrong = 0
    for wal in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "data"
            make(data, patients=PATIENTS, threshold=1000, wal=wal, size=wanted.size)
            alone = measure(data, wanted.seconds, backups=False)
            beside = measure(data, wanted.seconds, backups=True)
        mode = "write-ahead" if wal else "rollback"
        sys.stdout.write(
            f"{mode} journal: {beside.backups} backups, freeze {milliseconds(max(beside.frozen))} at most\n"
        )
        for kind in KINDS:
            sys.stdout.write(
                f"  {kind}: {beside.writes[kind]} writes, {beside.rate[kind]:.0f} in a second, "
                f"{len(beside.failed[kind])} failed; 99 % within "
                f"{milliseconds(beside.usual[kind])} ({milliseconds(alone.usual[kind])} without backups), longest wait "
                f"{milliseconds(beside.longest[kind])} ({milliseconds(alone.longest[kind])} without)\n"
            )
        for sentence in (found := broken(alone, beside)):
            sys.stdout.write(f"  too much: {sentence}\n")
        sys.stdout.flush()
        wrong += len(found)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
