"""What the launcher costs while nothing happens, and how soon its icon can be seen.

`python -m tests.benchmarks.lightness` measures this alone. The icon is shown on a screen, a session bus and a panel of
this benchmark's own.
"""

import contextlib
import os
import re
import shlex
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
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
_WATCHED, _SETTLING = 45.0, 10.0
_ROUNDS = 5
#: What the launcher is told to open as the EMR.
_EMR = ("--emr", shlex.join([sys.executable, "-m", "backup_core.standin"]), "--emr-dir", str(ROOT))


@dataclass(frozen=True)
class Idle:
    """One idle launcher: bytes resident, share of one processor, and how often each thread woke up, times a second."""

    memory: int
    processor: float
    wakes: Mapping[str, float]


def lightness(scratch: Path) -> str:
    """Return the section of the report."""
    lines = [
        "## What the launcher costs\n",
        f"Nobody clicks, for {_WATCHED:.0f} s; without the processes of the icon and the EMR. The EMR is the demo's"
        " stand-in, which writes something every two seconds.\n",
        "| | memory | processor | wakes up | by thread, times a minute |",
        "|---|---|---|---|---|",
    ]
    for name, options in {"alone": (), "with the EMR open": _EMR}.items():
        idle = _idle(scratch, options)
        often = sorted(idle.wakes.items(), key=lambda item: -item[1])
        listed = ", ".join(f"{thread} {times * 60:.0f}" for thread, times in often if times * 60 >= 0.5)
        every = 1 / max(sum(idle.wakes.values()), 0.001)
        lines.append(f"| {name} | {idle.memory / 1e6:.0f} MB | {idle.processor:.2%} | every {every:.1f} s | {listed} |")
    icons = sorted(_seconds_to_icon(scratch) for _ in range(_ROUNDS))
    lines += [
        "",
        f"The icon is in the panel {icons[0]:.2f} s after the start (median of {_ROUNDS}:"
        f" {statistics.median(icons):.2f} s).\n",
    ]
    return "\n".join(lines)


def _idle(scratch: Path, options: Sequence[str]) -> Idle:
    data = _data(scratch)
    with _desk(scratch) as desk:
        process = _launch(desk, data, "--no-icon", *options)
        history = History(data / ".docassist-backup" / "history.jsonl")
        eventually(lambda: [run for run in history.runs() if run.trigger is Trigger.STARTUP])
        if options:
            eventually(process.children)
        time.sleep(_SETTLING)
        before, worked = _wakes(process.pid), sum(process.cpu_times()[:2])
        time.sleep(_WATCHED)
        after, share = _wakes(process.pid), (sum(process.cpu_times()[:2]) - worked) / _WATCHED
        wakes: dict[str, float] = {}
        for number, (thread, times) in after.items():
            began = before.get(number, (thread, 0))[1]
            wakes[thread] = wakes.get(thread, 0.0) + (times - began) / _WATCHED
        return Idle(process.memory_info().rss, share, wakes)


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
    data = Path(tempfile.mkdtemp(dir=scratch))
    shutil.copytree(clinic(1_000), data, dirs_exist_ok=True)
    # Else the launcher would wait for the disk to take this copy.
    os.sync()
    return data


def _launch(desk: Desk, data: Path, *options: str) -> psutil.Process:
    """Start the launcher; it ends with the desk."""
    command = [sys.executable, "-m", "tests.benchmarks.named", "--data-dir", str(data), "--no-browser", *options]
    return psutil.Process(desk.start(*command, cwd=ROOT).pid)


def _wakes(pid: int) -> dict[int, tuple[str, int]]:
    """Return name and count of each thread by its number: how often it has begun to run after it had waited."""
    found: dict[int, tuple[str, int]] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            counted = re.search(r"^voluntary_ctxt_switches:\s+(\d+)", (task / "status").read_text(), re.MULTILINE)
            name = "main" if int(task.name) == pid else (task / "comm").read_text().strip()
            found[int(task.name)] = (name, int(counted[1]) if counted else 0)
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write(lightness(Path(folder)))
