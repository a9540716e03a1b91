"""The icon's own process, `python -m tray.icon`: looks in on stdin, clicks out on stdout, one JSON object a line.

Only this module imports pystray, which opens the display on import, takes over Ctrl-C, and can hang or end its process.
Beside {"click": id} it says {"ready": true, "backend": ...} once, {"shown": true} for each look, {"hidden": sentence}
when it learns whether anybody can see the icon, or {"unavailable": sentence}, and ends. It ends when stdin is closed.
"""

import json
import logging
import os
import sys
import time
from typing import Any

from .art import draw
from .bar import Bar, NoBar
from .bars import bar_of_this_system
from .look import SEPARATOR, Item, Look, Notice, from_message

logger = logging.getLogger(__name__)

#: Seconds after its start in which the icon says nothing of a missing panel: at login it may come first.
_GRACE = 5.0


class TrayIcon:
    """Shows one look after another by pystray."""

    def __init__(self, bar: Bar, first: Look, notice: Notice | None) -> None:
        import pystray

        self._pystray: Any = pystray
        self._bar = bar
        self._look = first
        self._first_notice = notice
        self._started = time.monotonic()
        self._hidden = ""
        menu = pystray.Menu(self._items)
        self._icon = pystray.Icon("docassist-backup", None, cut(first.title, 127), menu)
        bar.attach(self._icon, pystray, self._draw)
        self._draw()

    def run(self) -> None:
        """Show looks until stdin ends; to be called by the main thread."""
        self._icon.run(setup=self._follow)

    def _follow(self, icon: Any) -> None:
        """Do what the launcher says: pystray calls this in a thread of its own once its loop runs."""
        try:
            icon.visible = True
            say(ready=True, backend=self._bar.backend)
            self._take(self._look, self._first_notice)
            for line in sys.stdin.buffer:
                message = json.loads(line)
                if "quit" in message:
                    break
                self._take(*from_message(message))
        finally:
            icon.stop()

    def _take(self, look: Look, notice: Notice | None) -> None:
        self._bar.soon(lambda: self._show(look))
        if notice:
            self._bar.notify(self._icon, Notice(cut(notice.title, 63), cut(notice.message, 255)))
        if time.monotonic() - self._started > _GRACE and self._hidden != (hidden := self._bar.hidden()):
            self._hidden = hidden
            say(hidden=hidden)

    def _show(self, look: Look) -> None:
        """Change what differs, and no more: a menu that is open may be closed by a change."""
        old, self._look = self._look, look
        if (old.state, old.progress) != (look.state, look.progress):
            self._draw()
        if old.title != look.title:
            self._icon.title = cut(look.title, 127)
        if old.menu != look.menu:
            self._icon.update_menu()
        say(shown=True)

    def _draw(self) -> None:
        self._icon.icon = draw(self._look.state, self._bar.size(), self._look.progress)

    def _items(self) -> list[Any]:
        return [self._pystray.Menu.SEPARATOR if item == SEPARATOR else self._item(item) for item in self._look.menu]

    def _item(self, item: Item) -> Any:
        # Windows takes a single "&" for the mark of a shortcut.
        text = item.text.replace("&", "&&") if sys.platform == "win32" else item.text
        checked = None if item.checked is None else lambda _: bool(item.checked)
        return self._pystray.MenuItem(
            text, lambda: self._click(item.id), checked=checked, default=item.default, enabled=item.enabled
        )

    def _click(self, wanted: str) -> None:
        # Some desktops send the click on an item that has been greyed in the meantime.
        if any(item.id == wanted and item.enabled for item in self._look.menu):
            say(click=wanted)


def cut(text: str, units: int) -> str:
    """Return `text`, ended by "…" where it has more than `units` UTF-16 units: Windows refuses longer ones."""
    encoded = text.encode("utf-16-le")
    if len(encoded) <= units * 2:
        return text
    return encoded[: (units - 1) * 2].decode("utf-16-le", "ignore") + "…"


def say(**message: object) -> None:
    """Tell the launcher: one write, on a line of its own even where a library has left one unfinished."""
    sys.stdout.write(f"\n{json.dumps(message)}\n")
    sys.stdout.flush()


def main() -> int:
    """Be the icon, and end this process whatever it leaves: a thread of pystray's waits for ever if its loop fails."""
    status = 1
    try:
        _serve()
        status = 0
    except Exception:  # noqa: BLE001 (nothing else would write it down)
        logger.exception("the icon failed")
    finally:
        os._exit(status)


def _serve() -> None:
    try:
        bar = bar_of_this_system()
    except NoBar as reason:
        say(unavailable=str(reason))
        return
    first = sys.stdin.buffer.readline()
    if first:
        TrayIcon(bar, *from_message(json.loads(first))).run()


if __name__ == "__main__":
    main()
