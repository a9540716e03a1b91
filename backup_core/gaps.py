"""Times in which nothing was backed up because nobody was there to do it: read out of the history. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from .runs import Run

#: While the launcher runs, a day brings at least one run; a weekend is no gap, from Friday's end to Monday.
SHORTEST = timedelta(days=3)


@dataclass(frozen=True)
class Gap:
    """A time without any run (aware UTC), and the id of the run that ended it."""

    begin: datetime
    end: datetime
    before: str


def gaps(runs: Sequence[Run]) -> list[Gap]:
    """Return the gaps between `runs`, newest first; a clock that was set back makes none."""
    found = []
    in_order = sorted(runs, key=lambda run: run.started_at)
    end = in_order[0].started_at if in_order else None
    for run in in_order:
        if end is not None and run.started_at - end > SHORTEST:
            found.append(Gap(end, run.started_at, run.id))
        end = max(end or run.started_at, run.ended_at)
    return found[::-1]
