from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from backup_core.retention import LAUNCHER_POLICY, Candidate, Policy, plan, safeties_to_prune, thinning_order

MONDAY = datetime.fromisoformat("2026-01-05T09:00")


def archives(*times: datetime, contents: str = "") -> list[Candidate]:
    return [Candidate(f"{number}", (number,), time, contents) for number, time in enumerate(times)]


def test_the_plain_rule_keeps_exactly_the_newest() -> None:
    result = plan(archives(*[MONDAY] * 12), Policy(newest=10))
    assert result.prune == ("0", "1")
    assert result.keep == {str(number): "newest" for number in range(2, 12)}


def test_the_plain_rule_counts_equal_contents_each() -> None:
    assert len(plan(archives(*[MONDAY] * 12, contents="same"), Policy(newest=10)).keep) == 10


def test_the_sequence_decides_what_is_newest_and_not_the_clock() -> None:
    in_2099 = MONDAY.replace(year=2099)
    assert plan(archives(in_2099, MONDAY), Policy(newest=1)).keep == {"1": "newest"}


def test_each_tier_keeps_the_last_of_its_days_weeks_and_months_and_says_so() -> None:
    daily = [MONDAY + timedelta(days=day, hours=hour) for day in range(-40, 1) for hour in (0, 6)]
    keep = plan(archives(*daily), Policy(newest=1, daily=3, weekly=2, monthly=2)).keep
    assert {daily[int(name)]: reason for name, reason in keep.items()} == {
        MONDAY + timedelta(hours=6): "newest",
        MONDAY + timedelta(days=-1, hours=6): "daily",
        MONDAY + timedelta(days=-2, hours=6): "daily",
        MONDAY + timedelta(days=-3, hours=6): "daily",
        datetime.fromisoformat("2025-12-28T15:00"): "weekly",
        datetime.fromisoformat("2025-12-31T15:00"): "monthly",
        datetime.fromisoformat("2025-11-30T15:00"): "monthly",
    }


def test_the_evening_of_each_day_is_kept_though_the_next_morning_begins_with_the_same_data() -> None:
    times = [MONDAY + timedelta(days=day, hours=hour) for day in range(10) for hour in (0, 4, 9)]
    # The run in the morning finds what the evening before has left.
    states = ["noon" if time.hour == 13 else "evening" for time in times]
    days = [time.date() - timedelta(days=time.hour == 9) for time in times]
    made = [
        Candidate(str(number), (number,), time, f"{days[number]} {states[number]}") for number, time in enumerate(times)
    ]
    kept = plan(made, Policy(newest=1, daily=8)).keep
    assert [times[int(name)].hour for name in kept] == [18] * 9
    assert [times[int(name)].day for name in kept] == list(range(14, 5, -1))


def test_ten_clicks_on_an_unchanged_clinic_push_no_older_state_out() -> None:
    states = [Candidate(f"s{day}", (day,), MONDAY + timedelta(days=day), f"state {day}") for day in range(10)]
    clicks = [Candidate(f"c{n}", (100 + n,), MONDAY + timedelta(days=9, minutes=n), "state 9") for n in range(10)]
    keep = plan([*states, *clicks], Policy(newest=10, states=10)).keep
    assert {name: keep.get(name) for name in ("c9", "c0", "s9", "s8", "s0")} == {
        "c9": "newest",
        "c0": "newest",
        "s9": None,
        "s8": "state",
        "s0": "state",
    }


def test_days_without_a_change_take_one_place_in_a_tier() -> None:
    busy = [Candidate("monday", (0,), MONDAY, "one"), Candidate("tuesday", (1,), MONDAY + timedelta(days=1), "two")]
    holidays = [Candidate(f"h{day}", (2 + day,), MONDAY + timedelta(days=2 + day), "two") for day in range(20)]
    # The newest stands for a day that is not over.
    assert set(plan([*busy, *holidays], Policy(newest=1, daily=2)).keep) == {"h19", "h18", "monday"}


@pytest.mark.parametrize("hours", [(0, 3), (0, 3, 6), (0, 3, 3.5, 6)])
def test_tidied_up_after_each_backup_a_clinic_keeps_the_state_of_every_evening(hours: tuple[float, ...]) -> None:
    made: list[Candidate] = []
    for day in range(30):
        for hour in hours:
            # In the morning there is what the evening before has left.
            contents = f"{day} {hour}" if hour else f"{day - 1} {hours[-1]}"
            made.append(Candidate(f"{day} {hour}", (day, hour), MONDAY + timedelta(days=day, hours=hour), contents))
            kept = plan(made, Policy(newest=2, daily=14)).keep
            made = [one for one in made if one.name in kept]
    assert {f"{day} {hours[-1]}" for day in range(15, 30)} <= {one.contents for one in made}


def on_one_date(days: int, hours: tuple[int, ...] = (0, 4), *, year: int = 2009) -> list[Candidate]:
    """Return what a PC makes that begins each day on the same date; the last of each day ends in the last hour."""
    when = datetime(year, 1, 1)  # noqa: DTZ001 - archives tell local time
    made = [(f"d{day} {hour}", when + timedelta(hours=hour), day) for day in range(days) for hour in hours]
    return [
        Candidate(name, (place,), time, name, clock_resets=day, dateless=year < 2025)
        for place, (name, time, day) in enumerate(made)
    ]


def days_of(kept: dict[str, str], hour: int = 4) -> list[int]:
    return sorted(int(name[1:].split()[0]) for name in kept if name.endswith(f" {hour}"))


def test_days_on_which_a_clock_that_was_set_back_said_the_same_date_are_kept_each() -> None:
    keep = plan(on_one_date(100, year=2099), Policy(newest=1, daily=14, weekly=8, monthly=2)).keep
    # The newest, and fourteen days; the last of each seven days before, and of each thirty.
    daily, weekly, monthly = list(range(85, 100)), [48, 55, 62, 69, 76, 83], [59, 89]
    assert days_of(keep) == sorted({*daily, *weekly, *monthly})
    assert not days_of(keep, 0)


def test_a_pc_without_a_date_that_is_switched_on_twice_a_day_keeps_as_many_days_as_any_other() -> None:
    keep = plan(on_one_date(100), Policy(newest=1, daily=14, weekly=3, monthly=2)).keep
    daily, weekly, monthly = list(range(71, 100)), [62, 69], [29, 59]
    assert days_of(keep) == sorted({*daily, *weekly, *monthly})
    assert not days_of(keep, 0)


def test_what_is_made_under_a_false_date_takes_no_place_from_the_days_of_a_right_clock() -> None:
    right = [MONDAY + timedelta(days=day, hours=9) for day in range(20)]
    made = [
        one
        for wrong, (day, time) in zip(on_one_date(20, (0,)), enumerate(right), strict=True)
        for one in (replace(wrong, order=(day, 0)), Candidate(f"r{day}", (day, 1), time, clock_resets=day))
    ]
    keep = plan(made, Policy(newest=1, daily=14)).keep
    assert {name for name in keep if name[0] == "r"} == {f"r{day}" for day in range(6, 20)}
    assert {name for name in keep if name[0] == "d"} == {f"d{day} 0" for day in range(10, 20)}


def test_what_a_pc_without_a_date_has_made_gives_way_once_its_clock_is_right() -> None:
    made = on_one_date(60)
    for day in range(400):
        time = MONDAY + timedelta(days=day)
        made.append(Candidate(f"r{day}", (1000 + day,), time, f"r{day}", clock_resets=59))
        kept = plan(made, LAUNCHER_POLICY).keep
        made = [one for one in made if one.name in kept]
        if day == 30:
            assert "daily" not in {reason for name, reason in kept.items() if name[0] == "d"}
    assert sum(one.dateless for one in made) <= 3


def test_what_must_never_go_is_kept_beyond_the_policy() -> None:
    result = plan(archives(*[MONDAY] * 3), Policy(newest=1), never={"0", "2"})
    assert result.keep == {"2": "newest", "0": "protected"}
    assert result.prune == ("1",)


def test_nothing_is_planned_for_an_empty_folder() -> None:
    assert plan([], LAUNCHER_POLICY).prune == ()


@pytest.mark.parametrize(
    "fields", [{"newest": 0}, {"newest": -1}, {"daily": -1}, {"weekly": -1}, {"monthly": -2}, {"states": -1}]
)
def test_a_policy_that_would_delete_everything_cannot_be_made(fields: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="keeps at least"):
        Policy(**fields)


def test_the_longest_tier_is_thinned_first_and_its_oldest_archive_before_the_others() -> None:
    weeks = [MONDAY - timedelta(weeks=week) for week in range(20, 0, -1)]
    days = [MONDAY + timedelta(days=day) for day in range(4)]
    candidates = archives(*weeks, *days)
    planned = plan(candidates, Policy(newest=1, states=2, daily=4, weekly=4, monthly=4))
    reasons = {name: planned.keep[name] for name in thinning_order(candidates, planned, never={"22"})}
    tiers = ["monthly", "weekly", "daily"]
    assert list(dict.fromkeys(reasons.values())) == tiers
    assert list(reasons.values()) == sorted(reasons.values(), key=tiers.index)
    for tier in tiers:
        numbers = [int(name) for name, reason in reasons.items() if reason == tier]
        assert numbers == sorted(numbers)
    assert thinning_order(candidates, planned)[-1] == "22"
    assert planned.keep["22"] == "state"
    assert "23" not in reasons


def test_a_safety_backup_can_be_undone_to_for_thirty_days_and_no_longer() -> None:
    safeties = archives(MONDAY - timedelta(days=30, seconds=1), MONDAY - timedelta(days=30), *[MONDAY] * 3)
    assert safeties_to_prune(safeties, MONDAY) == ("0",)
    assert safeties_to_prune(safeties, MONDAY, never={"0"}) == ()
