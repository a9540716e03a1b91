"""The Help page: the way back, the places of this very PC, and the self-test."""

from pathlib import Path

import pytest

from backup_core.engine import BackupEngine
from backup_core.history import Trigger
from backup_core.jobs import Job
from backup_core.logs import log_file
from backup_core.places import state_folder
from backup_core.progress import ignore
from backup_core.settings import Preferences, Settings
from tests.web.conftest import Clinic, Visitor


def test_it_names_the_places_of_this_pc(
    visitor: Visitor, clinic: Clinic, engine: BackupEngine, backup: str, tmp_path: Path
) -> None:
    Settings(clinic.data_dir).save(Preferences(emr_command="docassist --quiet"))
    stick = tmp_path / "STICK"
    stick.mkdir()
    engine.copier.save(engine.find(backup), stick, Trigger.MANUAL, ignore)
    page = visitor.get("/help").text

    for place in (clinic.data_dir, engine.backup_dir, log_file(), stick / "DocAssist Backup", "docassist --quiet"):
        assert f"<bdi hx-ignore>{place}</bdi>" in page
    assert f"The best backup when this was printed: <bdi hx-ignore>{backup}</bdi>" in page
    assert "clinic.db-wal" in page


def test_it_helps_also_when_the_backup_folder_is_away(visitor: Visitor, engine: BackupEngine) -> None:
    engine.repository.folder = Path("/nowhere/at/all")
    page = visitor.get("/help")
    assert page.status_code == 200
    assert "The best backup" not in page.text


def test_every_page_leads_to_it(visitor: Visitor) -> None:
    shell = visitor.client.get("/", headers={"Sec-Fetch-Mode": "navigate"}, base_url="http://127.0.0.1:8765").text
    assert 'href="/help" data-room="help" aria-keyshortcuts="F1"' in shell


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_self_test_runs_with_progress_and_shows_its_table_and_report(visitor: Visitor, clinic: Clinic) -> None:
    seen: list[tuple[int, int]] = []
    visitor.jobs.add_listener(lambda job: seen.append((job.done, job.total)) if job.stage else None)
    assert "every 1s" in visitor.post("/help/selftest").text
    job = visitor.finished()
    page = visitor.get("/help/selftest").text

    assert job.state == "done"
    assert "Everything passed." in page
    assert page.count(">Passed</span>") == 8
    assert "Make a sample clinic" in page
    report = state_folder() / "selftest-report.txt"
    assert f"<bdi hx-ignore>{report}</bdi>" in page
    assert "8 of 8 passed" in report.read_text()
    assert seen[-1] == (8, 8)
    assert clinic.count("patients") == 3
    assert [path.name for path in state_folder().iterdir() if path.is_dir() and len(path.name) == 32] == []


@pytest.mark.slow
def test_a_self_test_can_be_cancelled_between_two_steps_and_leaves_nothing(visitor: Visitor) -> None:

    def stop(job: Job) -> None:
        if job.done == 1:
            visitor.jobs.cancel(job.id)

    visitor.jobs.add_listener(stop)
    visitor.post("/help/selftest")
    assert visitor.finished().state == "cancelled"
    assert "It was cancelled" in visitor.get("/help/selftest").text
    assert [path.name for path in state_folder().iterdir() if path.is_dir() and len(path.name) == 32] == []
