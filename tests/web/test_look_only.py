"""The page where another user's or PC's launcher looks after the data: all can be read, nothing can be changed."""

import re

import pytest
from flask import Flask

from backup_core.engine import BackupEngine
from backup_core.jobs import JobRunner
from webadmin import Access, PlainDesk

from .conftest import ORIGIN, Clinic, Visitor

SENTENCE = "Dr Rao's account on RECEPTION looks after this data."


class DeskOfAnother(PlainDesk):
    """The desk of a launcher that looks on, as long as `sentence` says at whom."""

    sentence = SENTENCE

    def caretaker(self) -> str:
        return self.sentence


@pytest.fixture
def desk(engine: BackupEngine, jobs: JobRunner) -> DeskOfAnother:
    return DeskOfAnother(engine, jobs)


def test_list_and_verdict_can_be_read_and_a_backup_downloaded(visitor: Visitor, backup: str) -> None:
    page = visitor.get("/").text
    assert backup in page
    assert "Protected on this PC" in page
    assert "You can only look here" in page
    assert "data-look-only" in page
    assert visitor.get("/status").get_json()["caretaker"] == SENTENCE
    sent = visitor.post(f"/backups/{backup}/download")
    assert sent.status_code == 204
    with visitor.client.get(sent.headers["HX-Redirect"], base_url=ORIGIN) as fetched:
        assert fetched.data[:2] == b"PK"


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/backups", {}),
        ("/backups/{backup}/restore", {"confirmed": "yes"}),
        ("/backups/{backup}/delete", {"confirmed": "yes"}),
        ("/undo", {"confirmed": "yes"}),
        ("/preferences", {"keep": "3", "frequency_hours": "1"}),
        ("/all-is-well", {}),
    ],
)
def test_what_would_change_something_is_refused_with_the_sentence(
    visitor: Visitor, clinic: Clinic, engine: BackupEngine, backup: str, path: str, form: dict[str, str]
) -> None:
    clinic.admit(1)
    before = engine.history.runs()
    answer = visitor.post(path.format(backup=backup), form)
    assert answer.status_code == 409
    assert "Dr Rao&#39;s account on RECEPTION looks after this data." in answer.text
    assert "Here you can look." in answer.text
    assert visitor.jobs.last() is None
    assert [archive.name for archive in engine.archives()] == [backup]
    assert engine.history.runs() == before
    assert not (engine.data_dir / ".docassist-backup" / "preferences.json").exists()
    assert clinic.count("patients") == 4


def test_every_other_way_to_change_something_is_refused_too(app: Flask, visitor: Visitor) -> None:
    """Also those that are added later: what is not known to be harmless is refused."""
    posts = {rule.rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ()) and rule.endpoint}
    here = ("/session", "/control/", "/lock", "/unlock", "/docassist/")
    harmless = {path for path in posts if path.startswith(here) or path.endswith("/download")}
    for path in posts - harmless:
        answer = visitor.post(re.sub("<[^>]+>", "x", path))
        assert (path, answer.status_code) == (path, 409)


def test_without_the_key_one_learns_nothing_of_the_other_user(stranger: Visitor) -> None:
    answer = stranger.post("/backups")
    assert answer.status_code == 401
    assert "Rao" not in answer.text


def test_all_is_offered_again_when_the_other_launcher_has_ended(
    visitor: Visitor, desk: DeskOfAnother, access: Access
) -> None:
    desk.sentence = ""
    assert "data-look-only" not in visitor.get("/").text
    assert visitor.post("/backups").status_code == 200
    assert visitor.finished().state == "done"
