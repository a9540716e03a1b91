"""The proof: an archive is opened as the EMR would open it, and what that shows is remembered."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from backup_core import BackupEngine, archive
from backup_core.errors import ArchiveUnusable
from backup_core.listing import Archive, State
from backup_core.runs import Action, Outcome
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
    assert proof.remark == "1 entries of visits refer to nobody, as in DocAssist."


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
