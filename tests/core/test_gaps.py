"""Gaps: the times in which nobody backed up, as the history shows them."""

from datetime import UTC, datetime, timedelta

from backup_core.gaps import gaps
from backup_core.runs import Action, Outcome, Run, Trigger

MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)


def run(at: datetime) -> Run:
    return Run(
        action=Action.BACKUP,
        trigger=Trigger.STARTUP,
        outcome=Outcome.MADE,
        started_at=at,
        duration=60.0,
        id=f"{at}",
    )


def test_without_runs_there_is_no_gap() -> None:
    assert gaps([]) == []


def test_nights_and_a_weekend_are_none() -> None:
    week = [run(MONDAY + timedelta(days=day)) for day in range(5)]
    friday_evening, monday_after = MONDAY + timedelta(days=4, hours=10), MONDAY + timedelta(days=7)
    assert gaps([run(monday_after), run(friday_evening), *week]) == []


def test_a_week_away_is_one_and_tells_between_which_runs() -> None:
    back = MONDAY + timedelta(days=8)
    found = gaps([run(back + timedelta(hours=4)), run(back), run(MONDAY)])
    assert [(gap.begin, gap.end, gap.before) for gap in found] == [(MONDAY + timedelta(seconds=60), back, f"{back}")]


def test_several_come_newest_first() -> None:
    found = gaps([run(MONDAY + timedelta(days=days)) for days in (0, 5, 6, 20)])
    assert [gap.end for gap in found] == [MONDAY + timedelta(days=20), MONDAY + timedelta(days=5)]


def test_a_clock_that_was_set_back_makes_none() -> None:
    wrong = [run(MONDAY), run(MONDAY + timedelta(days=1)), run(MONDAY + timedelta(hours=3))]
    assert gaps(wrong) == []
