"""The Activity page: every run with its reason."""

import re
import sqlite3
from datetime import UTC, datetime

from backup_core.engine import BackupEngine
from backup_core.history import Action, Outcome, Run, Trigger
from backup_core.logs import log_file
from tests.web.conftest import Clinic, Visitor
from webadmin.activity import KINDS, PER_PAGE


def record(
    engine: BackupEngine,
    outcome: Outcome,
    reason: str = "",
    duration: float = 1.0,
    action: Action = Action.BACKUP,
    at: datetime | None = None,
) -> None:
    """Record one run."""
    engine.history.append(
        Run(
            action=action,
            trigger=Trigger.INTERVAL,
            outcome=outcome,
            started_at=at or datetime.now(UTC),
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


def test_one_kind_or_only_what_failed_can_be_shown_and_stays_so_on_the_next_page(
    visitor: Visitor, engine: BackupEngine
) -> None:
    for _count in range(PER_PAGE + 1):
        record(engine, Outcome.FAILED, "The disk is full.")
    record(engine, Outcome.MADE)
    record(engine, Outcome.DONE, action=Action.RESTORE)

    def shown(query: str) -> int:
        return visitor.get(f"/activity?{query}").text.count('class="when"')

    assert shown("kind=restores") == 1
    assert shown("kind=checks") == 0
    assert "There is nothing of that kind." in visitor.get("/activity?kind=checks").text
    assert shown("kind=backups&failed=yes") == PER_PAGE
    assert "page=2&amp;kind=backups&amp;failed=yes" in visitor.get("/activity?kind=backups&failed=yes").text
    assert shown("kind=backups&failed=yes&page=2") == 1
    assert shown("kind=nonsense") == PER_PAGE


def test_every_kind_of_run_can_be_found_under_a_kind_of_its_own() -> None:
    found = [action for name, (_words, actions) in KINDS.items() if name for action in actions]
    assert sorted(found) == sorted(Action)


def test_a_run_tells_where_its_time_went(visitor: Visitor, backup: str) -> None:
    page = visitor.get("/activity").text
    assert backup
    assert "Reading again and comparing" in page
    assert re.search(r"<dd>\d+\.\d\d s</dd>", page)


def test_a_time_without_any_run_is_a_line_where_it_lies(visitor: Visitor, engine: BackupEngine) -> None:
    for begin in (datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 3, 9, 9, tzinfo=UTC)):
        record(engine, Outcome.MADE, at=begin)
    page = visitor.get("/activity").text
    told = "Not running from 2 Mar 2026 to 9 Mar 2026, or the data folder was away; nothing was backed up in that time."
    assert page.index("9 Mar 2026, ") < page.index(told) < page.index("2 Mar 2026, 9:")


def test_what_another_program_removed_is_named(visitor: Visitor, engine: BackupEngine, backup: str) -> None:
    assert "removed by another program" not in visitor.get("/activity").text
    engine.find(backup).path.unlink()
    page = visitor.get("/activity").text
    assert "1 backup was removed by another program, or by hand" in page
    assert f"<bdi hx-ignore>{backup}</bdi>" in page


def test_a_backup_folder_that_is_away_accuses_nobody(visitor: Visitor, engine: BackupEngine, backup: str) -> None:
    engine.backup_dir.rename(engine.backup_dir.with_name(f"away with {backup}"))
    page = visitor.get("/activity")
    assert page.status_code == 200
    assert "removed by another program" not in page.text


def test_the_end_of_the_log_is_shown_as_text(visitor: Visitor) -> None:
    log_file().parent.mkdir(parents=True, exist_ok=True)
    log_file().write_text("first\n<b>last</b> line\n")
    page = visitor.get("/activity/log").text
    assert "&lt;b&gt;last&lt;/b&gt; line" in page
    assert f"<bdi hx-ignore>{log_file()}</bdi>" in page
    log_file().unlink()
    assert "The log file is empty, or cannot be read." in visitor.get("/activity/log").text


def test_diagnostics_have_versions_and_no_patient(visitor: Visitor, clinic: Clinic) -> None:
    clinic.rename(1, "Ravi Kumar")
    page = visitor.get("/activity/diagnostics").text
    assert f"SQLite {sqlite3.sqlite_version}" in page
    assert "Ravi" not in page
    assert str(clinic.data_dir) not in page
