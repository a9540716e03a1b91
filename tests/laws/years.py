"""Years of a simulated launcher with every mishap: `python -m tests.laws.years` lives through 20 of them and more.

Two years with everything; two without pause and battery, in which the bound is exact; one of a clinic that opens each
day, in which something of day 7 and of week 3 can always be restored; and that again on a PC that has no date at all.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from backup_core.due import LONGEST_BATTERY_WAIT, LONGEST_PAUSE
from tests.fakeclock import ZONE

from .clinic import Clinic, Cut
from .shelf import GIGABYTE

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FOUR_HOURS = 4 * HOUR
SLACK = timedelta(minutes=5)
#: As many as the launcher's policy has places.
PLACES = 10 + 10 + 14 + 8 + 12
#: Of 370.
MOST_EMPTY_DAYS = 10
BEGIN = datetime(2026, 6, 1, 6, 0, tzinfo=UTC)
#: What a clock may say that has lost its time.
LOST = (datetime(2009, 1, 1, tzinfo=UTC), datetime(2099, 7, 1, tzinfo=UTC))


def live_two_years(seed: int) -> Clinic:
    """Return a clinic after two years of mishaps, pauses and batteries, and now and then a nearly full disk."""
    chance = random.Random(seed)
    clinic = Clinic(FOUR_HOURS, BEGIN)
    while clinic.truly < 730 * DAY:
        clinic.battery_is_low = chance.random() < 0.1
        if chance.random() < 0.1:
            clinic.pause(timedelta(hours=chance.choice([1, chance.uniform(5, 20)])))
        if chance.random() < 0.1:
            # Somebody fills the disk but for some gigabytes, or makes room on it.
            left = chance.choice([0, 1, 2, 3, 4, 100, 100, 100]) * GIGABYTE
            clinic.shelf.of_others += clinic.shelf.free - left
        _live_a_day(clinic, chance)
    assert clinic.longest_wait <= FOUR_HOURS + LONGEST_PAUSE + LONGEST_BATTERY_WAIT + SLACK
    # A pause that begins while a run waits for the charger lets that wait begin again.
    assert clinic.longest_wait_unasked <= FOUR_HOURS + 2 * LONGEST_BATTERY_WAIT + SLACK
    assert len(clinic.folder) <= PLACES + 1
    return clinic


def live_without_pause(seed: int) -> Clinic:
    """Return a clinic after two years of the same without pause and battery: there is an attempt each interval."""
    chance = random.Random(seed)
    clinic = Clinic(chance.choice([HOUR / 4, HOUR, FOUR_HOURS, DAY]), BEGIN)
    while clinic.truly < 730 * DAY:
        _live_a_day(clinic, chance)
    assert clinic.longest_wait <= clinic.interval + SLACK
    return clinic


def live_a_year_of_days(seed: int) -> Clinic:
    """Return a clinic after 400 days of mishaps, on each of which it opens and something changes.

    A day whose only backup the user cancels, or the power, before the PC is switched off, has nothing to be restored.
    """
    chance = random.Random(seed)
    clinic = Clinic(FOUR_HOURS, BEGIN)
    empty = 0
    for day in range(400):
        morning = clinic.truly
        _live_a_day(clinic, chance)
        if day >= 30:
            empty += not _reaches_back(clinic, morning)
        clinic.sleep(max(DAY - (clinic.truly - morning), timedelta()))
    assert empty <= MOST_EMPTY_DAYS, "a day without a backup is a rare mishap"
    return clinic


def live_without_a_date(seed: int) -> Clinic:
    """Return a clinic after 200 days of a PC that starts on one false date, once or twice a day, and that nobody sets.

    Some days end in a power cut, and now and then the user cancels a backup.
    """
    chance = random.Random(seed)
    clinic = Clinic(FOUR_HOURS, LOST[0])
    for day in range(200):
        morning = clinic.truly
        for _start in range(chance.choice([1, 2])):
            clinic.clock.utc = LOST[0] + timedelta(seconds=chance.uniform(30, 180))
            clinic.cancelling = chance.random() < 0.05
            clinic.work(timedelta(hours=chance.uniform(1, 6)))
            clinic.lose_power() if chance.random() < 0.2 else clinic.quit()
        if day >= 30:
            _reaches_back(clinic, morning)
        clinic.sleep(DAY - (clinic.truly - morning))
    return clinic


def _reaches_back(clinic: Clinic, morning: timedelta) -> bool:
    """See that something of seven days before `morning` and of week 3 can be restored; False if day 7 had no backup.

    Of a day is what was archived on it for the first time: what its morning found is the evening's before.
    """
    archived = clinic.shelf.archived
    days = {_true_day(archived[made.contents][0]) for made in clinic.folder}
    week = (_true_day(clinic.truly) - 21 * DAY).isocalendar()[:2]
    assert any(one.isocalendar()[:2] == week for one in days), "nothing of week 3 can be restored"
    wanted = _true_day(morning) - 7 * DAY
    was_made = any(_true_day(times[0]) == wanted for times in archived.values())
    assert wanted in days or not was_made, "nothing of day 7 can be restored"
    return was_made


def _live_a_day(clinic: Clinic, chance: random.Random) -> None:
    """Open, work, have a mishap perhaps, work on, close; and a night, at most until the next morning."""
    morning = clinic.truly
    if chance.random() < 0.05:
        _lose_the_time(clinic, chance)
    clinic.failing = chance.random() < 0.05
    clinic.cancelling = chance.random() < 0.05
    clinic.work(timedelta(hours=chance.uniform(1, 6)))
    if chance.random() < 0.1:
        clinic.click(10)
    clinic.sleep(timedelta(hours=chance.uniform(0, 2)))
    if chance.random() < 0.03:
        # Somebody sets the clock, and another one puts it right.
        wrong = chance.choice([-30 * DAY, -DAY, -HOUR, HOUR, 25 * HOUR, 400 * DAY])
        clinic.clock.set_back(wrong)
        clinic.work(timedelta(hours=chance.uniform(0, 3)))
        clinic.clock.set_back(-wrong)
    if chance.random() < 0.05:
        clinic.cutting = chance.choice(list(Cut))
    clinic.failing = False
    clinic.work(timedelta(hours=chance.uniform(1, 6)))
    if not clinic.is_on:
        # The power is back.
        clinic.work(timedelta(hours=chance.uniform(0.1, 3)))
    if chance.random() < 0.2:
        clinic.lose_power()
        # What has used up its battery is started again at the charger.
        clinic.battery_is_low = False
    else:
        clinic.quit()
    clinic.sleep(max(min(timedelta(hours=chance.uniform(6, 14)), morning + DAY - clinic.truly), timedelta()))


def _lose_the_time(clinic: Clinic, chance: random.Random) -> None:
    """Start the PC with a clock that has lost its time, which somebody sets after a while."""
    right, wrong = clinic.clock.utc, chance.choice(LOST)
    clinic.lose_power()
    clinic.clock.utc = wrong
    clinic.work(timedelta(hours=chance.uniform(0, 3)))
    if chance.random() < 0.5:
        clinic.lose_power()
    clinic.clock.utc = right + (clinic.clock.utc - wrong)


def _true_day(truly: timedelta) -> date:
    """Return the day on the calendar of a clinic whose clocks never lie."""
    return (BEGIN + truly).astimezone(ZONE).date()


def main() -> int:
    """Live through it; a broken rule ends it with an AssertionError."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=int, default=20)
    wanted = parser.parse_args()
    lives: list[Callable[[int], Clinic]] = [
        live_two_years,
        live_without_pause,
        live_a_year_of_days,
        live_without_a_date,
    ]
    longest = 0.0
    for live in lives:
        days = made = thinned = 0
        for seed in range(wanted.years // 2):
            began = time.monotonic()
            clinic = live(seed)
            took = time.monotonic() - began
            longest = max(longest, took * (730 * DAY / clinic.truly))
            days += clinic.truly // DAY
            made += sum(run.outcome == "made" for run in clinic.runs)
            thinned += clinic.shelf.thinnings
        name = live.__name__.removeprefix("live_").replace("_", " ")
        sys.stdout.write(f"{days} days of {name}, {made} archives made, {thinned} thinned, 0 rules broken\n")
        sys.stdout.flush()
    sys.stdout.write(f"two years took {longest:.0f} s at most\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
