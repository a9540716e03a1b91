"""Whether this launcher starts at login, for the menu and for the page alike."""

import logging
from collections.abc import Callable, Sequence

from backup_core.errors import BackupError

from .autostart import Autostart, autostart_of_this_system
from .relaunch import launcher

logger = logging.getLogger(__name__)


class AtLogin:
    """The choice of this user for one launcher; `words` are its arguments at login, None where it is not offered."""

    def __init__(
        self, words: Sequence[str] | None, autostart: Callable[[], Autostart] = autostart_of_this_system
    ) -> None:
        self._words = words
        self._autostart = autostart

    def is_on(self) -> bool | None:
        """Return whether the launcher starts at login; None where that is not offered or cannot be told."""
        try:
            return None if self._words is None else self._autostart().is_on()
        except BackupError:
            logger.warning("could not look whether the launcher starts at login", exc_info=True)
            return None

    def turn(self, *, on: bool) -> None:
        """Start at login from now on, or no longer; raise BackupError where that is refused."""
        if self._words is None:
            return
        if on:
            self._autostart().turn_on(launcher(*self._words))
        else:
            self._autostart().turn_off()
