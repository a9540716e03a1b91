"""The menu bar of macOS. It reaches into pystray 0.19.5, the version that the project pins."""

import io
from collections.abc import Callable
from importlib import import_module
from typing import Any

from .look import Notice

#: Pixels of a point on the finest screens: macOS makes fewer of them where the screen is coarser.
_FINEST = 2


class MacBar:
    """Shows the icon by AppKit, which may be used by the main thread only."""

    backend = "darwin"

    def __init__(self) -> None:
        self._call_after: Callable[..., None] = import_module("PyObjCTools.AppHelper").callAfter
        self._appkit = import_module("AppKit")
        self._thickness = int(self._appkit.NSStatusBar.systemStatusBar().thickness())

    def attach(self, icon: Any, pystray: Any, on_size: Callable[[], None]) -> None:
        """Keep the icon's process out of the Dock, and the pixels of the drawing: pystray's own way leaves half."""
        appkit = self._appkit
        appkit.NSApplication.sharedApplication().setActivationPolicy_(appkit.NSApplicationActivationPolicyAccessory)
        icon._assert_image = lambda: self._set_image(icon)

    def size(self) -> int:
        """Return the pixels that the bar is thick on the finest screen."""
        return self._thickness * _FINEST

    def soon(self, work: Callable[[], None]) -> None:
        """Do `work` in the main thread."""
        self._call_after(work)

    def notify(self, icon: Any, notice: Notice) -> None:
        """Show a notification; pystray fails here without a title."""
        icon.notify(notice.message, notice.title)

    def hidden(self) -> str:
        """Return nothing: a full menu bar does not say what it leaves out."""
        return ""

    def _set_image(self, icon: Any) -> None:
        if icon._icon_image is None:
            png = io.BytesIO()
            icon.icon.save(png, "PNG")
            icon._icon_image = self._appkit.NSImage.alloc().initWithData_(png.getvalue())
            icon._icon_image.setSize_((self._thickness, self._thickness))
            icon._status_item.button().setImage_(icon._icon_image)
