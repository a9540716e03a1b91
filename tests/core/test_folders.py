"""The folders of this PC as a page lists them."""

import os
from pathlib import Path

import pytest

from backup_core import folders
from backup_core.folders import list_folder


def test_folders_come_in_the_order_of_their_names_with_those_that_hold_a_clinic_marked(tmp_path: Path) -> None:
    for name in ("zoo", "Alpha", "beta", ".hidden", "$RECYCLE.BIN"):
        (tmp_path / name).mkdir()
    (tmp_path / "beta" / "clinic.db").touch()
    (tmp_path / "a file.txt").touch()
    (tmp_path / "backup.zip").touch()

    found = list_folder(tmp_path, lambda name: name.endswith(".zip"))

    assert [(entry.name, entry.has_clinic) for entry in found.folders] == [
        ("Alpha", False),
        ("beta", True),
        ("zoo", False),
    ]
    assert [entry.name for entry in found.files] == ["backup.zip"]
    assert (found.problem, found.has_clinic, found.is_cut) == ("", False, False)
    assert list_folder(tmp_path / "beta").has_clinic


def test_a_folder_that_is_gone_or_closed_is_told_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "not there any more" in list_folder(tmp_path / "gone").problem

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    assert list_folder(tmp_path).problem == "This folder may not be opened by this user of the PC."
    assert list_folder(tmp_path).folders == ()


def test_a_name_that_is_no_text_is_shown_with_a_mark(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/ol\xe9")).mkdir()

    (entry,) = list_folder(tmp_path).folders

    assert entry.name == "ol\ufffd"
    assert entry.path.is_dir()


def test_a_very_long_list_is_cut_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MOST", 3)
    for number in range(5):
        (tmp_path / str(number)).mkdir()

    found = list_folder(tmp_path)

    assert (len(found.folders), found.is_cut) == (3, True)


def test_one_can_begin_at_home_and_at_the_drives() -> None:
    assert Path.home() in [place.path for place in folders.home_places()]
    assert all(place.free is not None and place.path.is_dir() for place in folders.drives())
    assert not [place for place in folders.drives() if str(place.path).startswith(("/proc", "/sys"))]


def test_the_root_has_no_folder_above_it() -> None:
    assert list_folder(Path("/")).parent is None
    assert list_folder(Path("/usr")).parent == Path("/")
