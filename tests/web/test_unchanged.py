"""What the page asks for again and again comes only when it has changed."""

import pytest

from backup_core.engine import BackupEngine
from backup_core.history import Trigger
from tests.web.conftest import Clinic, Visitor


@pytest.mark.parametrize("path", ["/overview", "/bar", "/picture", "/helm"])
def test_a_part_that_is_as_it_was_is_not_sent_again(visitor: Visitor, backup: str, path: str) -> None:
    first = visitor.get(path)
    again = visitor.get(path, **{"If-None-Match": first.headers["ETag"]})

    assert first.status_code == 200
    assert first.data
    assert again.status_code == 304
    assert again.data == b""


def test_a_part_that_has_changed_is_sent(visitor: Visitor, engine: BackupEngine, clinic: Clinic, backup: str) -> None:
    first = visitor.get("/overview")
    clinic.admit(1)
    made = engine.create(Trigger.MANUAL).name
    again = visitor.get("/overview", **{"If-None-Match": first.headers["ETag"]})

    assert again.status_code == 200
    assert made in again.text


def test_the_mark_opens_nothing_to_a_stranger(visitor: Visitor, stranger: Visitor, backup: str) -> None:
    mark = visitor.get("/overview").headers["ETag"]

    assert stranger.get("/overview", Accept="application/json", **{"If-None-Match": mark}).status_code == 401
