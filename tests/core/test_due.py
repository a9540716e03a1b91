"""Each rule of "when" by an example; tests/laws/test_due.py holds them over simulated years."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from backup_core.clock import Moment, moment
from backup_core.due import (
    LONGEST_BATTERY_WAIT,
    Hold,
    Outlook,
    Past,
    Pause,
    Watch,
    clock_is_wrong,
    elapsed,
    may_skip_unchanged,
    next_midnight,
    outlook,
    past_of,
    pause_end,
    retry_after,
    startup_wanted,
    time_left,
)
from backup_core.history import Action, Outcome, Run, Trigger
from tests.fakeclock import START, FakeClock

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
FOUR_HOURS = 4 * HOUR


def backup(
    clock: FakeClock, outcome: Outcome = Outcome.MADE, trigger: Trigger = Trigger.INTERVAL, duration: float = 0.0
) -> Run:
    return Run(action=Action.BACKUP, trigger=trigger, outcome=outcome, started_at=clock.now(), duration=duration)


def test_without_any_backup_one_is_due(clock: FakeClock) -> None:
    assert not time_left(Watch().look([], moment(clock)), moment(clock), FOUR_HOURS)


@pytest.mark.parametrize("outcome", [Outcome.MADE, Outcome.UNCHANGED])
def test_the_interval_counts_from_the_end_of_the_run_that_made_or_confirmed(clock: FakeClock, outcome: Outcome) -> None:
    run = backup(clock, outcome, duration=60.0)
    clock.pass_time(MINUTE)
    watch = Watch()
    past = watch.look([run], moment(clock))
    assert moment(clock).utc + time_left(past, moment(clock), FOUR_HOURS) == START + MINUTE + FOUR_HOURS
    clock.pass_time(FOUR_HOURS - MINUTE)
    assert time_left(watch.look([run], moment(clock)), moment(clock), FOUR_HOURS)
    clock.pass_time(MINUTE)
    assert not time_left(watch.look([run], moment(clock)), moment(clock), FOUR_HOURS)


@pytest.mark.parametrize(
    "run",
    [
        {"trigger": Trigger.SAFETY, "outcome": Outcome.MADE},
        {"action": Action.RESTORE, "outcome": Outcome.DONE},
        {"action": Action.PRUNE, "outcome": Outcome.FAILED},
    ],
)
def test_what_is_no_attempt_at_a_backup_moves_nothing(clock: FakeClock, run: dict[str, Action | Outcome]) -> None:
    other = Run(**{"action": Action.BACKUP, "trigger": Trigger.MANUAL, "started_at": clock.now()} | run)  # type: ignore[arg-type]
    assert past_of([other], {other.id: 0.0}) == Past()


def test_time_missed_in_sleep_is_caught_up_at_once_and_once(clock: FakeClock) -> None:
    watch, run = Watch(), backup(clock)
    watch.look([run], moment(clock))
    clock.sleep(timedelta(days=3))
    assert not time_left(watch.look([run], moment(clock)), moment(clock), FOUR_HOURS)
    caught_up = backup(clock)
    assert time_left(watch.look([caught_up, run], moment(clock)), moment(clock), FOUR_HOURS) == FOUR_HOURS


@pytest.mark.parametrize("back", [timedelta(minutes=30), timedelta(days=1), timedelta(days=365 * 17)])
def test_a_clock_that_is_set_back_delays_nothing(clock: FakeClock, back: timedelta) -> None:
    watch, run = Watch(), backup(clock)
    watch.look([run], moment(clock))
    clock.set_back(back)
    clock.pass_time(FOUR_HOURS - MINUTE)
    assert time_left(watch.look([run], moment(clock)), moment(clock), FOUR_HOURS)
    clock.pass_time(MINUTE)
    assert not time_left(watch.look([run], moment(clock)), moment(clock), FOUR_HOURS)


def test_a_run_of_another_life_of_the_launcher_is_no_younger_than_this_life(clock: FakeClock) -> None:
    run = backup(clock)
    clock.restart()
    clock.set_back(HOUR)
    watch = Watch()
    watch.look([run], moment(clock))
    clock.pass_time(FOUR_HOURS)
    assert not time_left(watch.look([run], moment(clock)), moment(clock), FOUR_HOURS)


def test_a_failed_run_is_tried_again_after_5_minutes_then_with_growing_pauses(clock: FakeClock) -> None:
    watch, runs, pauses = Watch(), [backup(clock)], []
    for _ in range(7):
        runs.insert(0, backup(clock, Outcome.FAILED))
        left = time_left(watch.look(runs, moment(clock)), moment(clock), FOUR_HOURS)
        pauses.append(left // MINUTE)
        clock.pass_time(left)
    assert pauses == [5, 10, 20, 40, 60, 60, 60]
    runs.insert(0, backup(clock))
    assert time_left(watch.look(runs, moment(clock)), moment(clock), FOUR_HOURS) == FOUR_HOURS


def test_a_first_run_that_fails_is_tried_again_too(clock: FakeClock) -> None:
    failed = backup(clock, Outcome.FAILED)
    past = Watch().look([failed], moment(clock))
    assert past.confirmed is None
    assert time_left(past, moment(clock), FOUR_HOURS) == 5 * MINUTE


@pytest.mark.parametrize("before", [[Outcome.MADE], []])
def test_what_the_user_cancelled_waits_for_the_next_regular_time(clock: FakeClock, before: list[Outcome]) -> None:
    watch, runs = Watch(), [backup(clock, outcome) for outcome in before]
    clock.pass_time(HOUR)
    runs.insert(0, backup(clock, Outcome.CANCELLED))
    past = watch.look(runs, moment(clock))

    assert past.failures == 0
    assert time_left(past, moment(clock), FOUR_HOURS) == FOUR_HOURS
    clock.pass_time(FOUR_HOURS)
    assert not time_left(watch.look(runs, moment(clock)), moment(clock), FOUR_HOURS)


def test_to_cancel_clears_no_failure_out_of_the_plan(clock: FakeClock) -> None:
    runs = [backup(clock, outcome) for outcome in (Outcome.CANCELLED, Outcome.FAILED, Outcome.FAILED, Outcome.MADE)]
    past = Watch().look(runs, moment(clock))

    assert past.failures == 2
    assert time_left(past, moment(clock), FOUR_HOURS) == 10 * MINUTE


def test_no_pause_is_longer_than_the_interval() -> None:
    assert retry_after(1, MINUTE) == MINUTE
    assert retry_after(10_000, 30 * MINUTE) == 30 * MINUTE
    assert retry_after(10_000, FOUR_HOURS) == HOUR


def test_the_past_is_told_by_one_moment_for_good_runs_and_one_for_attempts(clock: FakeClock) -> None:
    good = backup(clock, duration=2.0)
    clock.pass_time(HOUR)
    failed = [backup(clock, Outcome.FAILED, duration=1.0) for _ in range(2)]
    assert past_of([*failed, good], {good.id: 5.0, failed[0].id: 9.0, failed[1].id: 8.0}) == Past(
        confirmed=Moment(START + timedelta(seconds=2), 5.0),
        attempted=Moment(START + HOUR + timedelta(seconds=1), 9.0),
        failures=2,
    )


def test_time_never_runs_backwards() -> None:
    assert elapsed(Moment(START, 10.0), Moment(START - HOUR, 4.0)) == timedelta()


def test_a_start_backs_up_unless_the_last_good_backup_is_under_an_hour_old(clock: FakeClock) -> None:
    good = moment(clock)
    clock.pass_time(HOUR - MINUTE)
    assert not startup_wanted(moment(clock), good=good, last_start=None, clean_ending=True)
    clock.pass_time(MINUTE)
    assert startup_wanted(moment(clock), good=good, last_start=None, clean_ending=True)
    assert startup_wanted(moment(clock), good=None, last_start=None, clean_ending=True)


def test_a_start_after_an_ending_that_was_not_clean_backs_up_whatever_there_is(clock: FakeClock) -> None:
    assert startup_wanted(moment(clock), good=moment(clock), last_start=None, clean_ending=False)


def test_the_starts_of_launcher_and_emr_within_a_minute_want_one_run(clock: FakeClock) -> None:
    first = moment(clock)
    clock.pass_time(MINUTE / 2)
    assert not startup_wanted(moment(clock), good=None, last_start=first, clean_ending=False)
    clock.pass_time(MINUTE / 2)
    assert startup_wanted(moment(clock), good=None, last_start=first, clean_ending=False)


def test_once_a_start_run_has_followed_the_unclean_ending_counts_no_more(clock: FakeClock) -> None:
    first = moment(clock)
    clock.pass_time(30 * MINUTE)
    assert not startup_wanted(moment(clock), good=first, last_start=first, clean_ending=False)


def test_a_good_backup_from_the_future_makes_no_start_go_without(clock: FakeClock) -> None:
    good = moment(clock)
    clock.set_back(timedelta(days=1))
    assert startup_wanted(moment(clock), good=good, last_start=None, clean_ending=True)


def skips(trigger: Trigger, clock: FakeClock, made: FakeClock) -> bool:
    return may_skip_unchanged(
        trigger, made_at=made.now(), made_local=made.local(), now=clock.now(), local=clock.local()
    )


@pytest.mark.parametrize(
    ("trigger", "after_minutes", "expected"),
    [
        (Trigger.INTERVAL, 240, True),
        (Trigger.STARTUP, 59, True),
        (Trigger.STARTUP, 60, False),
        (Trigger.EMR_START, 59, True),
        (Trigger.EMR_START, 60, False),
        (Trigger.EXIT, 59, True),
        (Trigger.EXIT, 60, False),
        (Trigger.EMR_EXIT, 59, True),
        (Trigger.EMR_EXIT, 60, False),
        (Trigger.MANUAL, 1, False),
        (Trigger.CLI, 1, False),
        (Trigger.API, 1, False),
        (Trigger.SAFETY, 1, False),
    ],
)
def test_an_unchanged_clinic_needs_no_new_archive(
    clock: FakeClock, trigger: Trigger, after_minutes: int, expected: bool
) -> None:
    made = FakeClock(clock.now())
    clock.pass_time(after_minutes * MINUTE)
    assert skips(trigger, clock, made) is expected


def test_each_day_gets_its_archive_by_the_date_on_the_wall(clock: FakeClock) -> None:
    made = FakeClock(datetime.fromisoformat("2025-03-03T22:50:00+00:00"))
    clock.utc = made.utc + 5 * MINUTE
    assert skips(Trigger.INTERVAL, clock, made)
    clock.pass_time(10 * MINUTE)
    assert clock.local().day == 4
    assert not skips(Trigger.INTERVAL, clock, made)
    assert not skips(Trigger.EXIT, clock, made)


def test_an_archive_from_the_future_or_of_unknown_time_is_no_reason_to_skip(clock: FakeClock) -> None:
    later = FakeClock(clock.now() + MINUTE)
    assert not skips(Trigger.INTERVAL, clock, later)
    assert not may_skip_unchanged(
        Trigger.INTERVAL, made_at=None, made_local=clock.local(), now=clock.now(), local=clock.local()
    )


def test_a_clock_before_the_newest_backup_is_noticed(clock: FakeClock) -> None:
    newest = clock.now()
    assert not clock_is_wrong(clock.now(), None)
    clock.set_back(5 * MINUTE)
    assert not clock_is_wrong(clock.now(), newest)
    clock.set_back(MINUTE)
    assert clock_is_wrong(clock.now(), newest)


def test_a_clock_before_this_program_was_written_is_noticed_without_any_backup() -> None:
    assert clock_is_wrong(datetime(2009, 1, 1, 0, 1, tzinfo=UTC), None)


def test_there_is_a_run_a_day_however_rarely_one_is_wanted(clock: FakeClock) -> None:
    watch, week = Watch(), timedelta(days=7)
    past = watch.look([backup(clock)], moment(clock))
    clock.pass_time(23 * HOUR)
    assert time_left(past, moment(clock), week)
    clock.pass_time(HOUR)
    assert not time_left(past, moment(clock), week)


def test_the_wish_for_a_backup_at_each_start_is_obeyed(clock: FakeClock) -> None:
    good = moment(clock)
    assert startup_wanted(moment(clock), good=good, last_start=None, clean_ending=True, always=True)


def test_a_pause_holds_until_its_end(clock: FakeClock) -> None:
    pause = Pause(moment(clock), START + HOUR)
    clock.pass_time(59 * MINUTE)
    assert pause_end(pause, moment(clock)) == START + HOUR
    clock.pass_time(MINUTE)
    assert pause_end(pause, moment(clock)) is None
    assert pause_end(None, moment(clock)) is None


def test_a_pause_does_not_last_longer_because_the_pc_slept_or_its_clock_was_set_back(clock: FakeClock) -> None:
    pause = Pause(moment(clock), START + HOUR)
    clock.sleep(2 * HOUR)
    assert pause_end(pause, moment(clock)) is None
    for back in (MINUTE * 30, timedelta(days=6000)):
        clock = FakeClock()
        clock.set_back(back)
        clock.pass_time(HOUR)
        assert pause_end(pause, moment(clock)) is None


def test_a_pause_from_before_a_clock_that_was_set_back_is_over(clock: FakeClock) -> None:
    pause = Pause(moment(clock), START + HOUR)
    clock.set_back(timedelta(days=6000))
    assert pause_end(pause, moment(clock)) is None


def test_no_pause_is_longer_than_a_day(clock: FakeClock) -> None:
    pause = Pause(moment(clock), START + timedelta(days=999))
    clock.pass_time(25 * HOUR)
    assert pause_end(pause, moment(clock)) is None


def test_the_next_time_is_the_end_of_the_pause_if_that_is_later(clock: FakeClock) -> None:
    now = moment(clock)
    end = START + HOUR
    assert outlook(MINUTE, now, paused_until=end, low_since=None) == Outlook(end, Hold.PAUSED)
    assert outlook(2 * HOUR, now, paused_until=end, low_since=None) == Outlook(START + 2 * HOUR)
    assert outlook(timedelta(), now, paused_until=None, low_since=None) == Outlook(START)


def test_a_low_battery_puts_off_only_what_is_due_and_not_for_ever(clock: FakeClock) -> None:
    since = moment(clock)
    assert outlook(MINUTE, since, paused_until=None, low_since=since) == Outlook(START + MINUTE)
    clock.pass_time(HOUR)
    latest = START + LONGEST_BATTERY_WAIT
    assert outlook(timedelta(), moment(clock), paused_until=None, low_since=since) == Outlook(latest, Hold.BATTERY)
    clock.pass_time(LONGEST_BATTERY_WAIT - HOUR)
    assert outlook(timedelta(), moment(clock), paused_until=None, low_since=since) == Outlook(clock.now())


def test_the_time_of_sleep_does_not_count_as_time_in_which_the_charger_was_waited_for(clock: FakeClock) -> None:
    since = moment(clock)
    clock.sleep(10 * HOUR)
    assert outlook(timedelta(), moment(clock), paused_until=None, low_since=since).hold is Hold.BATTERY


def test_the_day_ends_at_the_midnight_of_the_wall() -> None:
    local = datetime.fromisoformat("2025-03-03T23:30:00")
    assert next_midnight(START, local) == START + 30 * MINUTE
    assert next_midnight(START, local.replace(hour=0, minute=0)) == START + timedelta(days=1)
    assert next_midnight(START, local + timedelta(microseconds=9)) == START + 30 * MINUTE


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="this system's zone cannot be changed for one process")
@pytest.mark.parametrize(
    ("now", "midnight"),
    [
        (datetime(2026, 10, 24, 23, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC)),
        (datetime(2026, 3, 29, 0, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC)),
    ],
)
def test_a_day_on_which_the_clocks_change_ends_at_its_own_midnight(
    now: datetime, midnight: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as berlin:
        berlin.setenv("TZ", "Europe/Berlin")
        time.tzset()
        assert next_midnight(now, now.astimezone().replace(tzinfo=None)) == midnight
    time.tzset()
