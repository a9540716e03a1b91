"""The picture of the history: what is drawn where, and the same in words."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from backup_core.history import Action, Outcome, Run, Trigger
from webadmin.picture import BOTTOM, LONGEST, TOP, Picture, picture_of
from webadmin.summary import summary

NOW = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)


def run(ago: timedelta, outcome: Outcome = Outcome.MADE, patients: int = 100, size: int = 1 << 20) -> Run:
    """Return a run of `ago`; one that made a backup says what it held."""
    facts = {"patients": patients, "size": size} if outcome is Outcome.MADE else {}
    return Run(
        action=Action.BACKUP, trigger=Trigger.INTERVAL, outcome=outcome, started_at=NOW - ago, facts=facts, archive="x"
    )


def drawn(runs: list[Run]) -> Picture:
    """Return the picture of the runs, newest first, whose backups are gone."""
    picture = picture_of(runs, [], NOW)
    assert picture is not None
    return picture


def test_without_any_backup_there_is_no_picture() -> None:
    assert picture_of([], [], NOW) is None
    assert picture_of([run(timedelta(hours=11))], [], NOW) is None
    assert summary(None) == ""


def test_patients_and_size_rise_and_fall_with_their_numbers() -> None:
    picture = drawn(
        [run(timedelta(hours=1), patients=100, size=4000), run(timedelta(hours=19), patients=50, size=2000)]
    )
    before, after = picture.points

    assert before.x < after.x
    assert (after.patients_y, before.patients_y) == (TOP, (TOP + BOTTOM) / 2)
    assert before.size_y > after.size_y


def test_a_failure_is_marked_even_beside_a_success() -> None:
    picture = drawn([run(timedelta(days=9)), run(timedelta(days=9, seconds=1), Outcome.FAILED), run(timedelta(0))])

    assert [mark.run.outcome for mark in picture.marks] == [Outcome.MADE, Outcome.MADE, Outcome.FAILED]
    assert picture.failures == 1


def test_runs_that_cannot_be_told_apart_share_a_mark() -> None:
    picture = drawn([run(timedelta(days=80)), *(run(timedelta(minutes=minutes)) for minutes in range(5))])

    assert [mark.runs for mark in picture.marks] == [1, 5]


def test_a_time_without_runs_is_a_gap_and_a_night_is_none() -> None:
    hours = [0, 15, 30, 100, 110]
    picture = drawn([run(timedelta(hours=ago)) for ago in hours])
    (gap,) = picture.gaps

    assert gap.end - gap.begin == timedelta(hours=70)
    assert gap.width > 50


def test_that_nothing_was_done_until_now_is_a_gap_too() -> None:
    assert len(drawn([run(timedelta(days=3))]).gaps) == 1


def test_the_words_tell_backups_failures_and_the_longest_gap() -> None:
    said = summary(
        drawn(
            [
                run(timedelta(hours=1), patients=1284, size=5 << 20),
                run(timedelta(hours=2), Outcome.FAILED),
                run(timedelta(days=5), patients=1200),
            ]
        )
    )

    assert "Since 25 Feb 2026: 2 backups, from 1,200 to 1,284 patients, the last one of 5.0 MB." in said
    assert "1 run has failed." in said
    assert "For over a day nothing was backed up 1 time:" in said


def test_safety_backups_and_what_is_too_old_are_left_out() -> None:
    safety = run(timedelta(hours=1))
    safety = Run(**{**vars(safety), "trigger": Trigger.SAFETY})

    assert picture_of([safety, run(LONGEST + timedelta(days=1))], [], NOW) is None


OUTCOMES = [Outcome.MADE, Outcome.UNCHANGED, Outcome.FAILED, Outcome.CANCELLED]


@given(
    st.lists(st.tuples(st.timedeltas(timedelta(days=-2), timedelta(days=200)), st.sampled_from(OUTCOMES)), max_size=30)
)
def test_everything_lies_within_the_frame(past: list[tuple[timedelta, Outcome]]) -> None:
    picture = picture_of([run(ago, outcome) for ago, outcome in past], [], NOW)
    if picture is None:
        return
    places = [*(one.x for one in picture.points), *(one.x for one in picture.marks), *(one.x for one in picture.ticks)]

    assert all(0 <= x <= 100 for x in places)
    assert all(0 <= gap.x <= gap.x + gap.width <= 100.01 for gap in picture.gaps)
    assert sum(mark.runs for mark in picture.marks) == len(
        [ago for ago, _outcome in past if timedelta() <= ago <= LONGEST]
    )
