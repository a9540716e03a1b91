"""What is answered when something cannot be done."""

from collections.abc import Iterator

import pytest
from flask import Flask

from backup_core import errors
from backup_core.errors import BackupError, RepositoryFull
from tests.web.conftest import ORIGIN, Visitor
from webadmin.errors import NotConfirmed, Refused
from webadmin.problems import status_of


def kinds(base: type[BackupError]) -> Iterator[type[BackupError]]:
    """Yield an error class of the engine and all under it."""
    yield base
    for kind in base.__subclasses__():
        if kind.__module__ == errors.__name__:
            yield from kinds(kind)


@pytest.mark.parametrize("kind", list(kinds(BackupError)))
def test_every_error_of_the_engine_has_a_status_that_is_no_500(kind: type[BackupError]) -> None:
    assert 400 <= status_of(kind) < 600
    assert status_of(kind) != 500


def test_a_child_has_its_own_status_or_that_of_its_parent() -> None:
    class FullStick(RepositoryFull):
        """A stick that is full."""

    assert status_of(FullStick) == 507
    assert status_of(Refused) == 401
    assert status_of(NotConfirmed) == 422


def test_a_problem_is_a_fragment_for_the_page_with_its_text_escaped(app: Flask, visitor: Visitor) -> None:
    @app.get("/broken")
    def broken() -> str:
        raise BackupError("The <b>disk</b> is gone.", hint="Connect it.")

    answer = visitor.get("/broken")

    assert answer.status_code == 503
    assert answer.headers["HX-Retarget"] == "#page"
    assert "<bdi hx-ignore>The &lt;b&gt;disk&lt;/b&gt; is gone.</bdi>" in answer.text
    assert "Connect it." in answer.text
    assert "Back to your backups" in answer.text


def test_a_problem_is_json_for_a_program(app: Flask, visitor: Visitor) -> None:
    @app.get("/broken")
    def broken() -> str:
        raise RepositoryFull("The disk is full.", hint="Make room.")

    answer = app.test_client().get("/broken", headers={"Authorization": f"Bearer {visitor.key}"}, base_url=ORIGIN)

    assert answer.status_code == 507
    assert answer.get_json() == {"error": "The disk is full.", "hint": "Make room.", "code": "disk-full"}


def test_a_fault_of_the_program_shows_no_traceback(app: Flask, visitor: Visitor) -> None:
    @app.get("/broken")
    def broken() -> str:
        raise ValueError("secret detail")

    answer = visitor.get("/broken")

    assert answer.status_code == 500
    assert "Your backups are safe." in answer.text
    assert "secret detail" not in answer.text
    assert "Traceback" not in answer.text


def test_a_path_that_is_not_there_is_said_in_words(visitor: Visitor) -> None:
    answer = visitor.get("/nowhere")

    assert answer.status_code == 404
    assert "There is no such page." in answer.text


def test_a_wrong_method_says_which_are_right(visitor: Visitor) -> None:
    answer = visitor.get("/session")

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"


def test_a_refusal_is_a_page_for_a_browser(app: Flask) -> None:
    headers = {"Host": "evil.example", "Accept": "text/html", "Sec-Fetch-Mode": "navigate"}
    answer = app.test_client().get("/", headers=headers, base_url=ORIGIN)

    assert answer.status_code == 403
    assert answer.text.startswith("<!doctype html>")
    assert "Click the DocAssist Backup icon in the tray" in answer.text
