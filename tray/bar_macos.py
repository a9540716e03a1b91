"""The menu bar of macOS."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from .look import Notice


class MacBar:
    """Shows the icon by AppKit, which may be used by the main thread only."""

    backend = "darwin"

    def __init__(self) -> None:
        self._call_after: Callable[..., None] = import_module("PyObjCTools.AppHelper").callAfter

    def attach(self, icon: Any, pystray: Any) -> None:
        """Keep the icon's process out of the Dock."""
        appkit = import_module("AppKit")
        appkit.NSApplication.sharedApplication().setActivationPolicy_(appkit.NSApplicationActivationPolicyAccessory)

    def soon(self, work: Callable[[], None]) -> None:
        """Do `work` in the main thread."""
        self._call_after(work)

    def notify(self, icon: Any, notice: Notice) -> None:
        """Show a notification; pystray fails here without a title."""
        icon.notify(notice.message, notice.title)

    def hidden(self) -> str:
        """Return nothing: a full menu bar does not say what it leaves out."""
        return ""
