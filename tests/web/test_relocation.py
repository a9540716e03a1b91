"""Backups in earlier folders on the Preferences page: listed, moved with progress, or taken off the list."""

from dataclasses import replace
from pathlib import Path

import pytest

from backup_core.engine import BackupEngine
from backup_core.jobs import Job
from backup_core.settings import Settings
from tests.web.conftest import Clinic, Visitor


@pytest.fixture
def old(clinic: Clinic) -> list[str]:
    """The names of two backups in the folder of before."""
    engine = BackupEngine(clinic.data_dir)
    names = []
    for _count in range(2):
        clinic.admit(1)
        names.append(engine.create().name)
    return names


@pytest.fixture
def engine(clinic: Clinic, old: list[str], tmp_path: Path) -> BackupEngine:
    """The engine after the backup folder was changed."""
    assert old
    settings, new, before = Settings(clinic.data_dir), tmp_path / "new", clinic.data_dir / "backups"
    new.mkdir()
    settings.save(replace(settings.read(), backup_dir=str(new), older_dirs=(str(before),)))
    return BackupEngine(clinic.data_dir, new, older_dirs=[str(before)])


def test_they_are_listed_with_an_offer_to_move_them(visitor: Visitor, clinic: Clinic) -> None:
    page = visitor.get("/preferences").text
    assert "2 backups (" in page
    assert f"are still in <bdi hx-ignore>{clinic.data_dir / 'backups'}</bdi>" in page
    assert "Move 2 backups to the new folder" in page


def test_they_are_moved_and_the_earlier_folder_is_forgotten(
    visitor: Visitor, clinic: Clinic, engine: BackupEngine, old: list[str]
) -> None:
    visitor.post("/preferences/earlier/move")
    assert visitor.finished().result == 2

    assert sorted(path.name for path in engine.backup_dir.glob("*.zip")) == old
    assert Settings(clinic.data_dir).read().older_dirs == ()
    assert "earlier folder" not in visitor.get("/preferences").text
    assert "2 of 2 backups were moved." in visitor.get("/activity").text


def test_what_docassist_made_itself_stays_there_and_listed(visitor: Visitor, clinic: Clinic) -> None:
    (clinic.data_dir / "backups" / "backup_2024-01-01_10-00-00.encrypted.zip").write_bytes(b"locked")
    visitor.post("/preferences/earlier/move")
    visitor.finished()

    page = visitor.get("/preferences").text
    assert "1 backup (" in page
    assert "1 of them was made by DocAssist itself or by another clinic, and stays there." in page
    assert "Move 1" not in page


def test_a_failure_is_told_and_what_is_left_can_be_moved_again(
    visitor: Visitor, engine: BackupEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backup_core.files.free_space", lambda folder: 0)
    visitor.post("/preferences/earlier/move")
    assert visitor.finished().state == "failed"
    page = visitor.get("/preferences").text
    assert "There is not enough room for the backups that are to be moved" in page
    assert "Move 2 backups to the new folder" in page
    assert list(engine.backup_dir.glob("*.zip")) == []


def test_they_can_be_taken_off_the_list_and_are_not_touched(visitor: Visitor, clinic: Clinic, old: list[str]) -> None:
    folder = clinic.data_dir / "backups"
    page = visitor.post("/preferences/earlier/forget", {"folder": str(folder)}).text
    assert "stay in the list" not in page
    assert Settings(clinic.data_dir).read().older_dirs == ()
    assert sorted(path.name for path in folder.glob("*.zip")) == old


def test_only_an_earlier_folder_can_be_forgotten(visitor: Visitor) -> None:
    assert visitor.post("/preferences/earlier/forget", {"folder": "/etc"}).status_code == 404


def test_a_folder_that_is_away_says_so(visitor: Visitor, clinic: Clinic) -> None:
    (clinic.data_dir / "backups").rename(clinic.data_dir / "unplugged")
    assert "is not there now" in visitor.get("/preferences").text


def test_while_they_are_moved_the_progress_is_shown(visitor: Visitor) -> None:
    seen: list[str] = []

    def look(job: Job) -> None:
        if job.stage and not seen:
            seen.append(visitor.get("/preferences/earlier").text)

    visitor.jobs.add_listener(look)
    visitor.post("/preferences/earlier/move")
    visitor.finished()
    assert "Moving backups to the new folder" in seen[0]
    assert "<progress" in seen[0]
