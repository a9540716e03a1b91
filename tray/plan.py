"""The plan of backups: what history, preferences, user and battery say now, and what `due` makes of it."""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from backup_core import due
from backup_core.clock import Clock, Moment, moment
from backup_core.due import Hold, Outlook, Pause
from backup_core.history import Run, Trigger
from backup_core.listing import Archive

from .power import battery_is_low


class Plan:
    """Says when the launcher backs up. `look` is called by its loop, the rest from any thread."""

    def __init__(self, clock: Clock, is_low: Callable[[], bool] = battery_is_low) -> None:
        self.clock = clock
        self._is_low = is_low
        self._guard = threading.Lock()
        self._watch = due.Watch()
        self._past = due.Past()
        self._interval = timedelta(hours=4)
        self._always = False
        self._last_start: Moment | None = None
        self._pause: Pause | None = None
        #: Since when a run that is due has waited for the charger.
        self._low_since: Moment | None = None
        #: A run at a start that was put off, and the last attempt before that.
        self._owed: tuple[Trigger, Moment | None] | None = None
        #: Whether the launcher before this one ended in order; set once, before the first `start_wanted`.
        self.clean_ending = True

    def look(self, runs: Sequence[Run], hours: float, *, always: bool = False) -> None:
        """Take up the history (newest first), the frequency in hours and the wish for a run at each start."""
        now = moment(self.clock)
        with self._guard:
            self._past = self._watch.look(runs, now)
            self._interval = timedelta(hours=hours)
            self._always = always
            if self._owed and self._owed[1] != self._past.attempted:
                self._owed = None
            self._mind_the_battery(now)

    @property
    def past(self) -> due.Past:
        """What the history told at the last look."""
        with self._guard:
            return self._past

    def outlook(self) -> Outlook:
        """Return when the next automatic run will begin, and what puts it off."""
        with self._guard:
            return self._outlook(moment(self.clock))

    def is_due(self) -> bool:
        """Return whether an automatic run should begin now."""
        with self._guard:
            now = moment(self.clock)
            outlook = self._outlook(now)
            return outlook.hold is None and outlook.at <= now.utc

    def held(self) -> tuple[Hold, Moment] | None:
        """Return what puts off a run that is due now, and since when it does; None where nothing is put off."""
        with self._guard:
            now = moment(self.clock)
            hold = self._outlook(now).hold
            if hold is None or self._left(now):
                return None
            since = self._pause.begun if hold is Hold.PAUSED and self._pause else self._low_since
            return hold, since or now

    def pause(self, pause: Pause | None) -> None:
        """Put off automatic runs for a while; None for no longer."""
        with self._guard:
            self._pause = pause

    def paused_until(self) -> datetime | None:
        """Return when the pause ends that is in force (aware UTC), or None."""
        with self._guard:
            return due.pause_end(self._pause, moment(self.clock))

    def puts_off(self, trigger: Trigger) -> bool:
        """Return whether a run at a start has to wait; if so, it is due from now on, until one was attempted."""
        with self._guard:
            before, now = self._owed, moment(self.clock)
            self._owed = (trigger, self._past.attempted)
            self._mind_the_battery(now)
            is_held = self._outlook(now).hold is not None
            if not is_held:
                self._owed = before
            return is_held

    def trigger(self) -> Trigger:
        """Return why the run is made that is due now."""
        with self._guard:
            return self._owed[0] if self._owed else Trigger.INTERVAL

    def start_wanted(self, newest_good: Archive | None, confirmations: Mapping[str, datetime]) -> bool:
        """Return whether this start of the launcher or of the EMR calls for a backup; if so, it counts as begun.

        `confirmations` tells when archives, by name, were last found to be still current (aware UTC).
        """
        now = moment(self.clock)
        good = good_at(newest_good, confirmations)
        with self._guard:
            last, self._last_start = self._last_start, now
            wanted = due.startup_wanted(
                now,
                good=Moment(good, now.running) if good else None,
                last_start=last,
                clean_ending=self.clean_ending,
                always=self._always,
            )
            if not wanted:
                self._last_start = last
            self.clean_ending = True
        return wanted

    def _left(self, now: Moment) -> timedelta:
        return timedelta() if self._owed else due.time_left(self._past, now, self._interval)

    def _outlook(self, now: Moment) -> Outlook:
        paused_until = due.pause_end(self._pause, now)
        return due.outlook(self._left(now), now, paused_until=paused_until, low_since=self._low_since)

    def _mind_the_battery(self, now: Moment) -> None:
        """Ask for the battery only when a run waits for the answer."""
        waits = not self._left(now) and due.pause_end(self._pause, now) is None
        self._low_since = (self._low_since or now) if waits and self._is_low() else None


def good_at(archive: Archive | None, confirmations: Mapping[str, datetime]) -> datetime | None:
    """Return when this very archive was made or last confirmed (aware UTC), or None if there is none in its place."""
    if archive is None or archive.manifest is None:
        return None
    return confirmations.get(archive.name, archive.manifest.created_at_utc)
