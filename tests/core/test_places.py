from pathlib import Path

import pytest

from backup_core.places import resolve_data_dir, save_data_dir, saved_data_dir, state_folder

pytestmark = pytest.mark.usefixtures("own_folders")


def test_the_argument_goes_before_the_environment_before_the_saved_choice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    environ = {"DOCASSIST_DATA_DIR": str(tmp_path / "by environment")}
    assert resolve_data_dir(None, {}) == tmp_path / "data"
    save_data_dir(tmp_path / "säved")
    assert resolve_data_dir(None, {}) == tmp_path / "säved"
    assert resolve_data_dir(None, environ) == tmp_path / "by environment"
    assert resolve_data_dir("by argument", environ) == tmp_path / "by argument"
    assert resolve_data_dir("", {"DOCASSIST_DATA_DIR": ""}) == tmp_path / "säved"


def test_a_home_folder_may_be_written_short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolve_data_dir("~/data", {}) == tmp_path / "data"


@pytest.mark.parametrize("saved", [b"", b"relative/path\n", b"\xff\xfe", b"/a\0b\n"])
def test_a_saved_choice_that_makes_no_sense_is_none(tmp_path: Path, saved: bytes) -> None:
    save_data_dir(tmp_path)
    (tmp_path / "config" / "DocAssist Backup" / "data-folder").write_bytes(saved)
    assert saved_data_dir() is None


def test_the_choice_is_saved_as_an_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save_data_dir(Path("data"))
    assert saved_data_dir() == tmp_path / "data"


def test_the_state_of_this_user_lies_outside_any_data_folder(tmp_path: Path) -> None:
    assert state_folder() == tmp_path / "state" / "DocAssist Backup"
