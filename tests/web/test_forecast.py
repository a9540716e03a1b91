"""How long a restore takes, learnt from this PC."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backup_core.history import Action, Outcome, Run, Trigger
from backup_core.listing import Archive, State
from backup_core.proofs import Proof
from webadmin.forecast import forecast

NOW = datetime(2026, 1, 2, 10, 30, tzinfo=UTC)
ARCHIVE = Archive(Path("backup_2026-01-02_10-30-00.zip"), 100_000_000, 1, State.VERIFIED)


def run(action: Action, seconds: float, size: int = 0, outcome: Outcome = Outcome.DONE) -> Run:
    """Return a run that took so long."""
    return Run(
        action=action,
        trigger=Trigger.MANUAL,
        outcome=outcome,
        started_at=NOW,
        duration=seconds,
        facts={"size": size} if size else {},
    )


@pytest.mark.parametrize(
    ("size", "words"), [(100_000_000, "12 seconds"), (50_000_000, "24 seconds"), (400_000_000, "12 seconds")]
)
def test_a_restore_takes_as_long_as_the_one_before_and_longer_if_there_is_more(size: int, words: str) -> None:
    assert f"about {words}, as restores before it did" in forecast(ARCHIVE, [run(Action.RESTORE, 12.2, size)])


def test_the_restore_of_the_nearest_size_counts() -> None:
    runs = [run(Action.RESTORE, 3.0, 1000), run(Action.UNDO, 95.0, 99_000_000)]

    assert "about 1 minute 40 seconds" in forecast(ARCHIVE, runs)


def test_before_any_restore_it_goes_by_backing_up_and_opening() -> None:
    runs = [run(Action.BACKUP, 4.0, outcome=Outcome.MADE), run(Action.PROVE, 3.0)]
    opened = replace(ARCHIVE, proof=Proof(NOW, duration=2.0))

    assert "should take about 7 seconds" in forecast(ARCHIVE, runs)
    assert "should take about 6 seconds" in forecast(opened, runs[:1])


def test_what_is_not_known_is_said_so() -> None:
    failed = [run(Action.RESTORE, 5.0, 100, Outcome.FAILED), run(Action.RESTORE, 5.0)]

    assert "not known yet" in forecast(ARCHIVE, [])
    assert "not known yet" in forecast(ARCHIVE, failed)
