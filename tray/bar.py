"""The place where icons are shown, taskbar, panel or menu bar: what differs between systems about it."""

from collections.abc import Callable
from typing import Any, Protocol

from .look import Notice


class NoBar(Exception):
    """This session cannot show an icon; `str(error)` is a sentence that says why, and what to install."""


class Bar(Protocol):
    """What `icon` needs of the system beside pystray. It is made before pystray is imported."""

    #: Which of pystray's backends shows the icon.
    backend: str

    def attach(self, icon: Any, pystray: Any, on_size: Callable[[], None]) -> None:
        """Get a pystray icon ready to run; `on_size` is called when the system asks for another size."""

    def size(self) -> int:
        """Return how many pixels wide the system shows the attached icon, as far as it tells."""

    def soon(self, work: Callable[[], None]) -> None:
        """Do `work` where and when the icon may be changed."""

    def notify(self, icon: Any, notice: Notice) -> None:
        """Ask the desktop to show a notification; nothing happens where it cannot."""

    def hidden(self) -> str:
        """Return why nobody can see the icon, as a sentence; empty where it can be seen or where that is unknown."""
