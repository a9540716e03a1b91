"""What a power cut leaves: hot journals, full write-ahead logs, and names that were not yet flushed."""

import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path, PurePath

import pytest

from backup_core.archive import extract
from backup_core.engine import BackupEngine
from tests.clinic import Clinic

from .puppet import Order, Puppet
from .scenes import Scenery
from .shim import build
from .spiller import ROWS

STORES = ("clinic.db", "chroma/chroma.sqlite3")


def cut_power_in_mid_transaction(store: Path, journal_mode: str) -> None:
    """Kill a program that has committed ROWS rows, and written half of a change of them all."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.spiller", str(store), journal_mode],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "spilled\n"
    process.kill()
    process.communicate()
    left = store.with_name(f"{store.name}-{'wal' if journal_mode == 'WAL' else 'journal'}")
    assert left.stat().st_size > 0


def notes(store: Path) -> set[tuple[str, int]]:
    """Return what the rows of the killed program say, and how many say it."""
    with closing(sqlite3.connect(store)) as database:
        return set(database.execute("SELECT substr(note, 1, 9), count(*) FROM bulk GROUP BY 1"))


@pytest.mark.parametrize("journal_mode", ["DELETE", "WAL"])
@pytest.mark.parametrize("name", STORES)
def test_the_backup_after_a_power_cut_has_every_committed_row_and_no_other(
    name: str, journal_mode: str, clinic: Clinic, engine: BackupEngine, tmp_path: Path
) -> None:
    cut_power_in_mid_transaction(clinic.data_dir / name, journal_mode)
    made = engine.create()
    extract(made.path, tmp_path / "unpacked")
    assert notes(tmp_path / "unpacked" / name) == {("committed", ROWS)}
    assert notes(clinic.data_dir / name) == {("committed", ROWS)}


@pytest.mark.parametrize("journal_mode", ["DELETE", "WAL"])
@pytest.mark.parametrize("name", STORES)
def test_a_restore_is_not_undone_by_what_a_power_cut_has_left(
    name: str, journal_mode: str, clinic: Clinic, engine: BackupEngine, tmp_path: Path
) -> None:
    made = engine.create()
    rows = clinic.rows()
    cut_power_in_mid_transaction(clinic.data_dir / name, journal_mode)
    restored = engine.restore(made)
    assert clinic.rows() == rows
    assert not [path.name for path in clinic.data_dir.rglob("*-*") if path.name.endswith(("-wal", "-journal"))]
    assert restored.safety is not None
    extract(engine.find(restored.safety).path, tmp_path / "kept")
    assert notes(tmp_path / "kept" / name) == {("committed", ROWS)}


@pytest.mark.parametrize("journal_mode", ["DELETE", "WAL"])
def test_a_restore_is_not_undone_by_the_journal_of_a_database_that_has_gone(
    journal_mode: str, clinic: Clinic, engine: BackupEngine
) -> None:
    made = engine.create()
    rows = clinic.rows()
    cut_power_in_mid_transaction(clinic.db, journal_mode)
    clinic.db.unlink()
    engine.restore(made)
    assert clinic.rows() == rows


@pytest.mark.parametrize("name", ["create", "restore-good", "restore-missing", "restore-plain", "undo"])
def test_what_is_put_in_place_was_flushed_before_and_its_folder_is_flushed_after(
    name: str, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    scene = Scenery(tmp_path).scene(name)
    with Puppet(build(tmp_path)) as puppet:
        end, calls = puppet.calls(Order(scene.operation, str(scene.data), scene.archive, plain=scene.plain))
    assert not end.error
    assert unflushed([call.split("\t") for call in calls]) == []


def unflushed(calls: Sequence[Sequence[str]]) -> list[str]:
    """Return what a power cut could have lost: files renamed with bytes not flushed, names never flushed."""
    found: list[str] = []
    dirty: set[str] = set()
    made: set[str] = set()
    names: dict[str, str] = {}
    for call, path, *source in calls:
        if call in ("write", "pwrite64", "sendfile64", "copy_file_range", "ftruncate64"):
            dirty.add(path)
        elif call in ("open64", "mkdir") or (call == "link" and not path.endswith(".zip")):
            made.add(path)
        elif call in ("fsync", "fdatasync"):
            dirty.discard(path)
            made = {name for name in made if str(PurePath(name).parent) != path}
            names.pop(path, None)
        elif call.startswith(("rename", "link")):
            found += [f"{path} was put in place before {file} was flushed" for file in dirty if is_in(file, source[0])]
            if path.endswith("journal.json"):
                found += [
                    f"the journal was written before {name} had a lasting name" for name in made if "/swap/" in name
                ]
            # The journal tells of a swap what the other names are not flushed for yet.
            found += [f"{path} was put in place while {names[folder]} was not flushed" for folder in names]
            names[str(PurePath(path).parent)] = path
    return found + [f"{name} was never flushed" for name in names.values()]


def is_in(path: str, top: str) -> bool:
    return path == top or path.startswith(f"{top}/")
