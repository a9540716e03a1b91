"""The plan of backups: what the history and the preferences say now, and what `due` makes of it."""

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from backup_core import due
from backup_core.clock import Clock, Moment, moment
from backup_core.history import Run
from backup_core.listing import Archive


class Plan:
    """Says when the launcher backs up. `look` is called by its loop, the rest from any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._watch = due.Watch()
        self._past = due.Past()
        self._interval = timedelta(hours=4)
        self._last_start: Moment | None = None
        #: Whether the launcher before this one ended in order; set once, before the first `start_wanted`.
        self.clean_ending = True

    def look(self, runs: Sequence[Run], hours: float) -> None:
        """Take up the history (newest first) and the frequency in hours, as they are now."""
        with self._guard:
            self._past = self._watch.look(runs, moment(self._clock))
            self._interval = timedelta(hours=hours)

    @property
    def past(self) -> due.Past:
        """What the history told at the last look."""
        with self._guard:
            return self._past

    def is_due(self) -> bool:
        """Return whether an automatic run should begin now."""
        with self._guard:
            return due.is_due(self._past, moment(self._clock), self._interval)

    def next_due(self) -> datetime:
        """Return when the next automatic run will begin (aware UTC)."""
        with self._guard:
            return due.next_due(self._past, moment(self._clock), self._interval)

    def start_wanted(self, newest_good: Archive | None, confirmations: Mapping[str, datetime]) -> bool:
        """Return whether this start of the launcher or of the EMR calls for a backup; if so, it counts as begun.

        `confirmations` tells when archives, by name, were last found to be still current (aware UTC).
        """
        now = moment(self._clock)
        good = _good_at(newest_good, confirmations)
        with self._guard:
            last, self._last_start = self._last_start, now
            wanted = due.startup_wanted(
                now,
                good=Moment(good, now.running) if good else None,
                last_start=last,
                clean_ending=self.clean_ending,
            )
            if not wanted:
                self._last_start = last
            self.clean_ending = True
        return wanted


def _good_at(archive: Archive | None, confirmations: Mapping[str, datetime]) -> datetime | None:
    """Return when this very archive was made or last confirmed (aware UTC), or None if there is none in its place."""
    if archive is None or archive.manifest is None:
        return None
    return confirmations.get(archive.name, archive.manifest.created_at_utc)
