"""Preferences on disk, some of them in DocAssist's own file."""

import json
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from backup_core.errors import BackupError, SettingInvalid
from backup_core.settings import Preferences, Settings


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def emr_file(data_dir: Path) -> Path:
    path = data_dir / "settings.json"
    path.write_text('{"doctor": "Dr. Rao", "preferences": {"backup_frequency_hours": 2, "backup_retention_count": 20}}')
    return path


def own_file(data_dir: Path) -> Path:
    return data_dir / ".docassist-backup" / "preferences.json"


def test_without_any_file_the_usual_preferences_hold(data_dir: Path) -> None:
    settings = Settings(data_dir)
    assert settings.read() == Preferences(frequency_hours=4, keep=10)
    assert settings.problems == ()


def test_what_is_saved_is_read_back(data_dir: Path) -> None:
    chosen = Preferences(1.5, 25, "docassist --quiet", str(data_dir), str(data_dir / "bäckups"), ("exports",))
    Settings(data_dir).save(chosen)
    assert Settings(data_dir).read() == chosen
    assert not (data_dir / "settings.json").exists()


def test_what_docassist_says_counts_at_the_next_look(data_dir: Path, emr_file: Path) -> None:
    settings = Settings(data_dir)
    settings.save(replace(settings.read(), emr_command="docassist"))
    assert settings.read() == Preferences(frequency_hours=2, keep=20, emr_command="docassist")
    emr_file.write_text('{"preferences": {"backup_frequency_hours": 8}}')
    assert settings.read() == Preferences(frequency_hours=8, keep=20, emr_command="docassist")


def test_a_change_made_here_reaches_docassist_and_nothing_else_of_its_file(data_dir: Path, emr_file: Path) -> None:
    before = emr_file.read_text()
    Settings(data_dir).save(Preferences(frequency_hours=6, keep=12))
    assert emr_file.read_text() == before.replace("2,", "6,").replace("20", "12")
    assert Settings(data_dir).read() == Preferences(frequency_hours=6, keep=12)


def test_docassists_file_is_not_touched_where_nothing_changes_in_it(data_dir: Path, emr_file: Path) -> None:
    before = emr_file.stat()
    Settings(data_dir).save(Preferences(frequency_hours=2, keep=20, emr_command="docassist"))
    assert (emr_file.stat().st_ino, emr_file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such rights")
def test_docassists_file_stays_readable_for_those_who_could_read_it(data_dir: Path, emr_file: Path) -> None:
    emr_file.chmod(0o640)
    Settings(data_dir).save(Preferences(frequency_hours=6))
    assert stat.S_IMODE(emr_file.stat().st_mode) == 0o640
    assert stat.S_IMODE(own_file(data_dir).stat().st_mode) == 0o600


def test_a_value_that_cannot_be_accepted_saves_nothing_at_all(data_dir: Path, emr_file: Path) -> None:
    settings, before = Settings(data_dir), emr_file.read_bytes()
    with pytest.raises(SettingInvalid, match="every 0 hours"):
        settings.save(Preferences(frequency_hours=0, keep=30))
    with pytest.raises(SettingInvalid, match="only whole hours"):
        settings.save(Preferences(frequency_hours=0.5, keep=30))
    assert emr_file.read_bytes() == before
    assert not own_file(data_dir).exists()


def test_when_docassists_file_cannot_be_changed_nothing_is_saved(data_dir: Path, emr_file: Path) -> None:
    settings = Settings(data_dir)
    settings.save(replace(settings.read(), emr_command="docassist"))
    emr_file.with_name("settings.json.part").mkdir()
    with pytest.raises(BackupError, match="could not be saved"):
        settings.save(Preferences(frequency_hours=6, emr_command="other"))
    assert settings.read() == Preferences(frequency_hours=2, keep=20, emr_command="docassist")


def test_docassist_asking_for_the_impossible_is_told_and_not_obeyed(data_dir: Path, emr_file: Path) -> None:
    emr_file.write_text('{"preferences": {"backup_frequency_hours": 0, "backup_retention_count": 7}}')
    settings = Settings(data_dir)
    assert settings.read() == Preferences(frequency_hours=4, keep=7)
    assert settings.problems == ("In DocAssist's settings: A backup every 0 hours is not possible.",)


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b"\xff", b"42"])
def test_damaged_files_never_stop_anything_and_are_told(data_dir: Path, emr_file: Path, data: bytes) -> None:
    own_file(data_dir).parent.mkdir()
    own_file(data_dir).write_bytes(data)
    emr_file.write_bytes(data)
    settings = Settings(data_dir)
    assert settings.read() == Preferences()
    assert len(settings.problems) == 2
    settings.save(Preferences(keep=11))
    assert settings.read() == Preferences(keep=11)
    assert emr_file.read_bytes() == data


def test_one_bad_value_of_ours_costs_that_value_only(data_dir: Path) -> None:
    own_file(data_dir).parent.mkdir()
    own_file(data_dir).write_text(json.dumps({"keep": -1, "emr_command": "docassist", "of a newer version": 1}))
    settings = Settings(data_dir)
    assert settings.read() == Preferences(emr_command="docassist")
    assert settings.problems == ("It is not possible to keep -1 backups.",)


def test_saving_never_makes_a_data_folder(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="could not be saved"):
        Settings(tmp_path / "unplugged" / "data").save(Preferences())
    assert not (tmp_path / "unplugged").exists()
