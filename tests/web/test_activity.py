"""The Activity page: every run with its reason."""

from datetime import UTC, datetime

from backup_core.engine import BackupEngine
from backup_core.history import Action, Outcome, Run, Trigger
from tests.web.conftest import Visitor
from webadmin.activity import PER_PAGE


def record(engine: BackupEngine, outcome: Outcome, reason: str = "", duration: float = 1.0) -> None:
    """Record one backup run."""
    engine.history.append(
        Run(
            action=Action.BACKUP,
            trigger=Trigger.INTERVAL,
            outcome=outcome,
            started_at=datetime.now(UTC),
            reason=reason,
            duration=duration,
        )
    )


def test_without_runs_it_says_so(visitor: Visitor) -> None:
    assert "Nothing yet." in visitor.get("/activity").text


def test_the_newest_run_comes_first_with_reason_and_duration(visitor: Visitor, engine: BackupEngine) -> None:
    record(engine, Outcome.MADE)
    record(engine, Outcome.FAILED, "The disk is full.", 63.2)
    page = visitor.get("/activity").text

    assert page.index("Failed") < page.index("Made")
    assert "The disk is full." in page
    assert "1 minute 3 seconds" in page
    assert "automatic" in page


def test_many_runs_come_in_pages(visitor: Visitor, engine: BackupEngine) -> None:
    for _ in range(PER_PAGE + 1):
        record(engine, Outcome.UNCHANGED)

    assert visitor.get("/activity").text.count('class="when"') == PER_PAGE
    assert visitor.get("/activity?page=2").text.count('class="when"') == 1


def test_a_backup_and_a_restore_leave_their_lines(visitor: Visitor, engine: BackupEngine, backup: str) -> None:
    engine.restore(engine.find(backup))
    page = visitor.get("/activity").text

    assert page.index("Restore") < page.index("by hand")
