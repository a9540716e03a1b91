"""The notification area of Windows. It reaches into pystray 0.19.5, the version that the project pins."""

import ctypes
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .look import Notice

#: The question whether the session may end, which the launcher's own window answers in earnest.
WM_QUERYENDSESSION = 0x11
#: The question how many pixels wide a small icon is.
SM_CXSMICON = 49


def system_calls() -> Any:
    """Return user32."""
    return ctypes.WinDLL("user32")  # type: ignore[attr-defined,unused-ignore]


class WindowsBar:
    """Shows the icon by the shell; pystray's own window procedure lacks what is added here."""

    backend = "win32"

    def __init__(self, user32: Any) -> None:
        self._menu_closed = threading.RLock()
        # A program that does not say this is told 16 on every screen, and its icon is blown up on a fine one.
        user32.SetProcessDPIAware()
        self._size = int(user32.GetSystemMetrics(SM_CXSMICON))

    def attach(self, icon: Any, pystray: Any, on_size: Callable[[], None]) -> None:
        """Let the session end, keep the menu as it is while it is open, and the pixels of the drawing as they are."""
        win32 = pystray._util.win32
        icon._assert_icon_handle = lambda: _load_image(icon, win32)
        handlers = icon._message_handlers
        mouse = win32.WM_NOTIFY
        on_mouse = handlers[mouse]

        def while_open(wparam: int, lparam: int) -> Any:
            # Opening the menu blocks until it is closed, and a change would destroy it under the user's hand.
            with self._menu_closed:
                return on_mouse(wparam, lparam)

        handlers[mouse] = while_open
        # What is not handled is answered with 0, which here means "do not shut down".
        handlers[WM_QUERYENDSESSION] = lambda wparam, lparam: 1

    def size(self) -> int:
        """Return the pixels of a small icon: 16 on a coarse screen, more on finer ones."""
        return self._size

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


def _load_image(icon: Any, win32: Any) -> None:
    """Give the icon its handle; pystray's own way loads 32 pixels, which the taskbar then makes smaller."""
    if icon._icon_handle is None:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            path = str(Path(folder) / "icon.ico")
            icon.icon.save(path, "ICO", sizes=[icon.icon.size])
            size = icon.icon.size
            icon._icon_handle = win32.LoadImage(None, path, win32.IMAGE_ICON, *size, win32.LR_LOADFROMFILE)
