"""The page's words: every fact of the engine has one, and numbers read as people write them."""

import ast
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_core.history import Action, Outcome, Trigger
from backup_core.jobs import NAMES
from backup_core.listing import State
from backup_core.progress import Stage
from webadmin import words

ROOT = Path(__file__).parents[2]
#: All that makes facts; the page only words them.
PRODUCT = [
    path
    for folder in ("backup_core", "tray", "webadmin")
    for path in (ROOT / folder).rglob("*.py")
    if path != ROOT / "webadmin" / "words.py"
]


def test_every_fact_of_the_engine_has_its_word() -> None:
    assert {trigger.value for trigger in Trigger} == words.WHY.keys()
    assert set(State) == words.STATES.keys()
    assert set(Stage) == words.STAGES.keys()
    assert set(Action) == words.ACTIONS.keys()
    assert set(Outcome) == words.OUTCOMES.keys()
    assert NAMES.keys() == words.JOBS.keys()


@pytest.mark.parametrize("kind", [Stage, Action, Outcome, Trigger])
def test_every_fact_that_has_a_word_is_made_somewhere(kind: type[StrEnum]) -> None:
    used = {
        node.attr
        for path in PRODUCT
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == kind.__name__
    }
    assert {member.name for member in kind} - used == set()


def test_every_kind_of_job_that_has_a_word_is_started_somewhere() -> None:
    started = {
        node.args[0].value
        for path in PRODUCT
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "start"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    assert started == NAMES.keys()


@pytest.mark.parametrize(
    ("trigger", "word"), [("interval", "automatic"), ("", "by DocAssist"), ("new-kind", "new kind")]
)
def test_why_a_backup_was_made(trigger: str, word: str) -> None:
    assert words.why(trigger) == word


@pytest.mark.parametrize(
    ("size", "word"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1,023 bytes"),
        (1024, "1.0 KB"),
        (12_582_912, "12 MB"),
        (1_047_527_424, "999 MB"),
        (1_048_051_712, "1.0 GB"),
        (5 * 1024**4, "5.0 TB"),
        (5000 * 1024**4, "5,000 TB"),
    ],
)
def test_sizes(size: int, word: str) -> None:
    assert words.size(size) == word


@pytest.mark.parametrize(
    ("age", "long", "short"),
    [
        (timedelta(days=-5), "at a time yet to come", "at a time yet to come"),
        (timedelta(seconds=-5), "just now", "just now"),
        (timedelta(seconds=59), "just now", "just now"),
        (timedelta(minutes=1), "1 minute ago", "1m ago"),
        (timedelta(minutes=12, seconds=50), "12 minutes ago", "12m ago"),
        (timedelta(hours=23, minutes=59), "23 hours ago", "23h ago"),
        (timedelta(days=2, hours=5), "2 days ago", "2d ago"),
    ],
)
def test_ages(age: timedelta, long: str, short: str) -> None:
    assert words.ago(age) == long
    assert words.ago_short(age) == short


@pytest.mark.parametrize(
    ("seconds", "word"),
    [(0.42, "0.4 seconds"), (12.2, "12 seconds"), (59.9, "1 minute"), (60, "1 minute"), (185, "3 minutes 5 seconds")],
)
def test_durations(seconds: float, word: str) -> None:
    assert words.lasted(seconds) == word


def test_dates_and_times() -> None:
    assert words.date_time(datetime(2026, 1, 2, 10, 30)) == "2 Jan 2026, 10:30 am"  # noqa: DTZ001 - as people read it
    assert words.clock_time(datetime(2026, 1, 2, 0, 5)) == "12:05 am"  # noqa: DTZ001
    assert words.clock_time(datetime(2026, 1, 2, 12, 5)) == "12:05 pm"  # noqa: DTZ001


@given(st.datetimes(), st.datetimes())
def test_a_moment_of_today_is_told_without_its_date(moment: datetime, now: datetime) -> None:
    told = words.time_or_date(moment, now)

    if moment.date() == now.date():
        assert told == words.clock_time(moment)
    else:
        assert told in (words.clock_time(moment), words.date_time(moment))
        assert (told == words.clock_time(moment)) == (abs(moment - now) < timedelta(hours=12))
