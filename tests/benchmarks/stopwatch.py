"""Time one command as a whole process: wall seconds, processor seconds and the peak memory of its largest process."""

import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Lap:
    """One finished run; seconds, and bytes of memory."""

    wall: float
    cpu: float
    peak: int


@dataclass(frozen=True)
class Laps:
    """The runs of one command."""

    laps: list[Lap]

    @property
    def wall(self) -> float:
        """The median wall time in seconds."""
        return statistics.median(one.wall for one in self.laps)

    @property
    def cpu(self) -> float:
        """The median processor time in seconds."""
        return statistics.median(one.cpu for one in self.laps)

    @property
    def peak(self) -> int:
        """The largest peak of memory in bytes."""
        return max(one.peak for one in self.laps)


def lap(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    *,
    cores: int | None = None,
    folder: Path | None = None,
) -> Lap:
    """Run `command` to its end, in `folder` and on no more than `cores` processors where that is given.

    Raise CalledProcessError if it fails. What others have left for the disk is on it before the time begins.
    """
    words = [*_on_processors(cores), *command]
    # As where it is installed: its modules are compiled once, and not again at each start.
    usual = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    os.sync()
    started = time.monotonic()
    process = subprocess.Popen(words, cwd=folder, env={**usual, **(environment or {})}, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    took = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words)
    return Lap(took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def _on_processors(cores: int | None) -> list[str]:
    """Return the words that hold a command to so many processors; none where there are no more."""
    usable = sorted(os.sched_getaffinity(0))
    if cores is None or len(usable) <= cores:
        return []
    return ["taskset", "-c", ",".join(map(str, usable[:cores]))]
