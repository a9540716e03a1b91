"""What the icon shows, as plain data that crosses the pipe between the launcher and the icon's own process.

Neither pystray nor Pillow is needed to import it, so the launcher stays small.
"""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class IconState(StrEnum):
    """What the icon says at a glance; `art` draws one shape for each."""

    PROTECTED = "protected"
    BACKING_UP = "backing-up"
    ATTENTION = "attention"
    FAILED = "failed"
    PAUSED = "paused"
    NOT_RUNNING = "not-running"


class Choice(StrEnum):
    """What a click asks for: the ids of the menu's items."""

    OPEN_PAGE = "open-page"
    BACK_UP = "back-up"
    RESTORE = "restore"
    UNDO = "undo"
    COPY = "copy"
    START_EMR = "start-emr"
    CLOSE_EMR = "close-emr"
    PAUSE_HOUR = "pause-hour"
    PAUSE_DAY = "pause-day"
    RESUME = "resume"
    OPEN_FOLDER = "open-folder"
    AT_LOGIN = "at-login"
    QUIT = "quit"


@dataclass(frozen=True)
class Item:
    """One line of the menu; `id` is what a click on it sends, and `checked` is None where it has no tick."""

    id: str = ""
    text: str = ""
    enabled: bool = True
    default: bool = False
    checked: bool | None = None


#: A line between two groups of items.
SEPARATOR = Item()


@dataclass(frozen=True)
class Notice:
    """A notification: shown once by the desktop, if it can."""

    title: str
    message: str


@dataclass(frozen=True)
class Look:
    """All that the icon shows; `progress` is 0 to 1, or None where it is not known."""

    state: IconState
    title: str
    menu: tuple[Item, ...] = ()
    progress: float | None = None


def to_line(look: Look, notice: Notice | None = None) -> bytes:
    """Return the line, with its end, that asks the icon to show `look` and, once, `notice`."""
    message: dict[str, Any] = {
        "state": look.state,
        "title": look.title,
        "menu": [{"separator": True} if item == SEPARATOR else asdict(item) for item in look.menu],
        "progress": look.progress,
    }
    if notice is not None:
        message["notify"] = asdict(notice)
    # A file name may hold what is no text; GTK would refuse to show it.
    return json.dumps(message, ensure_ascii=False).encode(errors="replace") + b"\n"


def from_message(message: dict[str, Any]) -> tuple[Look, Notice | None]:
    """Return what `to_line` was given; raise KeyError, TypeError or ValueError for what it cannot have written."""
    menu = tuple(SEPARATOR if "separator" in item else Item(**item) for item in message["menu"])
    notice = Notice(**message["notify"]) if "notify" in message else None
    return Look(IconState(message["state"]), message["title"], menu, message["progress"]), notice
