"""The end of the user's session, where the system does not tell it by a signal.

Linux and macOS send SIGTERM or SIGHUP at logout (launchd waits for `ExitTimeOut`, see autostart). Windows sends
messages to windows, and this process has none but the hidden one that `window_of_this_system` makes.
"""

import sys
from collections.abc import Callable
from typing import Protocol

from backup_core.text import N_, _

#: Seconds for which a logout may be held up by the last backup; longer, and Windows would end us anyway.
PATIENCE = 20.0
#: Seconds that every program has to leave in, without asking for more.
QUICK = 4.0

_REASON = N_("Saving a backup of today's records. This takes some seconds.")


class Window(Protocol):
    """A hidden window, told of the end of the session."""

    def open(self) -> None:
        """Begin to listen."""

    def close(self) -> None:
        """Listen no more."""

    def block(self, reason: str) -> None:
        """Have the system wait, and show why."""

    def release(self) -> None:
        """Have the system wait no longer; nothing happens where it did not."""


class SessionEnd:
    """What the launcher answers when the session is to end; told by a window, on its thread."""

    def __init__(self, has_changed: Callable[[], bool], leave: Callable[[float], None]) -> None:
        """Take whether a backup would hold anything new, and how to end the launcher within so many seconds."""
        self._has_changed = has_changed
        self._leave = leave
        self._blocks = False

    def asked(self, window: Window) -> None:
        """Prepare for the end, which any other program may still call off: it never does any harm to agree."""
        self._blocks = self._has_changed()
        if self._blocks:
            window.block(_(_REASON))

    def decided(self, window: Window, *, ends: bool) -> None:
        """Make the last backup and leave, or go on as before where the end was called off."""
        try:
            if ends:
                self._leave(PATIENCE if self._blocks else QUICK)
        finally:
            if self._blocks:
                window.release()
            self._blocks = False


def window_of_this_system(session_end: SessionEnd) -> Window | None:
    """Return the window that tells `session_end`; None where a signal does it."""
    if sys.platform == "win32":
        from .sessionend_windows import HiddenWindow, system_calls

        return HiddenWindow(session_end, *system_calls())
    return None
