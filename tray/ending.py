"""The last backup of a launcher: one, whatever else is still running, and bounded in time."""

import logging
import threading
import time
from collections.abc import Callable

from backup_core.due import Past
from backup_core.engine import BackupEngine
from backup_core.errors import Busy
from backup_core.history import Trigger
from backup_core.jobs import JobRunner
from webadmin.desk import Desk

logger = logging.getLogger(__name__)

#: Seconds for the last backup: longer, and a logout would end us anyway.
EXIT_PATIENCE = 60.0


class Ending:
    """The end of one launcher as the system's own end knows it: begun, in a hurry, waited for."""

    def __init__(self, begin: Callable[[], None]) -> None:
        #: Seconds for the last backup.
        self.patience = EXIT_PATIENCE
        self._begin = begin
        self._is_over = threading.Event()

    def hurry(self, patience: float) -> None:
        """Begin the end, and return when it is over or after `patience` seconds; from any thread."""
        self.patience = min(self.patience, patience)
        self._begin()
        self._is_over.wait(patience)

    def over(self) -> None:
        """Say that the end is over."""
        self._is_over.set()


def has_changed(engine: BackupEngine, past: Past) -> bool:
    """Return whether the data was written to since the last good backup, as far as the times of its files tell."""
    changed = engine.last_change()
    return changed is not None and (past.confirmed is None or changed > past.confirmed.utc.timestamp())


def last_backup(jobs: JobRunner, desk: Desk, patience: float) -> bool:
    """Make the one backup with the trigger "exit", after what may be running; return whether it is good.

    It is given up after `patience` seconds: a logout waits no longer, and the next start makes up for it.
    """
    deadline = time.monotonic() + patience
    while (left := deadline - time.monotonic()) > 0:
        try:
            job = desk.back_up_now(Trigger.EXIT)
        except Busy:
            running = jobs.current()
            if running:
                jobs.wait(running.id, left)
        else:
            return jobs.wait(job.id, left).state == "done"
    logger.warning("there was no time for the last backup")
    return False
