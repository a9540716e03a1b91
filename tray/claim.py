"""The launcher's hold on its data folder: taken at its start, or as soon as it can be had.

It cannot while the folder is away or forbidden, nor while another user's or another PC's launcher has it: then this
one looks on, changes nothing, and takes over when the other has ended.
"""

import logging

from backup_core.errors import BackupError

from .instance import Instance, LauncherRunning, Life
from .notices import Notices, Topic
from .plan import Plan

logger = logging.getLogger(__name__)


class Claim:
    """Takes the data folder for one launcher. For one thread; `caretaker` may be read by any."""

    def __init__(self, instance: Instance, plan: Plan, notices: Notices) -> None:
        self._instance = instance
        self._plan = plan
        self._notices = notices
        #: Who else looks after the data, as a sentence; "" where nobody else does.
        self.caretaker = ""

    def take(self) -> Life | None:
        """Become the launcher of the folder and return the life before this one, None while another one has it.

        Raise LauncherRunning if that other one is this user's on this PC, and what else Instance.claim raises.
        """
        try:
            before = self._instance.claim()
        except LauncherRunning as error:
            if error.is_ours:
                raise
            self._look_on(error)
            return None
        self._plan.clean_ending = before is not None and before.ended_cleanly
        self.caretaker = ""
        return before

    def is_held(self) -> bool:
        """Return whether the folder is ours, taking it if it can be; what forbids that is told until it is over.

        Raise LauncherRunning if another launcher of this user on this PC was faster.
        """
        if self._instance.is_claimed and self._instance.beat():
            return True
        try:
            self.take()
        except LauncherRunning:
            raise
        except BackupError as error:
            if self._notices.put(Topic.CLAIM, f"{error} {error.hint}"):
                logger.warning("the data folder cannot be taken yet", exc_info=True)
            return False
        if self._instance.is_claimed:
            self._notices.put(Topic.CLAIM, "")
        return self._instance.is_claimed

    def _look_on(self, error: LauncherRunning) -> None:
        self.caretaker = str(error)
        if self._notices.put(Topic.CLAIM, f"{error} {error.hint}"):
            logger.warning("%s", error)
