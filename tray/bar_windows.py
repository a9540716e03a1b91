"""The notification area of Windows. It reaches into pystray 0.19.5, the version that the project pins."""

import threading
from collections.abc import Callable
from typing import Any

from .look import Notice

#: The question whether the session may end, which the launcher's own window answers in earnest.
WM_QUERYENDSESSION = 0x11


class WindowsBar:
    """Shows the icon by the shell; pystray's own window procedure lacks what is added here."""

    backend = "win32"

    def __init__(self) -> None:
        self._menu_closed = threading.RLock()

    def attach(self, icon: Any, pystray: Any) -> None:
        """Let the session end, and keep the menu as it is while it is open."""
        handlers = icon._message_handlers
        mouse = pystray._util.win32.WM_NOTIFY
        on_mouse = handlers[mouse]

        def while_open(wparam: int, lparam: int) -> Any:
            # Opening the menu blocks until it is closed, and a change would destroy it under the user's hand.
            with self._menu_closed:
                return on_mouse(wparam, lparam)

        handlers[mouse] = while_open
        # What is not handled is answered with 0, which here means "do not shut down".
        handlers[WM_QUERYENDSESSION] = lambda wparam, lparam: 1

    def soon(self, work: Callable[[], None]) -> None:
        """Do `work` in this thread, once the menu is closed."""
        with self._menu_closed:
            work()

    def notify(self, icon: Any, notice: Notice) -> None:
        """Show a balloon."""
        icon.notify(notice.message, notice.title)

    def hidden(self) -> str:
        """Return nothing: Windows does not say whether it hides the icon behind its arrow."""
        return ""
