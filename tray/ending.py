"""The last backup of a launcher: one, whatever else is still running, and bounded in time."""

import logging
import time

from backup_core.errors import Busy
from backup_core.history import Trigger
from backup_core.jobs import JobRunner
from webadmin.desk import Desk

logger = logging.getLogger(__name__)


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
