"""What looking at, tidying up and remembering many backups costs."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from backup_core import BackupEngine
from backup_core.history import KEPT_RUNS, Action, History, Outcome, Run, Trigger
from backup_core.retention import LAUNCHER_POLICY
from tests.benchmarks.contest import Contestant
from tests.benchmarks.contestants import ours

Result = TypeVar("Result")

_COUNTS = (250, 500, 1_000)
_RUNS = 20_000


def upkeep(scratch: Path, archives: Path) -> str:
    """Return the sections on listing and tidying up, and on the history.

    `archives` is a data folder with at least as many archives as the largest count.
    """
    lines = [
        "## Many backups\n",
        "All of different contents, some proven, some in `kept/`; tidied up by the tiers that the launcher keeps.\n",
        "| backups | first look of a new process | next look | the whole process | tidied up | deleted"
        " | for each deleted |",
        "|---|---|---|---|---|---|---|",
    ]
    for count in _COUNTS:
        data = _few_of(archives, count, scratch / f"many-{count}")
        first, process = _first_look(ours(data, "look"))
        engine = BackupEngine(data, policy=LAUNCHER_POLICY)
        engine.archives()
        following, _ = _timed(engine.archives)
        tidied, deleted = _timed(engine.prune)
        left = len(engine.archives())
        assert deleted and len(deleted) == count - left, f"{len(deleted)} of {count} were deleted, {left} are left"
        lines.append(
            f"| {count:,} | {first * 1000:.0f} ms | {following * 1000:.0f} ms | {process:.2f} s | {tidied:.2f} s"
            f" | {len(deleted)} | {tidied * 1000 / len(deleted):.1f} ms |"
        )
        shutil.rmtree(data)
    return "\n".join([*lines, "", _history(scratch)])


def _few_of(archives: Path, count: int, target: Path) -> Path:
    """Return a copy of a data folder with no more than its newest so many archives."""
    shutil.copytree(archives, target)
    for path in sorted(target.glob("backups/**/*.zip"), key=lambda path: path.name)[:-count]:
        path.unlink()
    return target


def _first_look(looker: Contestant) -> tuple[float, float]:
    """Return the seconds of the first look, and of the process that took it."""
    started = time.monotonic()
    told = subprocess.run(looker.command, capture_output=True, check=True).stdout
    return float(json.loads(told)), time.monotonic() - started


def _timed(work: Callable[[], Result]) -> tuple[float, Result]:
    started = time.monotonic()
    result = work()
    return time.monotonic() - started, result


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
