"""Save a copy…: the page, the job and its result, and when the home page asks for one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask

from backup_core.engine import BackupEngine
from backup_core.history import Trigger
from tests.web.conftest import Clinic, Visitor
from webadmin.copies import is_due

NOW = datetime(2026, 3, 20, 9, 0, tzinfo=UTC)


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """A folder away from the clinic's."""
    stick = tmp_path / "stick"
    stick.mkdir()
    return stick


def test_without_a_backup_there_is_nothing_to_copy(visitor: Visitor) -> None:
    assert "There is no backup to copy yet" in visitor.get("/copies").text
    assert visitor.post("/copies", {"place": "/"}).status_code == 404


def test_a_copy_goes_where_the_user_says_and_the_page_tells_where(
    visitor: Visitor, backup: str, stick: Path, engine: BackupEngine
) -> None:
    page = visitor.get("/copies").text
    assert "3 patients, 3 visits" in page
    assert "The copy is not locked" in page

    visitor.post("/copies", {"name": backup, "folder": str(stick)})
    job = visitor.finished()
    assert job.state == "done"
    result = visitor.get(f"/copies/{job.id}").text
    assert "Copied and read again" in result
    assert str(stick) in result
    assert [path.name for path in stick.rglob("*.zip")] == [backup]
    assert str(stick) in visitor.get("/copies").text
    assert engine.copier.copies()[0].archive == backup


def test_a_drive_that_is_gone_is_said_in_words(visitor: Visitor, backup: str, stick: Path) -> None:
    visitor.post("/copies", {"name": backup, "place": str(stick / "gone")})
    page = visitor.get(f"/copies/{visitor.finished().id}").text
    assert "The copy was not saved" in page
    assert "Connect the drive, then look again." in page


def test_nothing_chosen_is_said_in_words(visitor: Visitor, backup: str) -> None:
    answer = visitor.post("/copies", {"name": backup})
    assert answer.status_code == 422
    assert "No drive was chosen." in answer.text


def test_a_backup_that_is_not_in_the_list_cannot_be_copied(visitor: Visitor, backup: str, stick: Path) -> None:
    assert visitor.post("/copies", {"name": "../clinic.db", "folder": str(stick)}).status_code == 404
    assert not [*stick.rglob("*")]


def test_the_job_of_another_kind_is_not_shown_as_a_copy(visitor: Visitor, backup: str) -> None:
    visitor.post("/backups")
    assert visitor.get(f"/copies/{visitor.finished().id}").status_code == 404


def test_a_copy_is_asked_for_a_week_after_the_first_backup_and_after_the_last_copy(
    app: Flask, visitor: Visitor, backup: str, stick: Path, engine: BackupEngine, clinic: Clinic
) -> None:
    def due(first: datetime | None, now: datetime) -> bool:
        with app.app_context():
            return is_due(first, now)

    assert not due(None, NOW)
    assert not due(NOW - timedelta(days=6), NOW)
    assert due(NOW - timedelta(days=8), NOW)
    copy = engine.copier.save(engine.find(backup), stick, Trigger.MANUAL, lambda progress: None)
    assert not due(NOW - timedelta(days=800), copy.at + timedelta(days=6))
    assert due(NOW - timedelta(days=800), copy.at + timedelta(days=8))


def test_another_folder_is_found_by_clicking(visitor: Visitor, backup: str, stick: Path) -> None:
    (stick / "In the <drawer>").mkdir()
    (stick / ".hidden").mkdir()
    start = visitor.get("/copies").text
    page = visitor.post("/copies/folders", {"name": backup, "at": str(stick)}).text
    visitor.post("/copies", {"name": backup, "place": str(stick / "In the <drawer>")})

    assert "Choose another folder by clicking" in start
    assert f'value="{Path.home()}"' in start
    assert "In the &lt;drawer&gt;</bdi>" in page
    assert f'name="at" value="{stick.parent}"' in page
    assert ".hidden" not in page
    assert visitor.finished().state == "done"
    assert [path.name for path in (stick / "In the <drawer>").rglob("*.zip")] == [backup]


@pytest.mark.parametrize("place", ["/nowhere/at/all", "/\0x", "/" + "x" * 5000])
def test_a_folder_that_is_none_is_said_in_words(visitor: Visitor, backup: str, place: str) -> None:
    answer = visitor.post("/copies/folders", {"name": backup, "at": place})

    assert answer.status_code == 200
    assert 'role="alert"' in answer.text
    assert "Save the copy in this folder" not in answer.text


@pytest.mark.parametrize("place", ["relative", ".", "\0"])
def test_what_is_no_whole_path_leads_back_to_the_beginning(visitor: Visitor, backup: str, place: str) -> None:
    assert f'value="{Path.home()}"' in visitor.post("/copies/folders", {"name": backup, "at": place}).text
