"""When to back up: every rule of it, pure. The launcher's loop only asks, and the history says what has been.

Two clocks are looked at, and the one that says that more time has passed is believed: the wall clock counts sleep,
the running clock cannot be set back. So a lying clock may cost a backup too many, never one too few.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from .clock import Moment
from .runs import Action, Outcome, Run, Trigger

#: Younger than this, the last good backup is good enough for a start or an exit without changes.
FRESH = timedelta(hours=1)
#: A start of the launcher and one of the EMR within this time want one run between them.
ONE_START = timedelta(minutes=1)
FIRST_RETRY = timedelta(minutes=5)
LONGEST_RETRY = timedelta(hours=1)
#: There is a run on each day on which the launcher runs, however rarely the user wants one.
LONGEST_INTERVAL = timedelta(days=1)
#: A newest backup that is further ahead of the clock than this means that the clock is wrong.
CLOCK_TOLERANCE = timedelta(minutes=5)
#: No PC has run this program before; one that says so has lost its clock.
FIRST_DAY = datetime(2025, 1, 1, tzinfo=UTC)
#: Percent of its charge below which a battery is left for the doctor's own work.
LOW_CHARGE = 20
#: Waking time for which a low battery puts a run off at most: a battery may lie about its charge.
LONGEST_BATTERY_WAIT = timedelta(hours=2)
#: From one midnight to the next where the clocks go back in between: no pause is longer.
LONGEST_PAUSE = timedelta(hours=25)

_GOOD = (Outcome.MADE, Outcome.UNCHANGED)
_STARTS_AND_EXITS = (Trigger.STARTUP, Trigger.EMR_START, Trigger.EXIT, Trigger.EMR_EXIT)


@dataclass(frozen=True)
class Past:
    """What the history tells about backups."""

    #: The end of the last run that made a backup or found the newest one still current.
    confirmed: Moment | None = None
    #: The end of the last run that tried to, whatever came of it.
    attempted: Moment | None = None
    #: How many have failed since `confirmed`; one that the user cancelled is an attempt, and no failure.
    failures: int = 0


class Hold(StrEnum):
    """What puts an automatic run off that is due; the run at an exit is put off by nothing."""

    PAUSED = "paused"
    BATTERY = "battery"


@dataclass(frozen=True)
class Pause:
    """A pause that the user asked for, from its beginning to its end (aware UTC)."""

    begun: Moment
    until: datetime


@dataclass(frozen=True)
class Outlook:
    """When the next automatic run will be (aware UTC), and what puts it off, if it should have been before that.

    A run that waits for the charger comes as soon as that is in, and at `at` if it is not.
    """

    at: datetime
    hold: Hold | None = None


class Watch:
    """Tells at which reading of this process's running clock each run was first seen."""

    def __init__(self) -> None:
        self._seen: dict[str, float] = {}

    def look(self, runs: Sequence[Run], now: Moment) -> Past:
        """Return what `runs` (newest first) tell; call it when the launcher starts and at every tick.

        What is there at the first look belongs to an earlier life of the launcher, and took place before this one.
        """
        self._seen = {run.id: self._seen.get(run.id, now.running) for run in runs}
        return past_of(runs, self._seen)


def past_of(runs: Sequence[Run], seen: Mapping[str, float]) -> Past:
    """Return what `runs` (newest first) tell about backups; `seen` has the running clock's reading for each id.

    A safety backup belongs to its restore and does not count.
    """
    attempts = [run for run in runs if run.action == Action.BACKUP and run.trigger != Trigger.SAFETY]
    good = next((index for index, run in enumerate(attempts) if run.outcome in _GOOD), len(attempts))
    ends = [Moment(run.ended_at, seen[run.id]) for run in attempts[: good + 1]]
    return Past(
        confirmed=ends[good] if good < len(attempts) else None,
        attempted=ends[0] if ends else None,
        failures=sum(run.outcome is Outcome.FAILED for run in attempts[:good]),
    )


def elapsed(since: Moment, now: Moment) -> timedelta:
    """Return how much time has passed for certain; a wall clock that was set back does not make it less."""
    return max(now.utc - since.utc, timedelta(seconds=now.running - since.running), timedelta())


def time_left(past: Past, now: Moment, interval: timedelta) -> timedelta:
    """Return how long the next automatic run has to wait; zero means that it is due.

    What the user cancelled waits for the next regular time, but a failure before it is tried again all the same.
    """
    if past.attempted is None:
        return timedelta()
    pause = retry_after(past.failures, interval) if past.failures else min(interval, LONGEST_INTERVAL)
    return max(pause - elapsed(past.attempted, now), timedelta())


def pause_end(pause: Pause | None, now: Moment) -> datetime | None:
    """Return when a pause ends that is in force (aware UTC), else None; a clock set to before it ends it."""
    if pause is None or pause.begun.utc - now.utc > CLOCK_TOLERANCE:
        return None
    end = now.utc + min(pause.until - pause.begun.utc, LONGEST_PAUSE) - elapsed(pause.begun, now)
    # The two clocks differ by a little, and the user was told the minute.
    end = pause.until if abs(end - pause.until) < timedelta(seconds=30) else end
    return end if end > now.utc else None


def next_midnight(now: datetime, local: datetime) -> datetime:
    """Return when the user's day ends (aware UTC); `local` is what the wall clock tells at `now`."""
    end = now + (datetime.combine(local.date() + timedelta(days=1), datetime.min.time()) - local)
    # That day may have 23 hours, or 25.
    end -= _offset(end) - _offset(now)
    # The two were not read at the very same moment, and "until 11:59 pm" would puzzle the user.
    return (end + timedelta(seconds=30)).replace(second=0, microsecond=0)


def _offset(when: datetime) -> timedelta:
    """Return how far this PC's local time is ahead of UTC at a time."""
    return when.astimezone().utcoffset() or timedelta()


def outlook(left: timedelta, now: Moment, *, paused_until: datetime | None, low_since: Moment | None) -> Outlook:
    """Return what is to come where a run has to wait for `left` by the history and the interval alone.

    `low_since` is since when a run that is due has waited for the charger, None where the battery is not low.
    """
    at = now.utc + left
    if paused_until is not None and paused_until > at:
        return Outlook(paused_until, Hold.PAUSED)
    if low_since is not None and not left:
        wait = LONGEST_BATTERY_WAIT - timedelta(seconds=now.running - low_since.running)
        if wait > timedelta():
            return Outlook(now.utc + wait, Hold.BATTERY)
    return Outlook(at)


def retry_after(failures: int, interval: timedelta) -> timedelta:
    """Return the pause after so many failed runs in a row: it doubles, up to an hour, and is never over `interval`."""
    return min(FIRST_RETRY * (1 << min(failures - 1, 8)), LONGEST_RETRY, interval)


def startup_wanted(
    now: Moment, *, good: Moment | None, last_start: Moment | None, clean_ending: bool, always: bool = False
) -> bool:
    """Return whether the start of the launcher, or of the EMR, calls for a backup.

    `always` is the user's wish for one at each start; `good` is when the newest good archive was made or last
    confirmed; `last_start` when the last start run of *this* launcher began; `clean_ending` is False where the
    launcher's life before did not end in order.
    """
    if last_start is None and not clean_ending:
        return True
    if last_start is not None and elapsed(last_start, now) < ONE_START:
        return False
    return always or good is None or good.utc > now.utc or elapsed(good, now) >= FRESH


def may_skip_unchanged(
    trigger: Trigger, *, made_at: datetime | None, made_local: datetime, now: datetime, local: datetime
) -> bool:
    """Return whether a run may leave it at the newest good archive, given that the data is what that archive holds.

    `made_at` and `now` are aware UTC, `made_local` and `local` naive; `made_at` is None where the archive does not
    say. What a person or a program asks for is always made, and so is one archive on each day.
    """
    if made_at is None or made_at > now or made_local.date() != local.date():
        return False
    return trigger == Trigger.INTERVAL or (trigger in _STARTS_AND_EXITS and now - made_at < FRESH)


def clock_is_wrong(now: datetime, newest: datetime | None) -> bool:
    """Return whether the wall clock tells a time before the newest backup, or before this program was written."""
    return now < FIRST_DAY or (newest is not None and newest.astimezone(UTC) - now > CLOCK_TOLERANCE)
