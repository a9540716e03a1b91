"""A stand-in for the EMR, in a process of its own: it goes on adding patients and visits to DOCASSIST_DATA_DIR."""

import itertools
import os
import signal
import sys
import time
from pathlib import Path

import psutil

from .sample import SampleClinic

#: Seconds between two changes.
PAUSE = 2.0


def main() -> int:
    """Write until SIGTERM or SIGINT, or until the launcher is gone; return 0.

    The last argument is the launcher's process number; without one it is the process that started this.
    """
    asked: list[int] = []
    for name in ("SIGTERM", "SIGINT", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda number, _frame: asked.append(number))
    launcher = int(sys.argv[-1]) if sys.argv[-1].isdigit() else os.getppid()
    clinic = SampleClinic(Path(os.environ["DOCASSIST_DATA_DIR"]), seed=os.getpid())
    changes = itertools.cycle([clinic.add_patient, clinic.add_visit, clinic.add_visit])
    due = time.monotonic()
    while psutil.pid_exists(launcher) and not asked:
        time.sleep(0.1)
        if time.monotonic() >= due:
            due = time.monotonic() + PAUSE
            next(changes)()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
