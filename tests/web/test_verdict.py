"""The verdict: what the doctor reads first."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_core.history import Action, Outcome, Run, Trigger
from webadmin.verdict import Evidence, Level, verdict_of

NOW = datetime(2026, 1, 2, 10, 30, tzinfo=UTC)
ENDED = [Outcome.MADE, Outcome.UNCHANGED, Outcome.FAILED]


def run(outcome: Outcome) -> Run:
    """Return a run of one minute ago."""
    return Run(
        action=Action.BACKUP,
        trigger=Trigger.INTERVAL,
        outcome=outcome,
        started_at=NOW - timedelta(minutes=1),
        reason="The disk is full." if outcome is Outcome.FAILED else "",
    )


def facts(age: timedelta | None, outcome: Outcome | None = None, *, running: bool = False) -> Evidence:
    """Return what is known when the newest good backup was confirmed `age` ago."""
    confirmed = None if age is None else NOW - age
    last_run = run(outcome) if outcome else None
    return Evidence(confirmed_at=confirmed, patients=1284, visits=9310, last_run=last_run, running=running)


def test_a_young_backup_protects_and_says_what_it_holds() -> None:
    verdict = verdict_of(facts(timedelta(minutes=12), Outcome.MADE), NOW)

    assert verdict.level is Level.GOOD
    assert verdict.headline == "Protected on this PC"
    assert verdict.evidence == (
        "Last backup 12 minutes ago, checked, not yet opened: 1,284 patients, 9,310 visits. Last copy elsewhere: never."
    )


@pytest.mark.parametrize(("hours", "level"), [(24, Level.GOOD), (24.1, Level.OLD), (72, Level.OLD)])
def test_a_backup_is_old_after_a_day(hours: float, level: Level) -> None:
    assert verdict_of(facts(timedelta(hours=hours)), NOW).level is level


def test_a_failure_says_its_reason_and_names_the_last_good_one() -> None:
    verdict = verdict_of(facts(timedelta(hours=3), Outcome.FAILED), NOW)

    assert verdict.level is Level.FAILED
    assert "The disk is full. The last good one was 3 hours ago, checked, not yet opened:" in verdict.evidence
    assert verdict.advice


def test_while_a_backup_runs_the_failure_before_it_is_not_shouted() -> None:
    assert verdict_of(facts(timedelta(hours=3), Outcome.FAILED, running=True), NOW).level is Level.GOOD


def test_a_backup_that_was_opened_is_said_to_be() -> None:
    opened = replace(facts(timedelta(minutes=12)), opened=True)

    assert "12 minutes ago, opened and checked: 1,284 patients" in verdict_of(opened, NOW).evidence


def test_a_folder_that_cannot_be_reached_comes_before_all_else() -> None:
    verdict = verdict_of(Evidence(unreachable="The folder E:\\backups is not there."), NOW)

    assert verdict.level is Level.FAILED
    assert verdict.evidence == "The folder E:\\backups is not there."


def test_what_looks_wrong_is_never_green() -> None:
    verdict = verdict_of(replace(facts(timedelta(minutes=12)), alarm="80 of 100 patients have gone."), NOW)

    assert verdict.level is Level.OLD
    assert verdict.headline == "Something looks wrong"
    assert verdict.evidence.startswith("80 of 100 patients have gone. Last backup 12 minutes ago")


def test_a_first_run_is_neutral() -> None:
    assert verdict_of(facts(None), NOW).evidence == "Click Backup Now to make the first one."
    assert verdict_of(facts(None, running=True), NOW).evidence == "The first one is being made."
    assert verdict_of(facts(None), NOW).level is Level.NONE


@given(
    st.none() | st.timedeltas(timedelta(days=-1), timedelta(days=4000)),
    st.none() | st.sampled_from(ENDED),
    st.booleans(),
)
def test_it_is_good_only_with_a_good_backup_of_the_last_day_and_no_failure_after_it(
    age: timedelta | None, outcome: Outcome | None, running: bool
) -> None:
    verdict = verdict_of(facts(age, outcome, running=running), NOW)
    young = age is not None and -timedelta(minutes=5) <= age <= timedelta(hours=24)

    assert (verdict.level is Level.GOOD) == (young and (outcome is not Outcome.FAILED or running))
    assert verdict.headline
    assert verdict.evidence


def test_a_copy_elsewhere_tells_its_age() -> None:
    copied = replace(facts(timedelta(minutes=12)), copied_at=NOW - timedelta(days=3))

    assert verdict_of(copied, NOW).evidence.endswith("Last copy elsewhere: 3 days ago.")


@pytest.mark.parametrize(
    ("awake", "level"),
    [(timedelta(minutes=9), Level.NONE), (timedelta(minutes=10), Level.OLD), (timedelta(hours=3), Level.OLD)],
)
def test_nothing_turns_orange_until_todays_first_run_has_had_ten_minutes(awake: timedelta, level: Level) -> None:
    monday = replace(facts(timedelta(hours=62)), awake_since=NOW - awake)

    assert verdict_of(monday, NOW).level is level


def test_an_old_backup_is_no_alarm_while_the_next_one_is_being_made() -> None:
    assert verdict_of(facts(timedelta(days=3), running=True), NOW).level is Level.NONE


@pytest.mark.parametrize(("days", "level"), [(7, Level.GOOD), (7.1, Level.OLD)])
def test_that_no_backup_was_opened_is_orange_only_after_a_week(days: float, level: Level) -> None:
    unopened = replace(facts(timedelta(minutes=12)), opened_at=NOW - timedelta(days=days))
    verdict = verdict_of(unopened, NOW)

    assert verdict.level is level
    assert ("For 7 days no backup was opened" in verdict.evidence) == (level is Level.OLD)


def test_a_clock_before_the_newest_backup_is_said_and_not_hidden_as_just_now() -> None:
    verdict = verdict_of(facts(-timedelta(days=4000)), NOW)

    assert verdict.level is Level.OLD
    assert verdict.headline == "The clock of this PC looks wrong"
    assert "It says 2 Jan 2026" in verdict.evidence


def test_damaged_data_has_words_of_its_own() -> None:
    damaged = replace(facts(timedelta(hours=3)), last_run=replace(run(Outcome.FAILED), code="source-damaged"))

    assert verdict_of(damaged, NOW).headline == "DocAssist's data is damaged"
    assert "newest good one" in verdict_of(damaged, NOW).advice


def test_no_level_is_told_by_its_colour_alone() -> None:
    shown = [
        facts(timedelta(minutes=1)),
        facts(timedelta(days=3)),
        facts(timedelta(hours=1), Outcome.FAILED),
        facts(None),
    ]
    headlines = {verdict_of(one, NOW).level: verdict_of(one, NOW).headline for one in shown}

    assert len(set(headlines.values())) == len(Level)


def test_a_damaged_backup_is_never_green() -> None:
    damaged = replace(facts(timedelta(minutes=12)), damaged="The backup of Monday is damaged: it is torn.")
    verdict = verdict_of(damaged, NOW)
    assert (verdict.level, verdict.headline) == (Level.OLD, "A backup is damaged")
    assert verdict.evidence.startswith("The backup of Monday is damaged: it is torn. Last backup 12 minutes ago")
    assert "Check" in verdict.advice
    assert "it is torn" in verdict_of(replace(damaged, confirmed_at=None), NOW).evidence
