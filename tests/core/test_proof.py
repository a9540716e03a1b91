"""The proof: an archive is opened as the EMR would open it, and what that shows is remembered."""

import errno
import json
import os
import re
import sqlite3
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from backup_core import BackupEngine, archive, children
from backup_core.contents import read_contents
from backup_core.errors import ArchiveUnusable, BackupError, RepositoryFull, RepositoryLocked
from backup_core.listing import Archive, State
from backup_core.progress import Progress, Stage
from backup_core.runs import Action, Outcome, Trigger
from tests.audit import listening
from tests.clinic import PATIENTS, Clinic
from tests.fakeclock import FakeClock


def remade(engine: BackupEngine, made: Archive, folder: Path, change: Callable[[Path], None]) -> Archive:
    """Put an archive in the place of `made` whose bytes are all as listed, but whose contents were changed first."""
    manifest = archive.extract(made.path, folder)
    change(folder)
    archive.pack(folder, made.path, lambda members: replace(manifest, members=members))
    return engine.find(made.name)


def test_a_good_archive_is_proven_with_numbers_from_the_opened_copy(engine: BackupEngine, clock: FakeClock) -> None:
    made = engine.create()
    assert made.state is State.VERIFIED

    proof = engine.prove(made)

    assert proof.ok
    assert proof.at == clock.now()
    assert (proof.patients, proof.visits) == (PATIENTS, made.manifest.visit_count if made.manifest else -1)
    assert made.manifest is not None
    assert proof.entries == sum(n for name, n in made.manifest.counts.items() if name.startswith("chroma:")) > 0
    assert 0 < proof.asked <= proof.entries
    assert engine.find(made.name).state is State.PROVEN
    assert engine.find(made.name).proof == proof


def test_a_proof_leaves_the_live_data_and_the_staging_folder_untouched(engine: BackupEngine, clinic: Clinic) -> None:
    made = engine.create()
    before = clinic.files()
    engine.prove(made)
    assert clinic.files() == before
    assert list((engine.data_dir / ".docassist-backup" / "staging").iterdir()) == []


def test_a_proof_is_forgotten_when_the_archive_changes(engine: BackupEngine) -> None:
    made = engine.create()
    engine.prove(made)
    os.utime(made.path, (made.path.stat().st_atime, made.path.stat().st_mtime + 5))
    assert engine.find(made.name).state is State.VERIFIED


def test_damage_is_found_named_and_remembered_with_what_is_still_whole(engine: BackupEngine) -> None:
    made = engine.create()
    data = bytearray(made.path.read_bytes())
    # The middle of a vector file, which is most of the archive: its bytes are stored as they are.
    at = data.index(b"data_level0.bin") + 200
    data[at] ^= 1
    made.path.write_bytes(data)

    proof = engine.prove(engine.find(made.name))

    assert not proof.ok
    assert "data_level0.bin" in proof.problem
    assert "clinic.db" in proof.recoverable
    assert "chroma" not in proof.recoverable
    found = engine.find(made.name)
    assert (found.state, found.problem) == (State.DAMAGED, proof.problem)
    run = engine.history.runs()[0]
    assert (run.action, run.outcome, run.reason) == (Action.PROVE, Outcome.FAILED, proof.problem)
    with pytest.raises(ArchiveUnusable):
        engine.restore(found)


def test_an_archive_that_verify_finds_damaged_stays_marked(engine: BackupEngine) -> None:
    made = engine.create()
    data = bytearray(made.path.read_bytes())
    data[data.index(b"data_level0.bin") + 300] ^= 4
    made.path.write_bytes(data)
    with pytest.raises(ArchiveUnusable, match="data_level0"):
        engine.verify(engine.find(made.name))
    assert engine.find(made.name).state is State.DAMAGED


def test_a_missing_row_is_found_though_every_byte_is_as_listed(engine: BackupEngine, tmp_path: Path) -> None:
    def lose_a_patient(folder: Path) -> None:
        with closing(sqlite3.connect(folder / "clinic.db")) as database, database:
            database.execute("DELETE FROM patients WHERE id = (SELECT max(id) FROM patients)")

    found = remade(engine, engine.create(), tmp_path / "box", lose_a_patient)
    proof = engine.prove(found)
    assert proof.problem == f"This backup is not whole: it has {PATIENTS - 1} patients, not {PATIENTS}."
    assert "clinic.db" not in proof.recoverable
    assert "chroma" in proof.recoverable


def test_an_index_that_crashes_whoever_opens_it_harms_nobody(engine: BackupEngine, tmp_path: Path) -> None:
    def spoil(folder: Path) -> None:
        for index in (folder / "chroma").glob("*/header.bin"):
            index.write_bytes(os.urandom(100))
            (index.parent / "link_lists.bin").write_bytes(b"\xff" * 50_000)

    found = remade(engine, engine.create(), tmp_path / "box", spoil)
    proof = engine.prove(found)
    assert "search" in proof.problem
    assert engine.find(found.name).state is State.DAMAGED


def test_entries_that_refer_to_nobody_are_told_and_are_no_damage(engine: BackupEngine, clinic: Clinic) -> None:
    clinic.sql("INSERT INTO visits (patient_id) VALUES (999999)")
    proof = engine.prove(engine.create())
    assert proof.ok
    assert proof.remark == "1 entry of visits refers to nobody, as in DocAssist."


def test_a_store_without_chroma_is_proven_by_its_database(engine: BackupEngine, clinic: Clinic) -> None:
    for path in sorted(clinic.chroma.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    proof = engine.prove(engine.create())
    assert (proof.ok, proof.entries, proof.asked) == (True, 0, 0)


def test_a_zip_that_lies_elsewhere_is_proven_and_not_noted_here(engine: BackupEngine, tmp_path: Path) -> None:
    made = engine.create()
    copy = tmp_path / "stick" / made.name
    copy.parent.mkdir()
    copy.write_bytes(made.path.read_bytes())
    assert engine.prove(engine.find(copy)).ok
    assert engine.find(made.name).state is State.VERIFIED


def test_proofs_of_archives_that_are_gone_are_forgotten(engine: BackupEngine, clock: FakeClock) -> None:
    first = engine.create()
    engine.prove(first)
    clock.pass_time(timedelta(seconds=1))
    second = engine.create()
    engine.delete(first)
    engine.prove(second)
    book = engine.backup_dir / ".docassist-backup" / "proofs.json"
    assert first.name not in book.read_text(encoding="utf-8")
    assert second.name in book.read_text(encoding="utf-8")


def with_counts_of_what_is_in_it(engine: BackupEngine, made: Archive, folder: Path) -> Archive:
    """Put an archive in the place of `made` whose list of contents agrees with what was changed in `folder`."""
    manifest = replace(archive.read_manifest(made.path), counts=read_contents(folder).counts)
    archive.pack(folder, made.path, lambda members: replace(manifest, members=members))
    return engine.find(made.name)


def lose_the_way(folder: Path) -> None:
    """Let each entry of the indexes lead to the first eight only: then a search finds no other."""
    for level in (folder / "chroma").glob("*/data_level0.bin"):
        header = struct.unpack_from("<I6QIi3Q", level.with_name("header.bin").read_bytes())
        elements, stride, links = header[3], header[4], header[10] if header[10] < 200 else header[11]
        data = bytearray(level.read_bytes())
        first = [number for number in range(8)][: int(links)]
        for element in range(elements):
            struct.pack_into(f"<I{len(first)}I", data, element * stride, len(first), *first)
        level.write_bytes(data)


def test_an_index_that_finds_too_few_entries_is_no_good(engine: BackupEngine, tmp_path: Path) -> None:
    made = remade(engine, engine.create(), tmp_path / "changed", lose_the_way)
    engine.verify(made)
    proof = engine.prove(made)
    assert re.search(r"only \d+ of \d+ search entries of patient_\w+ answer", proof.problem)
    assert "clinic.db" in proof.recoverable
    assert engine.find(made.name).state is State.DAMAGED


def test_the_same_text_in_many_places_is_found_by_any_of_them(engine: BackupEngine, clinic: Clinic) -> None:
    code = """if True:
        import chromadb, sys
        from chromadb.config import Settings
        client = chromadb.PersistentClient(sys.argv[1], settings=Settings(anonymized_telemetry=False))
        store = client.get_or_create_collection("notes", embedding_function=None)
        store.add(ids=[f"visit_{n}" for n in range(200)], embeddings=[[1.0, 0.5, 0.25]] * 200)
    """
    subprocess.run([sys.executable, "-c", code, str(clinic.chroma)], check=True, capture_output=True)
    proof = engine.prove(engine.create())
    assert proof.is_full, proof.problem


def test_entries_that_are_counted_and_do_not_answer_leave_the_index_shut(engine: BackupEngine, clinic: Clinic) -> None:
    code = """if True:
        import chromadb, sys
        from chromadb.config import Settings
        settings = Settings(anonymized_telemetry=False)
        settings.is_persistent, settings.persist_directory = True, sys.argv[1]
        chromadb.AdminClient(settings=settings).create_database("elsewhere")
        client = chromadb.PersistentClient(sys.argv[1], settings=settings, database="elsewhere")
        client.create_collection("notes", embedding_function=None).add(ids=["visit_1"], embeddings=[[1.0, 0.5]])
    """
    subprocess.run([sys.executable, "-c", code, str(clinic.chroma)], check=True, capture_output=True)
    made = engine.create()
    proof = engine.prove(made)
    assert (proof.ok, proof.is_full, proof.asked) == (True, False, 0)
    assert "not all of it answered" in proof.remark
    assert engine.find(made.name).state is State.VERIFIED


def test_no_collection_is_asked_for_more_than_the_sample(engine: BackupEngine, clinic: Clinic) -> None:
    code = """if True:
        import chromadb, sys
        from chromadb.config import Settings
        client = chromadb.PersistentClient(sys.argv[1], settings=Settings(anonymized_telemetry=False))
        store = client.get_or_create_collection("notes", embedding_function=None)
        store.add(ids=[f"visit_{n}" for n in range(1999)], embeddings=[[n, 0.5, 0.25] for n in range(1999)])
    """
    subprocess.run([sys.executable, "-c", code, str(clinic.chroma)], check=True, capture_output=True)
    before = engine.prove(engine.create())
    assert before.is_full, before.problem
    assert before.asked <= 1000 + before.entries - 1999


def test_every_entry_is_read_page_by_page(clinic: Clinic) -> None:
    """Pages of names, the last of them not full, and within each pages of vectors."""
    code = """if True:
        import chromadb, json, sys
        from chromadb.config import Settings
        from backup_core import chromaprobe
        chromaprobe.NAMES_AT_A_TIME, chromaprobe.PAGE, chromaprobe.SAMPLE = 70, 30, 50
        client = chromadb.PersistentClient(sys.argv[1], settings=Settings(anonymized_telemetry=False))
        store = client.get_or_create_collection("notes", embedding_function=None)
        store.add(ids=[f"visit_{n}" for n in range(199)], embeddings=[[n, 0.5, 0.25] for n in range(199)])
        print(json.dumps(chromaprobe._ask(store)))
    """
    asked = subprocess.run(
        [sys.executable, "-c", code, str(clinic.chroma)], check=True, capture_output=True, cwd=children.ROOT
    )
    answer = json.loads(asked.stdout)
    assert answer == {"name": "notes", "count": 199, "read": 199, "asked": 50, "found": 50, "unknown": 0}


def test_an_index_that_names_what_does_not_exist_is_no_good(engine: BackupEngine, tmp_path: Path) -> None:
    made, folder = engine.create(), tmp_path / "changed"
    archive.extract(made.path, folder)
    with closing(sqlite3.connect(folder / "chroma" / "chroma.sqlite3")) as store, store:
        gone = "SELECT id FROM embeddings WHERE embedding_id = 'patient_7'"
        store.execute(f"DELETE FROM embedding_metadata WHERE id IN ({gone})")
        store.execute("DELETE FROM embeddings WHERE embedding_id = 'patient_7'")
    proof = engine.prove(with_counts_of_what_is_in_it(engine, made, folder))
    assert proof.problem.endswith("names entries that do not exist.")
    assert engine.find(made.name).state is State.DAMAGED


def test_without_memory_the_index_is_counted_and_not_opened(
    engine: BackupEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = engine.create()
    monkeypatch.setattr("backup_core.proof.free_memory", lambda: 100 << 20)
    proof = engine.prove(made)
    assert (proof.ok, proof.opened, proof.asked) == (True, False, 0)
    assert proof.entries > 0
    assert "too little free memory" in proof.remark
    assert engine.find(made.name).state is State.VERIFIED, "it was not opened, so it is not proven"
    monkeypatch.undo()
    assert engine.prove(made).is_full
    assert engine.find(made.name).state is State.PROVEN


def test_without_memory_the_files_of_the_index_must_fit_together(
    engine: BackupEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(folder: Path) -> None:
        for level in (folder / "chroma").glob("*/data_level0.bin"):
            level.write_bytes(level.read_bytes()[:-1])

    made = remade(engine, engine.create(), tmp_path / "box", cut)
    monkeypatch.setattr("backup_core.proof.free_memory", lambda: 100 << 20)
    proof = engine.prove(made)
    assert proof.problem == "This backup is not whole: the files of its search index do not fit together."
    assert "chroma" not in proof.recoverable


def test_a_torn_index_that_would_take_all_memory_is_damage_and_is_not_opened(
    engine: BackupEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoil(folder: Path) -> None:
        for index in (folder / "chroma").glob("*/header.bin"):
            index.write_bytes(b"\xff" * index.stat().st_size)

    made = remade(engine, engine.create(), tmp_path / "box", spoil)
    code = "import sys; print('{\"ready\": true}', flush=True); sys.exit('std::bad_alloc')"
    monkeypatch.setattr("backup_core.probe.command", lambda module: [sys.executable, "-c", code])
    proof = engine.prove(made)
    assert proof.problem == "This backup is not whole: the files of its search index do not fit together."
    assert engine.find(made.name).state is State.DAMAGED


def test_a_zip_without_patients_is_not_called_opened_and_checked(engine: BackupEngine, tmp_path: Path) -> None:
    old = tmp_path / "backup_2024-05-06_07-08-09.zip"
    with zipfile.ZipFile(old, "w") as file:
        file.writestr("backup_manifest.json", json.dumps({"created_at": "2024-05-06T07:08:09", "version": "1.0"}))
        file.writestr("notes.txt", "nothing else")
    proof = engine.prove(engine.find(old))
    assert (proof.ok, proof.opened) == (True, False)
    assert proof.remark == "There is no list of patients in it, so it is no backup of a clinic's records."


def test_an_old_note_of_an_archive_that_was_only_counted_does_not_count_as_opened(engine: BackupEngine) -> None:
    made = engine.create()
    engine.prove(made)
    book = engine.backup_dir / ".docassist-backup" / "proofs.json"
    note = json.loads(book.read_bytes())
    for name in ("opened", "was_newest"):
        del note[made.name][name]
    book.write_text(json.dumps(note))
    assert engine.find(made.name).state is State.PROVEN
    note[made.name]["asked"] = 0
    book.write_text(json.dumps(note))
    assert engine.find(made.name).state is State.VERIFIED


def test_one_is_opened_at_a_time(engine: BackupEngine) -> None:
    made = engine.create()
    with (
        FileLock(engine.data_dir / ".docassist-backup" / "proving", is_singleton=False),
        pytest.raises(RepositoryLocked, match="Another backup is being opened"),
    ):
        engine.prove(made, trigger=Trigger.INTERVAL)


def test_a_check_that_does_not_end_is_given_up_and_says_nothing_against_the_archive(
    engine: BackupEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = engine.create()
    monkeypatch.setattr("backup_core.probe._PATIENCE", 0.01)
    with pytest.raises(BackupError, match="took too long"):
        engine.prove(made)
    assert engine.find(made.name).state is State.VERIFIED
    assert list((engine.data_dir / ".docassist-backup" / "staging").iterdir()) == []


def test_a_raw_safety_backup_is_read_and_its_databases_are_left_alone(engine: BackupEngine, clinic: Clinic) -> None:
    made = engine.create()
    clinic.db.write_bytes(clinic.db.read_bytes()[:5000] + b"\xa5" * 9000)
    safety = engine.restore(made).safety
    assert safety is not None
    proof = engine.prove(engine.find(safety))
    assert (proof.ok, proof.opened, proof.patients, proof.asked) == (True, False, 0, 0)
    assert "not opened" in proof.remark
    assert engine.find(safety).state is State.VERIFIED


@contextmanager
def full_backup_folder(engine: BackupEngine) -> Iterator[None]:
    """Let the backup folder take no note."""

    def refuse(event: str, values: tuple[Any, ...]) -> None:
        if event == "open" and str(values[0]).endswith("proofs.json.part"):
            raise OSError(errno.ENOSPC, "refused")

    with listening(refuse):
        yield


@contextmanager
def locked_backup_folder(engine: BackupEngine) -> Iterator[None]:
    """Let another program be about to publish a backup."""
    with FileLock(engine.backup_dir / ".docassist-backup" / "lock", is_singleton=False):
        yield


NoNote = Callable[[BackupEngine], AbstractContextManager[None]]
no_note = pytest.mark.parametrize("no_note", [full_backup_folder, locked_backup_folder])


def damaged(engine: BackupEngine) -> Archive:
    """Return an archive of which a byte was changed."""
    made = engine.create()
    data = bytearray(made.path.read_bytes())
    data[data.index(b"data_level0.bin") + 200] ^= 1
    made.path.write_bytes(data)
    return engine.find(made.name)


@pytest.fixture
def impatient(clinic: Clinic, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> BackupEngine:
    """An engine that waits for nobody, as that of the command line, and with its notes only a moment."""
    monkeypatch.setattr("backup_core.inspector._NOTE_PATIENCE", 0.5)
    return BackupEngine(clinic.data_dir, clock=clock, patience=0.0)


def test_a_proof_is_noted_though_its_archive_is_moved_meanwhile(engine: BackupEngine) -> None:
    made = engine.create()

    def keep(progress: Progress) -> None:
        if not engine.keeper.pins:
            engine.keeper.keep_for_ever(made, keep=True)

    assert engine.prove(made, on_progress=keep).ok
    moved = engine.find(made.name)
    assert moved.kept
    assert moved.state is State.PROVEN


@no_note
def test_damage_is_told_also_where_it_cannot_be_noted(impatient: BackupEngine, no_note: NoNote) -> None:
    archive = damaged(impatient)
    with no_note(impatient):
        with pytest.raises(ArchiveUnusable, match="data_level0"):
            impatient.verify(archive)
        proof = impatient.prove(archive)
    assert "data_level0" in proof.problem
    assert "clinic.db" in proof.recoverable
    run = impatient.history.runs()[0]
    assert (run.action, run.outcome, run.reason) == (Action.PROVE, Outcome.FAILED, proof.problem)


@no_note
def test_a_proof_is_told_also_where_it_cannot_be_noted_and_is_noted_with_the_next(
    impatient: BackupEngine, no_note: NoNote
) -> None:
    first, second = impatient.create(), impatient.create()
    with no_note(impatient):
        assert impatient.prove(first).is_full
    assert impatient.find(first.name).state is State.VERIFIED
    impatient.prove(second)
    assert [impatient.find(one.name).state for one in (first, second)] == [State.PROVEN, State.PROVEN]


def test_a_proof_is_told_also_where_the_drive_of_the_backups_goes_away_meanwhile(
    clinic: Clinic, tmp_path: Path
) -> None:
    drive = tmp_path / "drive"
    drive.mkdir()
    engine = BackupEngine(clinic.data_dir, drive / "backups")
    made = engine.create()

    def take_away(progress: Progress) -> None:
        if progress.stage is Stage.PROVE and drive.exists():
            drive.rename(tmp_path / "gone")

    proof = engine.prove(made, on_progress=take_away)
    assert (proof.ok, proof.was_newest) == (True, False)


def test_where_no_note_can_be_made_nothing_is_opened_by_itself_again_and_again(impatient: BackupEngine) -> None:
    archive = impatient.create()
    with full_backup_folder(impatient):
        assert impatient.prove(archive, trigger=Trigger.INTERVAL).is_full
        seen: list[Progress] = []
        with pytest.raises(RepositoryFull):
            impatient.prove(archive, trigger=Trigger.INTERVAL, on_progress=seen.append)
        assert seen == []
    assert impatient.prove(archive, trigger=Trigger.INTERVAL).is_full
    assert impatient.find(archive.name).state is State.PROVEN
