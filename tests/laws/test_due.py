"""The rules of "when" over simulated years: sleep, both changes of the clock, wrong clocks, crashes, failures."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backup_core.due import LONGEST_BATTERY_WAIT, LONGEST_PAUSE
from tests.fakeclock import START
from tests.laws.clinic import TICK, WORK, Clinic, Cut
from tests.laws.years import live_a_year_of_days, live_two_years, live_without_a_date, live_without_pause

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FOUR_HOURS = 4 * HOUR
SLACK = timedelta(minutes=5)

hours = st.floats(0.01, 30.0).map(lambda number: timedelta(hours=round(number, 2)))
happenings = st.one_of(
    st.tuples(st.sampled_from(["work", "rest", "sleep", "off"]), hours),
    st.tuples(st.sampled_from(["quit", "crash", "emr", "fail", "mend", "cancel", "low", "charge"]), st.just(DAY)),
    st.tuples(st.just("pause"), hours),
    st.tuples(st.just("click"), st.just(DAY)),
    st.tuples(st.just("cut"), st.sampled_from([DAY, HOUR])),
    st.tuples(st.just("set"), st.sampled_from([-1, 1, -25, 25, 17 * 365 * 24, -74 * 365 * 24]).map(lambda h: h * HOUR)),
)
events = st.lists(happenings, max_size=40)


def live(clinic: Clinic, event: str, time: timedelta) -> timedelta:
    """Let an event happen, and return for how long it may put runs off."""
    paused = timedelta()
    match event:
        case "work":
            clinic.work(time)
        case "rest":
            clinic.rest(time)
        case "sleep":
            clinic.sleep(time)
        case "off":
            clinic.quit()
            clinic.sleep(time)
        case "quit":
            clinic.quit()
        case "crash":
            clinic.lose_power()
        case "cut":
            clinic.cutting = Cut.UNPUBLISHED if time == DAY else Cut.UNRECORDED
        case "emr":
            clinic.open_emr()
        case "fail" | "mend":
            clinic.failing = event == "fail"
        case "cancel":
            clinic.cancelling = True
        case "low" | "charge":
            clinic.battery_is_low = event == "low"
        case "pause":
            clinic.pause(time)
            paused = min(time, LONGEST_PAUSE)
        case "click":
            clinic.click(10)
        case "set":
            clinic.clock.set_back(time)
    return paused


@given(events, st.sampled_from([0.25, 1, 4, 24]))
@settings(max_examples=150, deadline=None)
def test_no_waking_time_longer_than_interval_pause_and_battery_allow_goes_by_without_an_attempt(
    happened: list[tuple[str, timedelta]], every: float
) -> None:
    clinic, paused = Clinic(every * HOUR, START), timedelta()
    for event, time in happened:
        paused += live(clinic, event, time)
    # A wait for the charger begins again after a crash and after a pause.
    low = LONGEST_BATTERY_WAIT * sum(event in ("low", "crash", "cut", "pause") for event, _time in happened)
    assert clinic.longest_wait <= every * HOUR + paused + low + SLACK


@given(
    st.lists(happenings.filter(lambda happened: happened[0] not in ("pause", "low")), max_size=40),
    st.sampled_from([0.25, 1, 4, 24]),
)
@settings(max_examples=100, deadline=None)
def test_without_pause_and_battery_each_waking_interval_has_its_attempt(
    happened: list[tuple[str, timedelta]], every: float
) -> None:
    clinic = Clinic(every * HOUR, START)
    for event, time in happened:
        live(clinic, event, time)
    assert clinic.longest_wait <= every * HOUR + SLACK


@pytest.mark.parametrize("seed", range(3))
def test_two_years_of_a_clinic_with_every_mishap(seed: int) -> None:
    clinic = live_two_years(seed)
    assert clinic.shelf.thinnings, "the disk was never nearly full"


@pytest.mark.parametrize("seed", range(1))
def test_two_years_without_pause_and_battery_never_go_an_interval_and_five_minutes_awake_without_an_attempt(
    seed: int,
) -> None:
    assert live_without_pause(seed).runs


@pytest.mark.parametrize("seed", [0, 9])
def test_after_a_month_something_of_day_7_and_of_week_3_can_be_restored_whatever_clock_and_power_do(seed: int) -> None:
    assert len(live_a_year_of_days(seed).shelf.given) > 400


def test_so_it_can_on_a_pc_that_says_the_same_date_every_day() -> None:
    assert len(live_without_a_date(0).shelf.given) > 200


@pytest.mark.parametrize("change", [datetime(2025, 3, 30, tzinfo=UTC), datetime(2025, 10, 26, tzinfo=UTC)])
def test_a_night_in_which_the_clocks_change_is_a_night_like_any_other(change: datetime) -> None:
    clinic = Clinic(HOUR, change - timedelta(hours=3))
    clinic.work(timedelta(hours=8))
    times = [run.started_at for run in reversed(clinic.runs)]
    gaps = [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
    assert all(HOUR <= gap <= HOUR + TICK + WORK for gap in gaps)
    assert len(gaps) == 7


def test_a_clinic_without_changes_has_one_archive_for_each_day_and_a_run_every_interval() -> None:
    clinic = Clinic(FOUR_HOURS, START)
    clinic.rest(10 * DAY)
    assert len(clinic.runs) == pytest.approx(60, abs=2)
    made = [run for run in clinic.runs if run.archive and run.outcome == "made"]
    assert len({run.started_at.date() for run in made}) == len(made) == 11


def test_a_start_during_a_pause_is_backed_up_after_it_and_an_end_at_once() -> None:
    clinic = Clinic(FOUR_HOURS, START)
    clinic.work(HOUR)
    clinic.pause(HOUR)
    clinic.lose_power()
    clinic.work(HOUR / 2)
    assert len(clinic.runs) == 1
    clinic.work(HOUR)
    assert [run.trigger for run in clinic.runs[:-1]] == ["startup"]
    clinic.pause(HOUR)
    clinic.quit()
    assert clinic.runs[0].trigger == "exit"
