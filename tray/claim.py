"""The launcher's hold on its data folder: taken at its start, or as soon as a folder that was away is there."""

import logging

from backup_core.errors import BackupError

from .instance import Instance, LauncherRunning, Life
from .notices import Notices, Topic
from .plan import Plan

logger = logging.getLogger(__name__)


class Claim:
    """Takes the data folder for one launcher. For one thread."""

    def __init__(self, instance: Instance, plan: Plan, notices: Notices) -> None:
        self._instance = instance
        self._plan = plan
        self._notices = notices

    def take(self) -> Life | None:
        """Become the launcher of the folder and return the life before this one; raise what Instance.claim raises."""
        before = self._instance.claim()
        self._plan.clean_ending = before is not None and before.ended_cleanly
        return before

    def is_held(self) -> bool:
        """Return whether the folder is ours, taking it if it can be; what forbids that is told until it is over.

        Raise LauncherRunning if another launcher was faster.
        """
        if self._instance.is_claimed:
            return True
        try:
            self.take()
        except LauncherRunning:
            raise
        except BackupError as error:
            if self._notices.put(Topic.CLAIM, f"{error} {error.hint}"):
                logger.warning("the data folder cannot be taken yet", exc_info=True)
            return False
        self._notices.put(Topic.CLAIM, "")
        return True
