"""Trying a folder: what fails is told in one sentence, and nothing stays behind."""

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from backup_core.foldertest import try_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "Bäckups here"
    folder.mkdir()
    return folder


def test_a_good_folder_tells_what_is_free_and_is_left_empty(folder: Path) -> None:
    found = try_folder(folder)
    assert found.problem == ""
    assert found.free > 0
    assert list(folder.iterdir()) == []


def test_a_new_folder_is_tried_where_it_would_be_made_and_not_made(folder: Path) -> None:
    assert try_folder(folder / "new").problem == ""
    assert list(folder.iterdir()) == []


def test_a_folder_that_is_not_there_says_to_connect_the_drive(folder: Path) -> None:
    assert "connect the drive" in try_folder(folder / "away" / "new").problem


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of its own with hardly any room; skipped where no disk can be mounted."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("needs to mount a disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told(small_disk: Path) -> None:
    found = try_folder(small_disk)
    assert found.problem == f"Nothing can be written there ({os.strerror(errno.ENOSPC)})."
    assert list(small_disk.iterdir()) == []


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        ("replace", "A file could be written there but not renamed (Operation not permitted)."),
        ("read_bytes", "What was written there cannot be read again (Operation not permitted)."),
        ("open", "Nothing can be written there (Operation not permitted)."),
    ],
)
def test_each_step_that_the_system_refuses_has_its_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch, event: str, sentence: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(Path, event, refuse)
    assert try_folder(folder).problem == sentence
    monkeypatch.undo()
    assert list(folder.iterdir()) == []


def test_a_drive_that_gives_back_something_else_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_bytes", lambda path: b"something else")
    assert "came back changed" in try_folder(folder).problem


def test_a_file_that_cannot_be_deleted_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(Path, "unlink", refuse)
    assert "but not deleted" in try_folder(folder).problem
