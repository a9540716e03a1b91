"""Leaps of the wall clock: a PC whose battery has died may call today a day in 2099, or in 2009. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import takewhile

from .due import FIRST_DAY
from .manifest import MOST, Manifest
from .retention import SAFETY_LIFE
from .runs import Action, Outcome, Run, Trigger

#: Where a clinic works, two backups are less apart than this.
LEAP = timedelta(days=90)


def believed(times: Iterable[datetime], now: datetime) -> datetime:
    """Return `now`, or an earlier time where only a clock that may have leapt ahead tells `now` (all naive).

    `times` are those of all backups that are there, in the order in which they were made. After a leap, the new time is
    believed when it has gone on for so long that what was made before is as old as that in any case.
    """
    known: datetime | None = None
    landed: datetime | None = None
    for time in (*times, now):
        if known is None or time - known <= LEAP:
            # Also where the clock was set right again.
            known, landed = max(known or time, time), None
        else:
            landed = min(landed or time, time)
            if time - landed >= SAFETY_LIFE:
                known, landed = time, None
    return min(known or now, now)


def clock_resets(newest: Manifest | None, runs: Sequence[Run], trigger: Trigger, now: datetime) -> int:
    """Return how often the clock was set back before an archive that `trigger` makes `now` (aware UTC).

    `newest` is the manifest of the archive before it, None where there is none; `runs` are all, newest first: those
    that have made nothing since tell the time too. A start on a day before this program was written counts as well:
    the PC has lost the time once more, even where it is later than that of yesterday.
    """
    if newest is None or newest.created_at_utc is None:
        return 0
    later = reversed(list(takewhile(lambda run: not _has_made(run), runs)))
    times = [(run.ended_at, _is_start(run.action, run.trigger)) for run in later]
    found, before = newest.clock_resets, newest.created_at_utc
    for time, is_start in (*times, (now, _is_start(Action.BACKUP, trigger))):
        found += time < before or (is_start and time < FIRST_DAY)
        before = time
    return min(found, MOST)


def _has_made(run: Run) -> bool:
    """Return whether an archive was made by a run, be it the safety backup of a restore."""
    return run.outcome is Outcome.MADE or bool(run.facts.get("safety"))


def _is_start(action: Action, trigger: Trigger) -> bool:
    # Tidying up, and what else follows, has the trigger of its backup.
    return action is Action.BACKUP and trigger is Trigger.STARTUP
