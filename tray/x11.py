"""The windows of a program on an X11 screen: found by their process, and asked to close as by their own cross."""

import os
from collections.abc import Set
from typing import Any


def close_windows(pids: Set[int], asked: set[int]) -> int:
    """Return how many windows these processes show, after asking those to close that are not in `asked` yet.

    `asked` gets their ids. A window that belongs to another one, as a question whether to save, is for its user.
    """
    if not os.environ.get("DISPLAY"):
        return 0
    from Xlib.display import Display
    from Xlib.error import ConnectionClosedError, DisplayError, XError

    try:
        display = Display()
    except (DisplayError, OSError):
        return 0
    try:
        windows = [window for window in _shown(display) if _pid(display, window) in pids]
        for window in windows:
            if window.id not in asked and not window.get_wm_transient_for():
                asked.add(window.id)
                _ask(display, window)
        display.sync()
        return len(windows)
    except (ConnectionClosedError, XError, OSError):
        return 0
    finally:
        display.close()


def _shown(display: Any) -> list[Any]:
    """Return the windows of all programs: as the window manager lists them, else as the screen holds them."""
    from Xlib import X

    root = display.screen().root
    listed = root.get_full_property(display.get_atom("_NET_CLIENT_LIST"), X.AnyPropertyType)
    if listed is not None:
        return [display.create_resource_object("window", number) for number in listed.value]
    return [window for window in root.query_tree().children if window.get_attributes().map_state == X.IsViewable]


def _pid(display: Any, window: Any) -> int | None:
    from Xlib import X
    from Xlib.error import BadWindow

    try:
        found = window.get_full_property(display.get_atom("_NET_WM_PID"), X.AnyPropertyType)
    except BadWindow:
        return None
    return int(found.value[0]) if found is not None and len(found.value) else None


def _ask(display: Any, window: Any) -> None:
    from Xlib import X
    from Xlib.protocol.event import ClientMessage

    delete, protocols = display.get_atom("WM_DELETE_WINDOW"), display.get_atom("WM_PROTOCOLS")
    if delete in (window.get_wm_protocols() or ()):
        event = ClientMessage(window=window, client_type=protocols, data=(32, [delete, X.CurrentTime, 0, 0, 0]))
        window.send_event(event)
