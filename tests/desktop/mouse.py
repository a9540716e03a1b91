"""A real mouse on a virtual screen, and the windows of the icon under it: by xdotool."""

import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tray.look import SEPARATOR, Item

from .desk import program

Point = tuple[int, int]

#: What the theme Adwaita leaves above the first row of a menu, and the height of its separators.
_PADDING, _LINE = 4, 1
#: Seconds in which a window that was just opened may still move, and a program sees that the mouse has come.
_REST = "0.2"


@dataclass(frozen=True)
class Window:
    """A window's place on the screen, in pixels."""

    x: int
    y: int
    width: int
    height: int

    @property
    def centre(self) -> Point:
        """The middle of the window."""
        return self.x + self.width // 2, self.y + self.height // 2

    def row(self, index: int, menu: Sequence[Item]) -> Point:
        """Return the middle of a menu's item, where this is the menu's window."""
        lines = menu.count(SEPARATOR)
        height = (self.height - 2 * _PADDING - lines * _LINE) / (len(menu) - lines)
        lines_above = menu[:index].count(SEPARATOR)
        y = _PADDING + (index - lines_above + 0.5) * height + lines_above * _LINE
        return self.centre[0], self.y + round(y)


class Mouse:
    """Moves and clicks on the screen of this process."""

    def __init__(self) -> None:
        self._xdotool = program("xdotool")

    def windows(self) -> list[Window]:
        """Return the windows of the icon's process that can be seen."""
        found = self._run("search", "--onlyvisible", "--class", "docassist-backup")
        return [window for number in found.split() if (window := self._place(number))]

    def icon(self) -> Window | None:
        """Return the icon once it has its place in the panel: it is tiny first, then narrow, then square."""
        return self._at_rest(lambda window: 16 <= window.width <= 48 and window.height >= 16)

    def opened(self) -> Window | None:
        """Return what the icon has opened, if anything: its menu, or its title while the mouse rests on it."""
        return self._at_rest(lambda window: window.width > 60)

    def rest_on(self, place: Point) -> None:
        """Come from elsewhere, and stay."""
        self._run("mousemove", "5", "5", "sleep", _REST, "mousemove", str(place[0]), str(place[1]))
        self._run("sleep", _REST, "mousemove_relative", "1", "1")

    def click(self, place: Point, *, button: int) -> None:
        """Click: 1 is the left button, 3 the right one."""
        self._run("mousemove", str(place[0]), str(place[1]), "sleep", _REST, "click", str(button))

    def _at_rest(self, wanted: Callable[[Window], bool]) -> Window | None:
        """Return the first window of a kind that is where it was a moment ago."""
        before = self.windows()
        self._run("sleep", _REST)
        return next((window for window in self.windows() if window in before and wanted(window)), None)

    def _place(self, number: str) -> Window | None:
        facts = dict(re.findall(r"^(\w+)=(-?\d+)$", self._run("getwindowgeometry", "--shell", number), re.MULTILINE))
        names = ("X", "Y", "WIDTH", "HEIGHT")
        return Window(*(int(facts[name]) for name in names)) if facts.keys() >= set(names) else None

    def _run(self, *arguments: str) -> str:
        # xdotool's status says only whether it has found a window.
        return subprocess.run([self._xdotool, *arguments], capture_output=True, check=False).stdout.decode()
