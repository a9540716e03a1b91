"""The panel of a Linux desktop: which of pystray's backends works here, and whether anybody can see the icon.

pystray would choose by itself, but its last choice (xorg) shows an icon that does nothing when it is clicked, and any
of them can hang without a session bus.
"""

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

from backup_core.text import N_, _

from .bar import NoBar
from .distribution import icon_packages
from .gifinder import find_gi
from .look import Notice

_NO_HOST = N_(
    "This desktop has no place for tray icons. On GNOME, install gnome-shell-extension-appindicator and log in again."
)
_INDICATORS = ("AppIndicator3", "AyatanaAppIndicator3")
_WATCHER = "org.kde.StatusNotifierWatcher"
#: Pixels of the drawing where nobody says how many: panels of today make it 16, 22 or 24 wide, or twice that, and it
#: looks then as if drawn for that size.
_USUAL_SIZE = 48
#: Milliseconds that the session bus may take for an answer of its own.
_BUS_TIMEOUT = 2000


class LinuxBar:
    """Shows the icon by `appindicator` where that and a session bus are there, else by `gtk`; never by `xorg`."""

    def __init__(self) -> None:
        _require_display()
        if not find_gi():
            raise NoBar(_("The tray icon needs more packages: please install %(packages)s.", packages=icon_packages()))
        self._glib, self._gio = _load("GLib", "2.0"), _load("Gio", "2.0")
        self._glib.set_prgname("docassist-backup")
        gtk, gdk = _load("Gtk", "3.0"), _load("Gdk", "3.0")
        if not gtk.init_check()[0]:
            raise NoBar(_("The tray icon cannot be shown, because this session's display cannot be reached."))
        self._x11 = "X11" in type(gdk.Display.get_default()).__name__
        self._bus = self._session_bus()
        self.backend = self._choose()
        os.environ["PYSTRAY_BACKEND"] = self.backend
        self._status_icon: Any = None

    def attach(self, icon: Any, pystray: Any, on_size: Callable[[], None]) -> None:
        """Take pystray's notifier away: it fails without a session bus and blocks where a notification daemon hangs.

        In a panel of yesterday, have the title shown under the mouse, which pystray forgets.
        """
        pystray._util.notify_dbus.Notifier = _NoNotifier
        if self.backend != "gtk":
            return
        status_icon = self._status_icon = icon._status_icon

        def resized(_status_icon: Any, _size: int) -> bool:
            on_size()
            return True

        def set_title() -> None:
            status_icon.set_title(icon.title)
            status_icon.set_tooltip_text(icon.title)

        status_icon.connect("size-changed", resized)
        icon._update_title = set_title
        set_title()

    def size(self) -> int:
        """Return what a panel of yesterday (X11) asks for; a panel of today takes a file and does not say."""
        return (self._status_icon.get_size() if self._status_icon else 0) or _USUAL_SIZE

    def soon(self, work: Callable[[], None]) -> None:
        """Do `work` in GTK's loop."""
        self._glib.idle_add(work)

    def notify(self, icon: Any, notice: Notice) -> None:
        """Send a notification and wait for no answer."""
        if self._bus is None:
            return
        name, path = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"
        # To whom: program, id to replace, icon, title, text, buttons, hints, how long (the daemon's choice).
        values: tuple[object, ...] = ("DocAssist Backup", 0, "", notice.title, notice.message, [], {}, -1)
        arguments = self._glib.Variant("(susssasa{sv}i)", values)
        self._bus.call(name, path, name, "Notify", arguments, None, self._gio.DBusCallFlags.NONE, -1, None, None)

    def hidden(self) -> str:
        """Return a sentence where neither a panel of today (D-Bus) nor one of yesterday (X11) is there."""
        return "" if self._has_watcher() or (self._x11 and _has_x11_tray()) else _(_NO_HOST)

    def _session_bus(self) -> Any:
        try:
            return self._gio.bus_get_sync(self._gio.BusType.SESSION, None)
        except self._glib.Error:
            return None

    def _choose(self) -> str:
        if self._bus is not None and any(_is_there(name, "0.1") for name in _INDICATORS):
            return "appindicator"
        if self._x11:
            return "gtk"
        raise NoBar(_("The tray icon needs one more package: please install gir1.2-ayatanaappindicator3-0.1."))

    def _has_watcher(self) -> bool:
        if self._bus is None:
            return False
        name, path = "org.freedesktop.DBus", "/org/freedesktop/DBus"
        question = self._glib.Variant("(s)", (_WATCHER,))
        no_flags = self._gio.DBusCallFlags.NONE
        try:
            answer = self._bus.call_sync(name, path, name, "NameHasOwner", question, None, no_flags, _BUS_TIMEOUT, None)
        except self._glib.Error:
            return False
        return bool(answer.unpack()[0])


class _NoNotifier:
    """Stands where pystray wants its notifier; LinuxBar.notify does the work."""

    def hide(self) -> None:
        """Do nothing: a notification stays until it was read."""


def _require_display() -> None:
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise NoBar(
            _(
                "The tray icon cannot be shown, because this session has no desktop. On one with a desktop "
                "it needs %(packages)s.",
                packages=icon_packages(),
            )
        )


def _load(name: str, version: str) -> Any:
    """Return the library `name` through `gi`; raise NoBar where its description is not installed."""
    if not _is_there(name, version):
        raise NoBar(_("The tray icon needs more packages: please install %(packages)s.", packages=icon_packages()))
    return import_module(f"gi.repository.{name}")


def _is_there(name: str, version: str) -> bool:
    try:
        import_module("gi").require_version(name, version)
    except ValueError:
        return False
    return True


def _has_x11_tray() -> bool:
    from Xlib.display import Display

    display = Display()
    try:
        selection = display.get_atom(f"_NET_SYSTEM_TRAY_S{display.get_default_screen()}")
        return bool(display.get_selection_owner(selection))
    finally:
        display.close()
