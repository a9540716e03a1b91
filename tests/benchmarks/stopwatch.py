"""Time one command as a whole process: wall seconds, processor seconds and the peak memory of its largest process."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Lap:
    """One finished run; seconds, and bytes of memory."""

    wall: float
    cpu: float
    peak: int


def lap(command: Sequence[str], environment: Mapping[str, str] | None = None, *, cores: int | None = None) -> Lap:
    """Run `command` to its end, on `cores` processors where that is given; raise CalledProcessError if it fails."""
    words = [*(["taskset", "-c", ",".join(map(str, range(cores)))] if cores else []), *command]
    started = time.monotonic()
    process = subprocess.Popen(words, env={**os.environ, **(environment or {})}, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words)
    return Lap(time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
