"""Which notifications are news: one for each cause, until what it tells changes or a day has passed."""

import threading
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum

from backup_core.clock import Clock, Moment, moment
from backup_core.due import elapsed

#: What still holds after this time is worth saying again.
_AGAIN = timedelta(hours=24)


class Cause(StrEnum):
    """What needs a person, and lasts until it is seen to."""

    FAILED = "failed"
    OLD = "old"
    ALARM = "alarm"
    DAMAGED = "damaged"
    DATA_FOLDER = "data-folder"
    DRIVES = "drives"
    CLICK = "click"
    CLOSING = "closing"


class News:
    """Passes on what is news to `show`; from any thread."""

    def __init__(self, clock: Clock, show: Callable[[str], None]) -> None:
        self._clock = clock
        self._show = show
        self._guard = threading.Lock()
        self._told: dict[Cause, tuple[str, Moment]] = {}

    def tell(self, cause: Cause, sentence: str, *, kind: str = "") -> None:
        """Show `sentence` unless it was told within a day; "" says that the cause is no more.

        With `kind`, that decides whether it is another one: a sentence with a figure in it changes with the figure.
        """
        now = moment(self._clock)
        with self._guard:
            if not sentence:
                self._told.pop(cause, None)
                return
            before, told = self._told.get(cause, ("", now))
            is_news = before != (kind or sentence) or elapsed(told, now) >= _AGAIN
            if is_news:
                self._told[cause] = (kind or sentence, now)
        if is_news:
            self._show(sentence)

    def announce(self, sentence: str) -> None:
        """Show what has just happened, each time that it does."""
        self._show(sentence)
