import os
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_core.runs import Action, Outcome, Run, Trigger

#: Any text, and what Python makes of a file name that is no UTF-8.
text = st.text() | st.binary().map(os.fsdecode)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
facts = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
runs = st.builds(
    Run,
    action=st.sampled_from(Action),
    trigger=st.sampled_from(Trigger),
    outcome=st.sampled_from(Outcome),
    started_at=st.datetimes(datetime.fromisoformat("1990-01-01"), timezones=zones),
    duration=st.floats(0, 1e6),
    archive=st.none() | st.text(),
    code=st.text(),
    reason=text,
    facts=st.dictionaries(st.text(), facts),
    fingerprint=st.text(),
)


@given(runs)
def test_a_run_comes_back_from_its_line_as_it_was(run: Run) -> None:
    line = run.to_json()
    assert b"\n" not in line
    assert b"\r" not in line
    again = Run.from_json(line)
    assert again == run
    assert again is not None
    assert again.started_at.tzinfo == UTC


@given(runs, st.data())
def test_a_torn_line_is_no_run_and_no_error(run: Run, data: st.DataObject) -> None:
    line = run.to_json()
    assert Run.from_json(line[: data.draw(st.integers(0, len(line) - 1))]) is None


@given(st.binary())
def test_any_bytes_are_read_without_an_error(line: bytes) -> None:
    assert Run.from_json(line) is None


@pytest.mark.parametrize("duration", ["NaN", "Infinity", "1e300"])
def test_a_run_that_would_end_at_no_time_is_no_run(duration: str) -> None:
    run = Run(action=Action.PRUNE, trigger=Trigger.MANUAL, outcome=Outcome.DONE, started_at=datetime.now(UTC))
    assert Run.from_json(run.to_json().replace(b'"duration":0.0', f'"duration":{duration}'.encode())) is None
