"""What the user added to the backups: copied by the same rules, and never lost by a restore."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from backup_core import BackupEngine, BackupService, archive
from backup_core.preferences import Preferences
from backup_core.settings import Settings
from tests.clinic import Clinic


@pytest.fixture
def letters(clinic: Clinic) -> Path:
    """A folder that is backed up only if it was added."""
    folder = clinic.data_dir / "letters"
    folder.mkdir()
    (folder / "one.txt").write_text("of today", encoding="utf-8")
    return folder


def test_a_restore_keeps_what_it_replaces_though_it_is_no_longer_added(clinic: Clinic, letters: Path) -> None:
    with_letters = BackupEngine(clinic.data_dir, extras=["letters"]).create()
    (letters / "one.txt").write_text("written since", encoding="utf-8")
    (letters / "two.txt").write_text("new since", encoding="utf-8")
    engine = BackupEngine(clinic.data_dir)

    engine.restore(with_letters)
    assert {path.name: path.read_text(encoding="utf-8") for path in letters.iterdir()} == {"one.txt": "of today"}

    engine.undo()
    assert (letters / "one.txt").read_text(encoding="utf-8") == "written since"
    assert (letters / "two.txt").read_text(encoding="utf-8") == "new since"


def test_a_restore_keeps_what_it_moves_aside_because_the_backup_had_none(clinic: Clinic) -> None:
    without = BackupEngine(clinic.data_dir, extras=["letters"]).create()
    letters = clinic.data_dir / "letters"
    letters.mkdir()
    (letters / "one.txt").write_text("new since", encoding="utf-8")

    assert BackupService(clinic.data_dir).restore_backup(without.path)
    assert not letters.exists()

    BackupEngine(clinic.data_dir).undo()
    assert (letters / "one.txt").read_text(encoding="utf-8") == "new since"


def test_settings_that_are_asked_for_replace_settings_that_are_kept(engine: BackupEngine, clinic: Clinic) -> None:
    made = engine.create()
    for store in ("clinic.db", "chroma", "prescriptions"):
        (clinic.data_dir / store).rename(clinic.data_dir.parent / f"gone {store}")
    clinic.settings.write_text('{"doctor": "of today"}', encoding="utf-8")
    restored = engine.restore(made, with_settings=True)
    assert restored.safety is not None
    with_today = engine.find(restored.safety)
    target = clinic.data_dir.parent / "safety"
    archive.extract(with_today.path, target)
    assert (target / "settings.json").read_text(encoding="utf-8") == '{"doctor": "of today"}'


def test_the_emrs_own_interface_takes_up_what_the_preferences_add(clinic: Clinic, letters: Path) -> None:
    service = BackupService(clinic.data_dir)
    Settings(clinic.data_dir).save(Preferences(extras=("letters",)))
    path = service.create_backup()
    assert path is not None
    names = [member.name for member in archive.read_manifest(path).members or ()]
    assert "letters/one.txt" in names


@pytest.mark.parametrize("added", ["earlier", "earlier/.docassist-backup/history.jsonl"])
def test_what_was_added_may_be_an_earlier_backup_folder_with_the_folder_of_ours_in_it(
    clinic: Clinic, added: str
) -> None:
    history = clinic.data_dir / "earlier" / ".docassist-backup" / "history.jsonl"
    history.parent.mkdir(parents=True)
    history.write_text("as it was", encoding="utf-8")
    engine = BackupEngine(clinic.data_dir, extras=[added])
    made = engine.create()
    assert engine.prove(made).ok
    shutil.rmtree(clinic.data_dir / "earlier")

    engine.restore(made)

    assert history.read_text(encoding="utf-8") == "as it was"


@pytest.mark.parametrize("name", ["labs.db", "labs.db3", "labs.sqlite"])
def test_a_database_that_was_added_is_copied_with_what_is_in_its_log(clinic: Clinic, tmp_path: Path, name: str) -> None:
    with closing(sqlite3.connect(clinic.data_dir / name, isolation_level=None)) as live:
        live.execute("PRAGMA journal_mode = WAL")
        live.execute("CREATE TABLE results (value TEXT)")
        live.execute("INSERT INTO results VALUES ('in the log')")
        made = BackupEngine(clinic.data_dir, extras=[name]).create()
    archive.extract(made.path, tmp_path / "box")
    with closing(sqlite3.connect(tmp_path / "box" / name)) as copy:
        assert copy.execute("SELECT value FROM results").fetchall() == [("in the log",)]


def test_what_lies_beside_an_added_file_is_still_told_to_be_in_no_backup(clinic: Clinic) -> None:
    exports = clinic.data_dir / "exports"
    exports.mkdir()
    (exports / "a.txt").write_bytes(b"x" * 10)
    (exports / "b.bin").write_bytes(b"x" * 5_000)
    assert BackupEngine(clinic.data_dir).unprotected() == [("exports", 5_010)]
    assert BackupEngine(clinic.data_dir, extras=["exports/a.txt"]).unprotected() == [("exports", 5_000)]
    assert BackupEngine(clinic.data_dir, extras=["exports"]).unprotected() == []


def test_a_backup_folder_among_other_things_does_not_hide_them(clinic: Clinic) -> None:
    folder = clinic.data_dir / "more" / "of ours"
    folder.mkdir(parents=True)
    (folder.parent / "note.txt").write_bytes(b"12345")
    (folder / "backup_2026-01-01_00-00-00.zip").write_bytes(b"x" * 1_000)
    assert BackupEngine(clinic.data_dir, folder).unprotected() == [("more", 5)]
