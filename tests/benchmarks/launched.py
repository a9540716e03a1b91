"""One backup after the other, as the launcher makes them, until standard input ends; then what came of them, as JSON.

`python -m tests.benchmarks.launched DATA interval|manual PAUSE`: those of the interval step back behind the EMR, those
of Backup Now do not. PAUSE is in seconds, between two of them.
"""

import json
import sys
import threading
from pathlib import Path

from backup_core import BackupEngine
from backup_core.gentle import keep_small
from backup_core.jobs import JobRunner
from backup_core.runs import Trigger


def main() -> None:
    """Make backups as the command line asks for."""
    engine, trigger, pause = BackupEngine(Path(sys.argv[1])), Trigger(sys.argv[2]), float(sys.argv[3])
    keep_small()
    ended = threading.Event()
    threading.Thread(target=_wait_for_the_end, args=[ended], daemon=True).start()
    jobs, seconds, failed = JobRunner(), [], []
    while not ended.is_set():
        begun = jobs.start("create", lambda progress: engine.back_up(trigger, progress), trigger=trigger.value)
        job = jobs.wait(begun.id)
        if job.error is not None or job.finished_at is None:
            failed.append(str(job.error))
        else:
            seconds.append((job.finished_at - job.started_at).total_seconds())
        ended.wait(pause)
    sys.stdout.write(json.dumps({"seconds": seconds, "failed": failed}))


def _wait_for_the_end(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


if __name__ == "__main__":
    main()
