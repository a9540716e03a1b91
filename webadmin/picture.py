"""The picture of the history: size and patients over time, each run a mark, gaps visible. Pure: it draws nothing.

Places from left to right are shares of the width in per cent, so that words keep their size in a narrow window; places
from top to bottom are pixels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backup_core.history import Action, Outcome, Run, Trigger
from backup_core.listing import Archive
from webadmin.formats import clock_time, day_of_year

#: How far back the picture reaches, and the shortest time that makes one.
LONGEST = timedelta(days=90)
SHORTEST = timedelta(hours=12)
#: So much time without a run is a gap.
GAP = timedelta(hours=24)
#: Where the curves begin and end, in pixels from the top; the marks stand below, then the days.
TOP, BOTTOM, MARKS, HEIGHT = 10, 110, 132, 172
#: Runs of one outcome that are closer than this, in per cent of the width, share one mark.
_CLOSE = 0.5
#: The left and right margin, in per cent.
_MARGIN = 2.0
_TICKS = 4


@dataclass(frozen=True)
class Point:
    """What one backup held: its place, and what it stands for."""

    x: float
    patients_y: float
    size_y: float
    at: datetime
    patients: int
    size: int


@dataclass(frozen=True)
class Mark:
    """One run, or several of one outcome that are too close to be told apart: the newest of them speaks."""

    x: float
    run: Run
    runs: int


@dataclass(frozen=True)
class Gap:
    """A time without any run, from one to another."""

    x: float
    width: float
    begin: datetime
    end: datetime


@dataclass(frozen=True)
class Tick:
    """A time on the axis, in words; `anchor` is where its words stand: start, middle or end."""

    x: float
    words: str
    anchor: str


@dataclass(frozen=True)
class Day:
    """One day in numbers, for those who do not see the picture."""

    day: datetime
    backups: int
    unchanged: int
    failed: int
    patients: int | None
    size: int | None


@dataclass(frozen=True)
class Picture:
    """All that is drawn, oldest first; the days newest first. Times are local and naive."""

    begin: datetime
    end: datetime
    points: tuple[Point, ...]
    marks: tuple[Mark, ...]
    gaps: tuple[Gap, ...]
    ticks: tuple[Tick, ...]
    days: tuple[Day, ...]

    @property
    def failures(self) -> int:
        """How many runs have failed."""
        return sum(day.failed for day in self.days)


def picture_of(runs: Sequence[Run], archives: Sequence[Archive], now: datetime) -> Picture | None:
    """Return the picture of the backups among `runs` and of `archives` at `now` (aware).

    None where there are none, or only those of the last hours: they stand in the list.
    """
    attempts = [run for run in runs if run.action is Action.BACKUP and run.trigger is not Trigger.SAFETY]
    attempts = sorted(
        (run for run in attempts if now - LONGEST <= run.started_at <= now), key=lambda run: run.started_at
    )
    held = sorted(point for point in _held(attempts, archives) if now - LONGEST <= point[0] <= now)
    times = [*(run.started_at for run in attempts), *(at for at, _patients, _size in held)]
    if not times or now - min(times) < SHORTEST:
        return None
    scale = _Scale(min(times), now)
    return Picture(
        begin=_local(scale.begin),
        end=_local(now),
        points=tuple(_points(held, scale)),
        marks=tuple(_marks(attempts, scale)),
        gaps=tuple(_gaps(sorted([*times, now]), scale)),
        ticks=tuple(_ticks(scale)),
        days=tuple(_days(attempts, held)),
    )


@dataclass(frozen=True)
class _Scale:
    begin: datetime
    end: datetime

    def x(self, at: datetime) -> float:
        share = (at - self.begin) / (self.end - self.begin)
        return round(_MARGIN + share * (100 - 2 * _MARGIN), 2)


def _local(moment: datetime) -> datetime:
    return moment.astimezone().replace(tzinfo=None)


def _held(runs: Sequence[Run], archives: Sequence[Archive]) -> Iterator[tuple[datetime, int, int]]:
    """Yield when, patients and size of each backup: of those that are gone, what the history remembers."""
    there = {archive.name for archive in archives}
    for archive in archives:
        if archive.is_good and not archive.safety and archive.manifest is not None and not archive.manifest.is_raw:
            yield archive.order[1], archive.manifest.patient_count, archive.size
    for run in runs:
        if run.outcome is Outcome.MADE and run.archive not in there and {"patients", "size"} <= run.facts.keys():
            yield run.started_at, int(run.facts["patients"] or 0), int(run.facts["size"] or 0)


def _points(held: Sequence[tuple[datetime, int, int]], scale: _Scale) -> Iterator[Point]:
    most = max((patients for _at, patients, _size in held), default=0) or 1
    largest = max((size for _at, _patients, size in held), default=0) or 1
    for at, patients, size in held:
        # The size stays below the patients, where the two would run together.
        yield Point(scale.x(at), _y(patients / most), _y(0.7 * size / largest), _local(at), patients, size)


def _y(share: float) -> float:
    return round(BOTTOM - share * (BOTTOM - TOP), 1)


def _marks(runs: Sequence[Run], scale: _Scale) -> Iterator[Mark]:
    """Yield the marks: each outcome for itself, so that no failure hides behind a success."""
    for outcome in (Outcome.UNCHANGED, Outcome.MADE, Outcome.CANCELLED, Outcome.FAILED):
        group: list[Run] = []
        for run in (run for run in runs if run.outcome is outcome):
            if group and scale.x(run.started_at) - scale.x(group[0].started_at) > _CLOSE:
                yield Mark(scale.x(group[0].started_at), group[-1], len(group))
                group = []
            group.append(run)
        if group:
            yield Mark(scale.x(group[0].started_at), group[-1], len(group))


def _gaps(times: Sequence[datetime], scale: _Scale) -> Iterator[Gap]:
    for before, after in zip(times, times[1:], strict=False):
        if after - before > GAP:
            left = scale.x(before)
            yield Gap(left, round(scale.x(after) - left, 2), _local(before), _local(after))


def _ticks(scale: _Scale) -> Iterator[Tick]:
    span = scale.end - scale.begin
    for number in range(_TICKS):
        at = scale.begin + span * number / (_TICKS - 1)
        words = clock_time(_local(at)) if span < timedelta(days=2) else day_of_year(_local(at))
        anchor = "start" if number == 0 else "end" if number == _TICKS - 1 else "middle"
        yield Tick(scale.x(at), words, anchor)


def _days(runs: Sequence[Run], held: Sequence[tuple[datetime, int, int]]) -> Iterator[Day]:
    """Yield the days on which something was done, newest first."""
    dates = {_local(run.started_at).date() for run in runs} | {_local(at).date() for at, _patients, _size in held}
    for date in sorted(dates, reverse=True):
        outcomes = [run.outcome for run in runs if _local(run.started_at).date() == date]
        last = [(patients, size) for at, patients, size in held if _local(at).date() == date][-1:]
        yield Day(
            datetime(date.year, date.month, date.day),  # noqa: DTZ001 - a local day
            max(outcomes.count(Outcome.MADE), len([at for at, _patients, _size in held if _local(at).date() == date])),
            outcomes.count(Outcome.UNCHANGED),
            outcomes.count(Outcome.FAILED),
            last[0][0] if last else None,
            last[0][1] if last else None,
        )
