"""What looking at, tidying up and remembering many backups costs."""

import os
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from backup_core import BackupEngine
from backup_core.history import KEPT_RUNS, Action, History, Outcome, Run, Trigger
from backup_core.manifest import archive_name
from tests.benchmarks.clinics import clinic

_COUNTS = (250, 500, 1_000)
_RUNS = 20_000


def upkeep(scratch: Path) -> str:
    """Return the sections on listing and tidying up, and on the history."""
    lines = [
        "## Many backups\n",
        "| backups | first look | next look | tidy up all but ten | for each deleted |",
        "|---|---|---|---|---|",
    ]
    for count in _COUNTS:
        first, following, tidied = _seconds(scratch / f"many-{count}", count)
        lines.append(
            f"| {count:,} | {first * 1000:.0f} ms | {following * 1000:.0f} ms | {tidied:.2f} s |"
            f" {tidied * 1000 / (count - 10):.1f} ms |"
        )
    return "\n".join([*lines, "", _history(scratch)])


def _seconds(folder: Path, count: int) -> tuple[float, float, float]:
    """Return the seconds of a first look, a second one, and of tidying up; the archives are one small one's names."""
    data = folder / "data"
    data.mkdir(parents=True)
    shutil.copy2(clinic(1_000) / "clinic.db", data)
    made = BackupEngine(data).create()
    long_ago = time.time() - 3600
    os.utime(made.path, (long_ago, long_ago))
    for number in range(count - 1):
        name = archive_name(datetime(2025, 1, 1) + timedelta(hours=number))  # noqa: DTZ001 - names tell local time
        (made.path.parent / name).hardlink_to(made.path)
    engine = BackupEngine(data)
    times = [time.monotonic()]
    engine.archives()
    times.append(time.monotonic())
    engine.archives()
    times.append(time.monotonic())
    deleted = engine.prune(keep=10)
    times.append(time.monotonic())
    assert len(deleted) == count - 10, f"{len(deleted)} of {count} were deleted"
    shutil.rmtree(folder)
    first, following, tidied = (after - before for before, after in zip(times, times[1:], strict=False))
    return first, following, tidied


def _history(scratch: Path) -> str:
    folder = scratch / "remembered"
    folder.mkdir()
    path, began = folder / "history.jsonl", datetime(2025, 1, 1, tzinfo=UTC)
    runs = [
        Run(
            action=Action.BACKUP,
            trigger=Trigger.INTERVAL,
            outcome=Outcome.UNCHANGED,
            started_at=began + timedelta(hours=number),
            archive="backup_2025-01-01_00-00-00.zip",
            fingerprint="0" * 64,
        )
        for number in range(_RUNS)
    ]
    # All but the last as if they had been recorded one by one, which takes an fsync each.
    path.write_bytes(b"".join(run.to_json() + b"\n" for run in runs[:-1]))
    history = History(path)
    history.append(runs[-1])
    kept, size = len(history.runs()), path.stat().st_size
    assert kept == KEPT_RUNS, kept
    shutil.rmtree(folder)
    return f"After {_RUNS:,} runs the history holds the newest {kept:,} of them, in {size / 1e6:.1f} MB.\n"
