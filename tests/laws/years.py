"""Years of a simulated launcher with every mishap: `python -m tests.laws.years` lives through 20 of them."""

import argparse
import random
import sys
from datetime import UTC, datetime, timedelta

from backup_core.due import LONGEST_BATTERY_WAIT, LONGEST_PAUSE

from .clinic import Clinic

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FOUR_HOURS = 4 * HOUR
SLACK = timedelta(minutes=5)
#: As many as the launcher's policy has places.
PLACES = 10 + 10 + 14 + 8 + 12


def live_two_years(seed: int) -> Clinic:
    """Return a clinic after two years of sleep, power cuts, failures, wrong clocks, cancels, pauses, batteries."""
    chance = random.Random(seed)
    clinic = Clinic(FOUR_HOURS, datetime(2023, 6, 1, 6, 0, tzinfo=UTC))
    while clinic.truly < 730 * DAY:
        clinic.failing = chance.random() < 0.05
        clinic.battery_is_low = chance.random() < 0.1
        clinic.cancelling = chance.random() < 0.05
        if chance.random() < 0.1:
            clinic.pause(timedelta(hours=chance.choice([1, chance.uniform(5, 20)])))
        clinic.work(timedelta(hours=chance.uniform(1, 6)))
        if chance.random() < 0.1:
            clinic.click(10)
        clinic.sleep(timedelta(hours=chance.uniform(0, 2)))
        clinic.work(timedelta(hours=chance.uniform(1, 6)))
        if chance.random() < 0.05:
            wrong = chance.choice([datetime(2009, 1, 1, tzinfo=UTC), datetime(2099, 7, 1, tzinfo=UTC)])
            right = clinic.clock.utc
            clinic.lose_power()
            clinic.clock.utc = wrong
            clinic.work(timedelta(hours=chance.uniform(0, 9)))
            clinic.clock.utc = right + (clinic.clock.utc - wrong)
        if chance.random() < 0.2:
            clinic.lose_power()
            # What has used up its battery is started again at the charger.
            clinic.battery_is_low = False
        else:
            clinic.quit()
        clinic.sleep(timedelta(hours=chance.uniform(6, 14)))
    assert clinic.longest_wait <= FOUR_HOURS + LONGEST_PAUSE + LONGEST_BATTERY_WAIT + SLACK
    # A pause that begins while a run waits for the charger lets that wait begin again.
    assert clinic.longest_wait_unasked <= FOUR_HOURS + 2 * LONGEST_BATTERY_WAIT + SLACK
    assert len(clinic.folder) <= PLACES
    return clinic


def main() -> int:
    """Live through it; a broken rule ends it with an AssertionError."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=int, default=20)
    wanted = parser.parse_args()
    days = made = 0
    for seed in range(wanted.years // 2):
        clinic = live_two_years(seed)
        days += clinic.truly // DAY
        made += sum(run.outcome == "made" for run in clinic.runs)
    sys.stdout.write(f"{days} days, {made} archives made, 0 rules broken\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
