"""What the launcher costs while nothing happens, and how soon its icon can be seen.

`python -m tests.benchmarks.lightness` measures this alone. The icon is shown on a screen, a session bus and a panel of
this benchmark's own.
"""

import os
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from backup_core.children import ROOT
from backup_core.history import History, Trigger
from tests.benchmarks.clinics import clinic
from tests.desktop.desk import Desk, eventually
from tests.desktop.panel import panel_on

#: Seconds for which an idle launcher is watched, after it has settled for some.
_WATCHED, _SETTLING = 60.0, 10.0
_ROUNDS = 5


@dataclass(frozen=True)
class Idle:
    """One idle launcher: bytes resident, share of one processor, and how often it woke up, in times a second."""

    memory: int
    processor: float
    wakes: float


def lightness(scratch: Path) -> str:
    """Return the section of the report."""
    idle = _idle(scratch)
    icons = sorted(_seconds_to_icon(scratch) for _ in range(_ROUNDS))
    return (
        f"## What the launcher costs\n\nNothing happens, for {_WATCHED:.0f} s; without the icon's own process.\n\n"
        "| memory | processor | wakes up | icon in the panel after its start |\n|---|---|---|---|\n"
        f"| {idle.memory / 1e6:.0f} MB | {idle.processor:.2%} | every {1 / max(idle.wakes, 0.001):.1f} s"
        f" | {icons[0]:.2f} s (median of {_ROUNDS}: {statistics.median(icons):.2f} s) |\n"
    )


def _idle(scratch: Path) -> Idle:
    data = _data(scratch)
    with _desk(scratch) as desk:
        process = _launch(desk, data, "--no-icon")
        history = History(data / ".docassist-backup" / "history.jsonl")
        eventually(lambda: [run for run in history.runs() if run.trigger is Trigger.STARTUP])
        time.sleep(_SETTLING)
        before = _wakes(process.pid), sum(process.cpu_times()[:2])
        time.sleep(_WATCHED)
        after = _wakes(process.pid), sum(process.cpu_times()[:2])
        return Idle(process.memory_info().rss, (after[1] - before[1]) / _WATCHED, (after[0] - before[0]) / _WATCHED)


def _seconds_to_icon(scratch: Path) -> float:
    data = _data(scratch)
    with _desk(scratch) as desk:
        desk.open_screen()
        desk.open_bus()
        with panel_on(desk) as panel:
            started = time.monotonic()
            _launch(desk, data)
            eventually(lambda: panel.icons)
            return time.monotonic() - started


@contextmanager
def _desk(scratch: Path) -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as monkeypatch, tempfile.TemporaryDirectory(dir=scratch) as folder:
        desk = Desk(Path(folder), monkeypatch)
        try:
            yield desk
        finally:
            desk.close()


def _data(scratch: Path) -> Path:
    """Return a data folder that nobody has backed up yet."""
    data = scratch / "light"
    shutil.rmtree(data, ignore_errors=True)
    shutil.copytree(clinic(1_000), data)
    # Else the launcher would wait for the disk to take this copy.
    os.sync()
    return data


def _launch(desk: Desk, data: Path, *options: str) -> psutil.Process:
    """Start the launcher; it ends with the desk."""
    command = [sys.executable, "-m", "tray.app", "--data-dir", str(data), "--no-browser", *options]
    return psutil.Process(desk.start(*command, cwd=ROOT).pid)


def _wakes(pid: int) -> int:
    """Return how often the threads of a process have begun to run after they had waited for something."""
    wakes = re.compile(r"^voluntary_ctxt_switches:\s+(\d+)", re.MULTILINE)
    statuses = (path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/status"))
    return sum(int(found) for text in statuses for found in wakes.findall(text))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write(lightness(Path(folder)))
