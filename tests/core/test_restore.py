"""A restore: what was backed up is in place again, and what was there is kept."""

import errno
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from backup_core import BackupEngine
from backup_core.errors import BackupError
from backup_core.files import PRIVATE
from tests.audit import listening
from tests.clinic import PATIENTS, ROOT, Clinic

ASK_CHROMA = """
import sys, chromadb
from chromadb.config import Settings
client = chromadb.PersistentClient(sys.argv[1], settings=Settings(anonymized_telemetry=False))
for name in ("patient_summaries", "patient_documents"):
    collection = client.get_collection(name, embedding_function=None)
    vector = collection.get(ids=["patient_7"], include=["embeddings"])["embeddings"][0]
    print(name, collection.count(), collection.query(query_embeddings=[vector], n_results=1)["ids"])
"""


def ask_chroma(store: Path, copy: Path) -> str:
    """Return what a copy of a vector store answers, asked by a process of its own: opening a store changes it."""
    shutil.copytree(store, copy)
    asked = subprocess.run(
        [sys.executable, "-c", ASK_CHROMA, copy], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return asked.stdout


def test_a_restore_brings_back_equal_rows_files_and_answers(
    engine: BackupEngine, clinic: Clinic, tmp_path: Path
) -> None:
    rows, plain = clinic.rows(), clinic.plain_files()
    answers = ask_chroma(clinic.chroma, tmp_path / "before")
    archive = engine.create()
    clinic.admit("Too much")
    (clinic.prescriptions / "new.pdf").touch()
    shutil.rmtree(clinic.chroma)
    clinic.chroma.mkdir()
    (clinic.chroma / "broken").touch()

    restored = engine.restore(archive)

    assert (restored.archive, restored.patient_count, restored.visit_count) == (archive.name, PATIENTS, 2 * PATIENTS)
    assert not restored.armed
    assert clinic.rows() == rows
    assert clinic.plain_files() == plain
    assert (clinic.prescriptions / "empty year").is_dir()
    assert ask_chroma(clinic.chroma, tmp_path / "after") == answers
    assert "patient_summaries 60 [['patient_7']]" in answers


def test_nothing_of_a_restore_is_left_lying_about(engine: BackupEngine, clinic: Clinic) -> None:
    archive = engine.create()
    engine.restore(archive)

    left = {path.name for path in (clinic.data_dir / PRIVATE).iterdir()}
    assert not left & {"journal.json", "journal.json.part"}
    for folder in ("swap", "staging"):
        assert list((clinic.data_dir / PRIVATE / folder).glob("*")) == []


def test_a_write_ahead_log_of_the_old_data_does_not_undo_the_restore(engine: BackupEngine, clinic: Clinic) -> None:
    archive, rows = engine.create(), clinic.rows()
    clinic.sql("PRAGMA journal_mode = WAL")
    with closing(sqlite3.connect(clinic.db)) as killed:
        killed.execute("SELECT count(*) FROM patients").fetchone()
        clinic.admit("Only in the log")
        left = {path.name: path.read_bytes() for path in clinic.data_dir.glob("clinic.db*")}
    for name, data in left.items():
        (clinic.data_dir / name).write_bytes(data)
    assert len(left["clinic.db-wal"]) > 0

    restored = engine.restore(archive)

    assert clinic.rows() == rows
    safety = engine.find(str(restored.safety))
    assert safety.manifest is not None
    assert safety.manifest.patient_count == PATIENTS + 1


def test_a_rollback_journal_of_the_old_data_does_not_undo_the_restore(
    engine: BackupEngine, clinic: Clinic, tmp_path: Path
) -> None:
    archive, rows = engine.create(), clinic.rows()
    clinic.admit("Committed")
    with closing(sqlite3.connect(clinic.db)) as killed:
        killed.execute("PRAGMA cache_size = 1")
        killed.execute("UPDATE patients SET address = hex(randomblob(4000))")
        for path in clinic.data_dir.glob("clinic.db*"):
            shutil.copy(path, tmp_path)
    for path in tmp_path.glob("clinic.db*"):
        shutil.copy(path, clinic.data_dir)
    assert (clinic.data_dir / "clinic.db-journal").stat().st_size > 0

    restored = engine.restore(archive)

    assert clinic.rows() == rows
    safety = engine.find(str(restored.safety))
    assert safety.manifest is not None
    assert safety.manifest.patient_count == PATIENTS + 1


def _damage(clinic: Clinic) -> None:
    clinic.db.write_bytes(clinic.db.read_bytes()[:5000])


def _empty(clinic: Clinic) -> None:
    clinic.db.write_bytes(b"")


def _lose_database(clinic: Clinic) -> None:
    clinic.db.unlink()


def _lose_all(clinic: Clinic) -> None:
    clinic.db.unlink()
    shutil.rmtree(clinic.chroma)
    shutil.rmtree(clinic.prescriptions)


def _damage_vectors(clinic: Clinic) -> None:
    (clinic.chroma / "chroma.sqlite3").write_bytes(b"not a database, but it once was one" * 100)


WAYS = [_damage, _empty, _lose_database, _lose_all, _damage_vectors]


@pytest.mark.parametrize("harm", WAYS, ids=lambda way: way.__name__.strip("_"))
def test_data_that_is_damaged_empty_or_missing_is_restored_and_what_was_left_is_kept(
    engine: BackupEngine, clinic: Clinic, harm: Callable[[Clinic], None]
) -> None:
    archive, rows, plain = engine.create(), clinic.rows(), clinic.plain_files()
    harm(clinic)
    left = clinic.files()

    restored = engine.restore(archive)

    assert clinic.rows() == rows
    assert clinic.plain_files() == plain
    if harm is _lose_all:
        assert restored.safety is None
        return
    safety = engine.find(str(restored.safety))
    assert safety.manifest is not None
    assert safety.manifest.is_raw
    engine.undo()
    assert clinic.files() == left


def test_a_safety_backup_of_damaged_data_keeps_what_lay_beside_it(engine: BackupEngine, clinic: Clinic) -> None:
    archive, rows = engine.create(), clinic.rows()
    clinic.db.unlink()
    (clinic.data_dir / "clinic.db-wal").write_bytes(b"all that is left of a day's work")
    left = clinic.files()

    safety = engine.find(str(engine.restore(archive).safety))

    assert engine.verify(safety) == safety
    assert not (clinic.data_dir / "clinic.db-wal").exists()
    assert clinic.rows() == rows
    engine.undo()
    assert clinic.files() == left


def test_what_was_absent_when_the_backup_was_made_is_moved_aside_and_kept(engine: BackupEngine, clinic: Clinic) -> None:
    shutil.rmtree(clinic.prescriptions)
    shutil.rmtree(clinic.chroma)
    archive = engine.create()
    clinic.prescriptions.mkdir()
    (clinic.prescriptions / "later.pdf").write_bytes(b"%PDF")

    engine.restore(archive)
    assert not clinic.prescriptions.exists()
    assert not clinic.chroma.exists()

    engine.undo()
    assert (clinic.prescriptions / "later.pdf").read_bytes() == b"%PDF"


def test_what_lies_in_the_data_folder_and_is_no_source_stays_as_it_is(engine: BackupEngine, clinic: Clinic) -> None:
    archive = engine.create()
    (clinic.data_dir / "exports").mkdir()
    (clinic.data_dir / "exports" / "all.csv").write_text("kept")

    engine.restore(archive)

    assert (clinic.data_dir / "exports" / "all.csv").read_text() == "kept"


def test_the_settings_stay_unless_they_are_missing_or_asked_for(engine: BackupEngine, clinic: Clinic) -> None:
    archive, old = engine.create(), clinic.settings.read_bytes()
    clinic.settings.write_text('{"doctor": {"name": "Dr. New"}}')
    new = clinic.settings.read_bytes()

    engine.restore(archive)
    assert clinic.settings.read_bytes() == new

    engine.restore(archive, with_settings=True)
    assert clinic.settings.read_bytes() == old

    clinic.settings.unlink()
    engine.restore(archive)
    assert clinic.settings.read_bytes() == old


def test_an_empty_pc_is_restored_from_a_zip_that_lies_anywhere(
    engine: BackupEngine, clinic: Clinic, tmp_path: Path
) -> None:
    rows, files = clinic.rows(), clinic.plain_files()
    stick = shutil.copy(engine.create().path, tmp_path / "from the stick.zip")
    new_pc = Clinic(tmp_path / "new pc" / "data")
    new_pc.data_dir.mkdir(parents=True)
    fresh = BackupEngine(new_pc.data_dir)

    restored = fresh.restore(fresh.find(stick))

    assert restored.safety is None
    assert new_pc.rows() == rows
    assert new_pc.plain_files() == files
    assert fresh.undoable() is None
    again = fresh.create()
    assert again.manifest is not None
    assert again.manifest.origin == engine.archives()[0].manifest.origin  # type: ignore[union-attr]


def test_a_finished_restore_is_not_called_failed_because_the_notes_cannot_be_read(
    engine: BackupEngine, clinic: Clinic
) -> None:
    made = engine.create()
    rows = clinic.rows()
    clinic.admit("Later")
    finished: list[str] = []

    def refuse(event: str, values: tuple[object, ...]) -> None:
        if event == "open" and str(values[0]).endswith("undo.json.part"):
            finished.append(str(values[0]))
        if event == "open" and finished and str(values[0]).endswith("journal.json"):
            raise OSError(errno.EIO, "Input/output error")

    with listening(refuse):
        engine.restore(made)
    assert finished
    assert clinic.rows() == rows


def test_a_restore_that_fails_says_why_though_the_notes_cannot_be_read_any_more(
    engine: BackupEngine, clinic: Clinic
) -> None:
    made = engine.create()
    clinic.admit("Later")
    rows = clinic.rows()
    failed: list[str] = []

    def refuse(event: str, values: tuple[object, ...]) -> None:
        if event == "open" and "/swap/" in str(values[0]):
            failed.append(str(values[0]))
            raise OSError(errno.EIO, "Input/output error")
        if event == "open" and failed and str(values[0]).endswith("journal.json"):
            raise OSError(errno.EIO, "Input/output error")

    with listening(refuse), pytest.raises(BackupError, match="could not be unpacked"):
        engine.restore(made)
    assert clinic.rows() == rows
    engine.recover()
    assert not (clinic.data_dir / PRIVATE / "swap").exists()
