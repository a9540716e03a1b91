"""A clock that leaps ahead makes no safety backup old, and one that is set back is counted."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_core import BackupEngine
from backup_core.errors import ArchiveUnusable
from backup_core.leaps import believed, clock_resets
from backup_core.manifest import MOST, Manifest
from backup_core.repository import next_sequence
from backup_core.runs import Action, Outcome, Run, Trigger
from tests.clinic import Clinic
from tests.core.test_keeper import names
from tests.fakeclock import FakeClock

START = datetime(2025, 3, 3, 9)  # noqa: DTZ001 - archives tell local time
YEAR = timedelta(days=365)
times = st.lists(st.datetimes(datetime.fromisoformat("2009-01-01"), datetime.fromisoformat("2099-12-31")), max_size=20)


def days(*numbers: float) -> list[datetime]:
    return [START + timedelta(days=number) for number in numbers]


def test_a_clinic_that_works_every_week_believes_its_clock() -> None:
    *made, now = days(0, 7, 14, 21, 80, 81)
    assert believed(made, now) == now
    assert believed([], now) == now


def test_a_leap_is_not_believed_before_the_new_time_has_gone_on_for_a_month() -> None:
    leap = 74 * 365
    *made, now = days(0, 1, 2, leap, leap + 29)
    assert believed(made, now) == START + timedelta(days=2)
    *made, now = days(0, 1, 2, leap, leap + 29, leap + 30)
    assert believed(made, now) == now


def test_a_clock_that_was_set_right_again_is_believed_at_once() -> None:
    *made, now = days(0, 1, 74 * 365, 3)
    assert believed(made, now) == now
    *made, now = days(0, -16 * 365, 1, 2)
    assert believed(made, now) == now


@given(times, st.datetimes(datetime.fromisoformat("2009-01-01"), datetime.fromisoformat("2099-12-31")))
def test_nothing_is_ever_older_than_the_clock_says(made: list[datetime], now: datetime) -> None:
    assert believed(made, now) <= now


IN_2009 = datetime(2009, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def run_at(
    when: datetime,
    outcome: Outcome = Outcome.CANCELLED,
    trigger: Trigger = Trigger.STARTUP,
    action: Action = Action.BACKUP,
    **facts: str,
) -> Run:
    return Run(action=action, trigger=trigger, outcome=outcome, started_at=when, duration=2.0, facts=facts)


def count(made: datetime, now: datetime, *later: Run, trigger: Trigger = Trigger.INTERVAL) -> int:
    """Return the resets up to an archive of `now`, where one of `made` had three; `later` are runs, oldest first."""
    newest = Manifest(made.replace(tzinfo=None), created_at_utc=made, clock_resets=3)
    before = run_at(made + 9 * HOUR, Outcome.MADE)
    return clock_resets(newest, [*reversed(later), before], trigger, now)


def test_a_clock_that_was_set_back_since_the_newest_archive_is_counted_once() -> None:
    now = datetime(2026, 3, 3, 9, tzinfo=UTC)
    assert count(now, now + HOUR) == 3
    assert count(now, now - HOUR) == 4
    assert count(now, IN_2009, trigger=Trigger.STARTUP) == 4
    assert clock_resets(None, [], Trigger.STARTUP, IN_2009) == 0


def test_runs_that_made_nothing_tell_the_time_too() -> None:
    now = datetime(2026, 3, 3, 9, tzinfo=UTC)
    unchanged = run_at(now + 5 * HOUR, Outcome.UNCHANGED, Trigger.INTERVAL)
    assert count(now, now + HOUR, unchanged) == 4
    assert count(now, now + 6 * HOUR, unchanged) == 3
    assert count(now, now + HOUR, unchanged, run_at(now + 2 * HOUR), run_at(now)) == 5


def test_each_start_of_a_pc_without_a_date_is_counted_whatever_it_says() -> None:
    assert count(IN_2009, IN_2009 + HOUR, trigger=Trigger.STARTUP) == 4
    assert count(IN_2009, IN_2009 + HOUR) == 3
    assert count(IN_2009, IN_2009 + 4 * HOUR, run_at(IN_2009 + HOUR)) == 4
    tidied_up = run_at(IN_2009 + HOUR, Outcome.DONE, action=Action.PRUNE)
    assert count(IN_2009, IN_2009 + 4 * HOUR, tidied_up) == 3


def test_what_was_before_a_safety_backup_is_not_counted_again_after_it() -> None:
    now = datetime(2026, 3, 3, 14, tzinfo=UTC)
    morning = run_at(now - HOUR, Outcome.UNCHANGED)
    restored = run_at(now, Outcome.DONE, Trigger.MANUAL, Action.RESTORE, safety="safety_backup_2026-03-03_14-00-00.zip")
    assert count(now, now + 4 * HOUR, morning, restored) == 3


def test_after_the_highest_number_of_all_there_is_none_that_cannot_be_read_again(engine: BackupEngine) -> None:
    assert next_sequence([replace(engine.create(), sequence=MOST)]) == MOST
    most = Manifest(START, created_at_utc=IN_2009, clock_resets=MOST)
    assert clock_resets(most, [], Trigger.STARTUP, IN_2009) == MOST


@pytest.mark.parametrize("number", [10**4299, -1, MOST + 1])
@pytest.mark.parametrize("key", ["sequence", "clock_resets"])
def test_a_number_that_no_archive_can_go_on_from_is_refused(key: str, number: int) -> None:
    told = json.loads(Manifest(START).to_json()) | {key: number}
    with pytest.raises(ArchiveUnusable):
        Manifest.from_json(json.dumps(told).encode())


def test_safety_backups_outlive_a_clock_that_says_2099(engine: BackupEngine, clinic: Clinic, clock: FakeClock) -> None:
    first = engine.create()
    for number in range(5):
        clock.pass_time(timedelta(hours=1))
        clinic.admit(f"Between {number}")
        engine.restore(engine.find(first.name))
    safeties = {name for name in names(engine) if name.startswith("safety_")}
    assert len(safeties) == 5

    clock.set_back(-74 * YEAR)
    engine.create()
    assert engine.prune() == []
    clock.pass_time(timedelta(days=1))
    engine.create()
    assert engine.prune() == []
    assert safeties <= names(engine)

    clock.pass_time(timedelta(days=30))
    engine.create()
    assert len(engine.prune()) == 2, "by now they are thirty days old, whatever the year"
