"""How late the EMR's own window beats while `BackupService` makes a backup in the same process.

`python -m tests.benchmarks.heartbeat DATA_DIR` prints the seconds of a backup, and by how many a beat was late at most.
"""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

from backup_core import BackupService
from tests.benchmarks.contestants import forget
from tests.benchmarks.growing import data_size

_EVERY = 0.01


def heartbeat(data: Path, rounds: int) -> str:
    """Return the section on a window that wants to be drawn every 10 ms, over the clinic in `data`."""
    lines = [
        "## The EMR's own window\n",
        f"`BackupService.auto_backup` in the EMR's own process, over {data_size(data) / 1e6:,.0f} MB: another thread of"
        " it beats every 10 ms, as the thread of a window does.\n",
        "| the backup | the latest beat came late by |",
        "|---|---|",
    ]
    for _round in range(rounds):
        forget(data)
        command = [sys.executable, "-m", "tests.benchmarks.heartbeat", str(data)]
        seconds, late = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
        lines.append(f"| {seconds:.2f} s | {late * 1000:.0f} ms |")
    return "\n".join([*lines, ""])


def _beat(data: Path) -> tuple[float, float]:
    """Make a backup and return its seconds, and by how many the latest beat meanwhile was late."""
    late: list[float] = []
    done = threading.Event()

    def beat() -> None:
        while not done.is_set():
            started = time.monotonic()
            done.wait(_EVERY)
            late.append(time.monotonic() - started - _EVERY)

    heart = threading.Thread(target=beat)
    heart.start()
    started = time.monotonic()
    try:
        made = BackupService(data).auto_backup()
    finally:
        seconds = time.monotonic() - started
        done.set()
        heart.join()
    return (seconds, max(late)) if made else sys.exit("no backup was made")


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_beat(Path(sys.argv[1]))))
