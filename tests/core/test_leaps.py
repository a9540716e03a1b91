"""A clock that leaps ahead makes no safety backup old."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from backup_core import BackupEngine
from backup_core.leaps import believed
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
