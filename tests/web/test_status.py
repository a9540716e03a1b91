"""The status bar and its facts as JSON."""

import threading
from datetime import datetime

from backup_core.engine import BackupEngine
from backup_core.progress import OnProgress, Progress, Stage
from tests.web.conftest import PATIENCE, Visitor


def test_before_the_first_backup_there_is_none(visitor: Visitor) -> None:
    assert "Backup: none" in visitor.get("/bar").text
    assert visitor.get("/status").get_json() == {
        "verdict": "none",
        "last_backup": None,
        "next_due": None,
        "hold": None,
        "paused_until": None,
        "job": None,
        "emr": "unknown",
        "counts": {"patients": 0, "visits": 0, "backups": 0},
        "caretaker": "",
        "sample": False,
        "notices": [],
    }


def test_after_a_backup_it_tells_its_age_and_what_it_holds(visitor: Visitor, engine: BackupEngine, backup: str) -> None:
    status = visitor.get("/status").get_json()
    manifest = engine.find(backup).manifest

    assert "Backup: just now" in visitor.get("/bar").text
    assert manifest is not None
    assert datetime.fromisoformat(status["last_backup"]) == manifest.created_at_utc
    assert status["verdict"] == "good"
    assert status["counts"] == {"patients": 3, "visits": 3, "backups": 1}


def test_a_running_job_is_told_with_its_progress(visitor: Visitor) -> None:
    reported, may_end = threading.Event(), threading.Event()

    def work(on_progress: OnProgress) -> None:
        on_progress(Progress(Stage.PACK, 30, 100))
        reported.set()
        assert may_end.wait(PATIENCE)

    job = visitor.jobs.start("create", work, trigger="interval")
    assert reported.wait(PATIENCE)
    status, bar, page = visitor.get("/status").get_json(), visitor.get("/bar").text, visitor.get("/").text
    may_end.set()
    visitor.finished()

    assert status["job"] == {
        "id": job.id,
        "kind": "create",
        "trigger": "interval",
        "started_at": job.started_at.isoformat(),
        "stage": "pack",
        "done": 30,
        "total": 100,
    }
    assert "Backing up: packing the copy" in bar
    assert 'max="100" value="30"' in page
    assert "The first one is being made." in page
    assert visitor.get("/status").get_json()["job"] is None
