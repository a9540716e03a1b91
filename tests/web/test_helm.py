"""The icon's menu on the page: pause, start, close; for desktops that show no icon."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from backup_core.due import Hold
from backup_core.engine import BackupEngine
from backup_core.jobs import JobRunner
from backup_core.settings import Settings
from webadmin import Access, PlainDesk, create_app
from webadmin.desk import EmrState, PauseLength

from .conftest import Visitor


class Launcher(PlainDesk):
    """A desk that notes what it is asked for."""

    def __init__(self, engine: BackupEngine, jobs: JobRunner) -> None:
        super().__init__(engine, jobs)
        self.asked: list[str] = []
        self.until: datetime | None = None
        self.emr: EmrState = "running"
        self.held: Hold | None = None

    def next_due(self) -> datetime:
        return datetime.now(UTC) + timedelta(hours=1)

    def hold(self) -> Hold | None:
        return self.held

    def paused_until(self) -> datetime | None:
        return self.until

    def emr_state(self) -> EmrState:
        return self.emr

    def pause(self, length: PauseLength) -> None:
        self.asked.append(length)
        self.until = datetime.now(UTC) + timedelta(hours=1)

    def resume(self) -> None:
        self.until = None

    def start_emr(self) -> None:
        self.asked.append("start")

    def close_emr(self) -> None:
        self.asked.append("close")


@pytest.fixture
def desk(engine: BackupEngine, jobs: JobRunner) -> Launcher:
    return Launcher(engine, jobs)


@pytest.fixture
def app(engine: BackupEngine, jobs: JobRunner, access: Access, desk: Launcher) -> Flask:
    return create_app(engine, jobs, access, desk, Settings(engine.data_dir))


def test_a_pause_begins_and_ends_on_the_page(visitor: Visitor, desk: Launcher) -> None:
    assert "Pause for 1 hour" in visitor.get("/helm").text
    for length in ("hour", "tomorrow"):
        assert visitor.post(f"/pause/{length}").status_code == 200
    assert desk.asked == ["hour", "tomorrow"]
    page = visitor.get("/helm").text
    assert "Automatic backups are paused until" in page
    assert "Pause for 1 hour" not in page
    assert visitor.post("/resume").status_code == 200
    assert desk.until is None


def test_docassist_is_started_and_closed_by_the_page(visitor: Visitor, desk: Launcher) -> None:
    assert "Close DocAssist" in visitor.get("/helm").text
    visitor.post("/docassist/close")
    desk.emr = "not-running"
    assert "Start DocAssist" in visitor.get("/helm").text
    visitor.post("/docassist/start")
    assert desk.asked == ["close", "start"]
    desk.emr = "unknown"
    page = visitor.get("/helm").text
    assert "Start DocAssist" not in page
    assert "Close DocAssist" not in page


@pytest.mark.parametrize("path", ["/pause", "/pause/for-ever", "/docassist", "/docassist/kill"])
def test_what_is_not_offered_is_not_done(visitor: Visitor, desk: Launcher, path: str) -> None:
    assert visitor.post(path).status_code == 404
    assert desk.asked == []


def test_a_backup_that_waits_for_the_charger_says_so(visitor: Visitor, desk: Launcher, backup: str) -> None:
    desk.held = Hold.BATTERY
    assert "waits for the charger" in visitor.get("/").text
    assert "when the charger is in" in visitor.get("/bar").text
    assert visitor.get("/status").get_json()["hold"] == "battery"
