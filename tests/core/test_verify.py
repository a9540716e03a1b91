"""Verifying: bytes against the list, then SQLite over the databases; and what a restore tells while it works."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from backup_core import BackupEngine, archive
from backup_core.errors import ArchiveUnusable
from backup_core.listing import Archive
from backup_core.progress import Progress, Stage
from backup_core.verify import verify
from tests.clinic import Clinic

STORES = ("clinic.db", "chroma/chroma.sqlite3")


def break_a_promise(database: Path) -> None:
    """Leave a row that its table's own words forbid: every row can be read, and only SQLite's check sees it."""
    with closing(sqlite3.connect(database)) as broken, broken:
        broken.execute("CREATE TABLE promises (kept TEXT)")
        broken.execute("INSERT INTO promises VALUES (NULL)")
        broken.execute("PRAGMA writable_schema = ON")
        broken.execute("UPDATE sqlite_master SET sql = replace(sql, 'TEXT', 'TEXT NOT NULL') WHERE name = 'promises'")


def remade(engine: BackupEngine, folder: Path, change: Callable[[Path], None], state: str = "") -> Archive:
    """Return an archive whose bytes are all as listed, made of contents that were changed before."""
    made = engine.create()
    manifest = archive.extract(made.path, folder)
    change(folder)
    archive.pack(folder, made.path, lambda members: replace(manifest, members=members, state=state))
    return engine.find(made.name)


@pytest.mark.parametrize("store", STORES)
def test_a_database_that_sqlite_finds_damaged_is_named_by_verify_and_refused_by_restore(
    store: str, engine: BackupEngine, clinic: Clinic, tmp_path: Path
) -> None:
    made = remade(engine, tmp_path / "unpacked", lambda folder: break_a_promise(folder / store))
    before = clinic.files()
    for use in (engine.verify, engine.restore):
        with pytest.raises(ArchiveUnusable, match=f"^{store} in this backup is damaged: NULL value") as raised:
            use(made)
        assert raised.value.hint == "Choose another backup."
    assert clinic.files() == before
    assert engine.undoable() is None


def test_a_safety_backup_of_damaged_data_is_taken_as_it_is(engine: BackupEngine, tmp_path: Path) -> None:
    made = remade(engine, tmp_path / "unpacked", lambda folder: break_a_promise(folder / STORES[0]), state="raw")
    assert engine.verify(made) == made


def test_verifying_unpacks_the_databases_and_nothing_else_and_tells_how_far_it_is(
    engine: BackupEngine, tmp_path: Path
) -> None:
    made, seen = engine.create(), list[Progress]()
    verify(made.path, tmp_path / "sandbox", seen.append)
    sandbox = tmp_path / "sandbox"
    assert {path.relative_to(sandbox).as_posix() for path in sandbox.rglob("*") if path.is_file()} == set(STORES)
    assert seen[-1].done == seen[-1].total > 0


def test_a_restore_tells_its_stages_in_their_order(engine: BackupEngine) -> None:
    made, seen = engine.create(), list[Progress]()
    assert not engine.restore(made, on_progress=seen.append).armed
    stages = list(dict.fromkeys(progress.stage for progress in seen))
    assert stages == [Stage.EXTRACT, Stage.SAFETY, Stage.SWAP]
