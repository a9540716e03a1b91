"""Leaps of the wall clock: a PC whose battery has died may call today a day in 2099. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from .retention import SAFETY_LIFE

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
