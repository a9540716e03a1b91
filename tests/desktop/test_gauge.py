"""The progress of a whole job: it never goes back, and it ends near its end."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_core.jobs import Job
from backup_core.progress import Stage
from tests.fakeclock import START
from tray.gauge import STEPS, Gauge

JOB = Job("1", "create", "manual", START)


@pytest.mark.parametrize("kind", STEPS)
def test_a_job_goes_from_nothing_to_all_without_a_step_back(kind: str) -> None:
    gauge, job = Gauge(), replace(JOB, kind=kind)
    seen = [
        gauge.read(replace(job, stage=stage, done=done, total=100))
        for stage, _weight in STEPS[kind]
        for done in (0, 50, 100)
    ]
    shares = [share for share in seen if share is not None]
    assert len(shares) == len(seen)
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert shares[-1] == 1


@given(st.sampled_from(list(STEPS)), st.lists(st.tuples(st.sampled_from(Stage), st.integers(0, 120)), max_size=30))
def test_whatever_is_reported_the_share_never_goes_back(kind: str, reports: list[tuple[Stage, int]]) -> None:
    gauge, before = Gauge(), 0.0
    for stage, done in reports:
        share = gauge.read(replace(JOB, kind=kind, stage=stage, done=done, total=100))
        assert share is not None
        assert before <= share <= 1
        before = share


def test_the_next_job_begins_at_nothing() -> None:
    gauge = Gauge()
    assert gauge.read(replace(JOB, stage=Stage.PRUNE)) == pytest.approx(0.96)
    assert gauge.read(replace(JOB, id="2", stage=Stage.CHECK)) == 0


def test_what_nobody_can_say_is_not_said() -> None:
    assert Gauge().read(JOB) is None
    assert Gauge().read(replace(JOB, kind="delete", stage=Stage.CHECK)) is None
