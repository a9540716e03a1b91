"""A backup in a sync folder that is not on this PC: the page says so, and fetches it only for who asks."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.audit import listening
from tests.web.conftest import Clinic, Visitor


def send_to_the_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have only the names of all backups on this PC."""
    for room in ("listing", "repository"):
        monkeypatch.setattr(f"backup_core.{room}.is_online_only", lambda status: True)


@contextmanager
def noting_what_is_opened() -> Iterator[list[str]]:
    """Yield the names of the files that are opened from now on."""
    opened: list[str] = []

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str | os.PathLike):
            opened.append(Path(arguments[0]).name)

    with listening(watch):
        yield opened


def test_a_backup_in_the_cloud_is_named_as_such_and_can_be_restored(
    visitor: Visitor, clinic: Clinic, backup: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic.admit(2)
    send_to_the_cloud(monkeypatch)

    listed = visitor.get("/").text
    assert "In the cloud only" in listed
    assert f"/backups/{backup}/restore" in listed
    question = visitor.get(f"/backups/{backup}/restore")
    assert question.status_code == 200
    visitor.post(f"/backups/{backup}/restore", {"confirmed": "yes", "other_clinic": "yes"})
    visitor.finished()
    assert clinic.count("patients") == 3


@pytest.mark.parametrize(
    ("page", "words"),
    [("restore", "Fetch it and show what would be removed"), ("compare", "Fetch it and show what is different")],
)
def test_a_backup_in_the_cloud_is_fetched_for_its_comparison_only_by_a_click(
    page: str, words: str, visitor: Visitor, backup: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_this_pc = visitor.get(f"/backups/{backup}/{page}").text
    send_to_the_cloud(monkeypatch)

    with noting_what_is_opened() as opened:
        away = visitor.get(f"/backups/{backup}/{page}").text

    assert backup not in opened
    (asking,) = [line for line in away.splitlines() if f'hx-get="/backups/{backup}/losses"' in line]
    assert 'hx-trigger="load"' not in away
    assert '''hx-trigger="click from:'find button'"''' in asking
    assert f'<button type="button">{words}</button>' in away
    assert 'hx-trigger="load"' in on_this_pc
    assert words not in on_this_pc


def test_what_an_undo_brings_back_is_fetched_only_by_a_click(
    visitor: Visitor, clinic: Clinic, backup: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic.admit(2)
    visitor.post(f"/backups/{backup}/restore", {"confirmed": "yes"})
    visitor.finished()
    words = "Fetch it and show what comes back and what is put aside"
    on_this_pc = visitor.get("/undo").text
    send_to_the_cloud(monkeypatch)

    with noting_what_is_opened() as opened:
        away = visitor.get("/undo").text

    assert not [name for name in opened if name.startswith("safety_")]
    assert 'hx-trigger="load"' not in away
    assert f'<button type="button">{words}</button>' in away
    assert 'hx-trigger="load"' in on_this_pc
    assert words not in on_this_pc
    assert "What comes back" in visitor.get("/undo/entries").text
