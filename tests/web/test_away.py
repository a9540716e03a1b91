"""The data folder is not there: the page says so, and leads to the set-up and back."""

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from backup_core.engine import BackupEngine
from backup_core.jobs import JobRunner
from backup_core.settings import Settings
from tests.audit import listening
from tests.web.conftest import Clinic, Visitor
from webadmin import Access, PlainDesk, create_app


class LeavingDesk(PlainDesk):
    """A desk that notes that the launcher was asked to leave."""

    has_left = False

    def set_up_again(self) -> None:
        """Note it."""
        self.has_left = True


@pytest.fixture
def desk(engine: BackupEngine, jobs: JobRunner) -> LeavingDesk:
    """The launcher's side."""
    return LeavingDesk(engine, jobs)


@pytest.fixture
def pull_the_plug(clinic: Clinic) -> Callable[[], None]:
    """Take the data folder away."""
    return lambda: shutil.rmtree(clinic.data_dir)


def test_the_page_says_that_the_folder_is_away_and_offers_both_ways(
    visitor: Visitor, clinic: Clinic, pull_the_plug: Callable[[], None]
) -> None:
    pull_the_plug()
    text = visitor.get("/").text

    assert "The data folder is not there" in text
    assert str(clinic.data_dir) in text
    assert "Look again" in text
    assert 'action="/set-up"' in text
    assert visitor.get("/away").status_code == 204
    assert "HX-Redirect" not in visitor.get("/away").headers
    assert not clinic.data_dir.exists()


def test_when_the_folder_is_back_the_page_goes_back_by_itself(visitor: Visitor) -> None:
    assert visitor.get("/away").headers["HX-Redirect"] == "/"


@pytest.mark.parametrize("part", ["/overview", "/picture", "/backups/outside"])
def test_an_open_page_tells_it_by_itself(visitor: Visitor, pull_the_plug: Callable[[], None], part: str) -> None:
    assert "HX-Redirect" not in visitor.get(part).headers
    pull_the_plug()

    answer = visitor.get(part)

    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, "/")


def test_an_open_page_tells_it_by_itself_if_the_folder_goes_while_a_part_is_made(
    visitor: Visitor, clinic: Clinic, pull_the_plug: Callable[[], None]
) -> None:
    def pull(event: str, values: tuple[object, ...]) -> None:
        if event == "os.listdir" and str(values[0]) == str(clinic.data_dir / "backups"):
            pull_the_plug()

    (clinic.data_dir / "backups").mkdir()
    with listening(pull):
        answer = visitor.get("/backups/outside")

    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, "/")


@pytest.mark.parametrize(
    ("key", "headers", "status"),
    [
        ("", {"Sec-Fetch-Mode": "cors"}, 401),
        ("wrong", {}, 401),
        (None, {"Host": "elsewhere.example"}, 403),
        (None, {"Sec-Fetch-Site": "cross-site", "Origin": "http://elsewhere.example"}, 403),
    ],
)
def test_whoever_may_not_ask_does_not_learn_that_the_folder_is_away(
    visitor: Visitor, pull_the_plug: Callable[[], None], key: str | None, headers: dict[str, str], status: int
) -> None:
    pull_the_plug()
    asking = visitor if key is None else replace(visitor, key=key)

    answer = asking.get("/overview", **headers)

    assert answer.status_code == status
    assert "HX-Redirect" not in answer.headers


def test_a_drive_that_fails_is_away_too(visitor: Visitor, clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    stat = os.stat

    def fail(path: Any, **options: Any) -> os.stat_result:
        if isinstance(path, (str, Path)) and str(path).startswith(str(clinic.data_dir)):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return stat(path, **options)

    def refuse(event: str, values: tuple[object, ...]) -> None:
        if event == "open" and str(values[0]).startswith(str(clinic.data_dir)):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "stat", fail)

    with listening(refuse):
        assert "The data folder is not there" in visitor.get("/").text
        assert visitor.get("/overview").headers["HX-Redirect"] == "/"
        assert visitor.get("/bar").status_code == 200
        assert visitor.get("/help").status_code == 200


def test_the_set_up_is_asked_for_and_waited_for(visitor: Visitor, desk: LeavingDesk) -> None:
    assert "Set up again?" in visitor.get("/set-up").text
    assert not desk.has_left

    text = visitor.post("/set-up").text

    assert desk.has_left
    assert 'hx-get="/set-up/leaving"' in text
    assert visitor.get("/set-up/leaving").status_code == 204


def test_an_old_tab_of_the_set_up_is_sent_to_the_page(visitor: Visitor) -> None:
    for path in ("/setup/", "/setup/found", "/setup/new-pc/1"):
        assert visitor.get(path).headers["HX-Redirect"] == "/"
    assert visitor.post("/setup/start").headers["HX-Redirect"] == "/"


def test_the_demo_has_no_other_data_to_choose(
    engine: BackupEngine, jobs: JobRunner, access: Access, desk: LeavingDesk, pull_the_plug: Callable[[], None]
) -> None:
    app: Flask = create_app(engine, jobs, access, desk, Settings(engine.data_dir), sample=True)
    visitor = Visitor(app.test_client(), jobs, access.open_session(access.new_ticket()))
    assert "Set up again" not in visitor.get("/preferences").text
    pull_the_plug()

    assert "Choose another folder" not in visitor.get("/").text
