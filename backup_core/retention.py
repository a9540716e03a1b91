"""Which archives to keep, with the reason for each: a pure rule. Deleting is the repository's."""

from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any


@dataclass(frozen=True)
class Policy:
    """How many archives to keep: the newest, and the last of each of so many days, weeks and months that have any.

    `states` counts different contents: that many of the newest are kept however often one of them was backed up
    again. The tiers, too, count equal contents once, for their newest archive. Where a clock was set back, each tier
    keeps up to as many again, and twice as many more of those that a PC without a date has made.

    Only what is proven pushes another out: archives younger than the newest one that was opened take no place before
    one of them is. As many as `waiting` are kept so, for a PC on which nothing can be opened must not fill its disk;
    where none was ever opened, or with 0, they take their places at once.
    """

    newest: int = 10
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    states: int = 0
    waiting: int = 0

    def __post_init__(self) -> None:
        if self.newest < 1 or min(self.daily, self.weekly, self.monthly, self.states, self.waiting) < 0:
            raise ValueError(f"a policy keeps at least the newest archive, and no negative numbers: {self}")


#: Ten backups alone reach back two days in a clinic that opens twice a day; the launcher keeps tiers besides.
LAUNCHER_POLICY = Policy(newest=10, daily=14, weekly=8, monthly=12, states=10, waiting=20)

#: How long a restore can be undone, and how many of the backups made for that are kept at least and at most.
SAFETY_LIFE = timedelta(days=30)
FEWEST_SAFETIES = 3
MOST_SAFETIES = 10


@dataclass(frozen=True)
class Candidate:
    """An archive as this rule sees it.

    `order` decides which of two is newer, whatever their clocks said; `local_time` is naive and puts the archive into
    its day, week and month; `contents` is equal for equal contents, "" where it is not known.
    """

    name: str
    order: tuple[Any, ...]
    local_time: datetime
    contents: str = ""
    #: Whether it was opened and found good.
    opened: bool = False
    #: How often the clock had been set back before it was made.
    clock_resets: int = 0
    #: Whether the PC had lost its date, and knew no day on which this program was there.
    dateless: bool = False


@dataclass(frozen=True)
class Plan:
    """`keep` has the reason for each name: newest, unopened, state, daily, weekly, monthly or protected.

    `prune` is the rest. `spare` are those that are "unopened", oldest first: they are none of the newest, and kept
    until one of those that are younger than the newest opened one is opened.
    """

    keep: dict[str, str]
    prune: tuple[str, ...]
    spare: tuple[str, ...] = ()


def plan(candidates: Sequence[Candidate], policy: Policy, *, never: Container[str | None] = ()) -> Plan:
    """Return what to keep and what to prune, oldest first; the names in `never` are kept whatever the policy says."""
    newest_first = sorted(candidates, key=lambda candidate: (candidate.order, candidate.name), reverse=True)
    newest_opened = next((place for place, one in enumerate(newest_first) if one.opened), 0)
    waits = min(newest_opened, policy.waiting)
    settled = newest_first[waits:]
    chosen: list[tuple[str, Iterable[Candidate]]] = [
        ("newest", newest_first[: policy.newest]),
        # Those that wait to be opened take no place from the ones before them.
        ("unopened", newest_first[: waits + policy.newest]),
        ("state", islice(_last_of_each(settled, _contents), policy.states)),
        ("daily", _tier(settled, lambda one: one.local_time.date(), 1, policy.daily)),
        ("weekly", _tier(settled, lambda one: one.local_time.isocalendar()[:2], 7, policy.weekly)),
        ("monthly", _tier(settled, lambda one: (one.local_time.year, one.local_time.month), 30, policy.monthly)),
        ("protected", [candidate for candidate in newest_first if candidate.name in never]),
    ]
    keep: dict[str, str] = {}
    for reason, kept in chosen:
        for candidate in kept:
            keep.setdefault(candidate.name, reason)
    oldest_first = [candidate.name for candidate in reversed(newest_first)]
    spare = tuple(name for name in oldest_first if keep.get(name) == "unopened")
    return Plan(keep, tuple(name for name in oldest_first if name not in keep), spare)


def thinning_order(candidates: Sequence[Candidate], planned: Plan, *, never: Container[str | None] = ()) -> list[str]:
    """Return the kept archives that a full disk may take, in that order: the oldest of the longest tier first.

    Then come those that are only kept until a younger one is opened: whether one ever is, a full disk does not ask.
    The newest ones, and those in `never`, are not among them.
    """
    tiers = ("monthly", "weekly", "daily", "state")
    oldest_first = sorted(candidates, key=lambda candidate: (candidate.order, candidate.name))
    of_tiers = [
        candidate.name for tier in tiers for candidate in oldest_first if planned.keep.get(candidate.name) == tier
    ]
    return [name for name in (*of_tiers, *planned.spare) if name not in never]


def safeties_to_prune(
    safeties: Sequence[Candidate], local: datetime, *, never: Container[str | None] = ()
) -> tuple[str, ...]:
    """Return the safety backups that are no longer kept, oldest first.

    The newest 3 are kept, and of the others those of the last 30 days (`local` is naive), but no more than 10 in all.
    The names in `never` are kept in any case.
    """
    newest_first = sorted(safeties, key=lambda candidate: (candidate.order, candidate.name), reverse=True)
    old = newest_first[MOST_SAFETIES:] + [
        candidate
        for candidate in newest_first[FEWEST_SAFETIES:MOST_SAFETIES]
        if local - candidate.local_time > SAFETY_LIFE
    ]
    return tuple(candidate.name for candidate in sorted(old, key=lambda one: one.order) if candidate.name not in never)


def safeties_to_thin(safeties: Sequence[Candidate], *, never: Container[str | None] = ()) -> tuple[str, ...]:
    """Return the safety backups that a full disk may take, oldest first: all but the newest 3, and those in `never`."""
    oldest_first = sorted(safeties, key=lambda candidate: (candidate.order, candidate.name))
    return tuple(one.name for one in oldest_first[:-FEWEST_SAFETIES] if one.name not in never)


def _tier(
    newest_first: Sequence[Candidate], span: Callable[[Candidate], Hashable], days: int, places: int
) -> Iterator[Candidate]:
    """Yield the last of each of the newest spans of so many days by the calendar, then by what else tells days apart.

    Where the clock was set back a date may come again. A PC that loses its date whenever it is switched off says the
    same one every day, and is set back once a day, or twice where it is off over midday.
    """

    def resets(candidate: Candidate) -> int:
        return candidate.clock_resets // days

    yield from _last_of_spans(newest_first, span, places)
    yield from _last_of_spans(newest_first, lambda one: (span(one), resets(one)), places)
    yield from _dateless(newest_first, lambda one: resets(one) if one.dateless else span(one), places)


def _dateless(
    newest_first: Sequence[Candidate], span: Callable[[Candidate], Hashable], places: int
) -> Iterator[Candidate]:
    """Yield the last of each of up to twice as many spans of a PC without a date, for it may be off over midday too.

    Each span of a right clock takes two of their places, so that they go as anything does that is so old; the newest
    takes none.
    """
    taken = 0
    for number, one in enumerate(_last_of_spans(newest_first, span, 2 * places)):
        if number:
            taken += 1 if one.dateless else 2
        if one.dateless and taken <= 2 * places:
            yield one


def _last_of_spans(
    newest_first: Sequence[Candidate], span: Callable[[Candidate], Hashable], places: int
) -> Iterator[Candidate]:
    """Yield the newest candidate, whose span is not over, and the last of each of so many spans before.

    The newest takes no place, nor are its contents counted: in the morning it has those of the evening before, and in
    the evening others. What stood for that evening meanwhile would be all that is left of it, and go in its turn.
    """
    if newest_first and places:
        yield newest_first[0]
        today = span(newest_first[0])
        yield from islice(_last_of_each((one for one in newest_first if span(one) != today), span), places)


def _last_of_each(newest_first: Iterable[Candidate], bucket: Callable[[Candidate], Hashable]) -> Iterable[Candidate]:
    """Yield the newest candidate of each bucket whose contents no newer bucket was given already.

    What was backed up in the evening and again in the morning stands for its evening: the morning has a newer one.
    """
    seen: set[Hashable] = set()
    counted: set[Hashable] = set()
    for candidate in newest_first:
        key, contents = bucket(candidate), _contents(candidate)
        if key not in seen and contents not in counted:
            seen.add(key)
            counted.add(contents)
            yield candidate


def _contents(candidate: Candidate) -> Hashable:
    return candidate.contents or (candidate.name,)
