"""What a power cut leaves: hot journals, full write-ahead logs, and names that were not yet flushed."""

import re
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

from .power_law import KNOWN, Law
from .power_matrix import PowerMatrix
from .puppet import Puppet
from .scenes import NAMES, Scenery
from .spiller import ROWS
from .spread import spread

#: Kills of each restore, each just before something is flushed.
RECOVERIES = 6
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


@pytest.mark.parametrize("name", NAMES)
def test_what_is_put_in_place_was_flushed_before_and_its_folder_is_flushed_after(
    name: str, scenery: Scenery, puppet: Puppet, tmp_path: Path
) -> None:
    matrix = PowerMatrix(scenery.scene(name), puppet, tmp_path)
    matrix.read_undisturbed()
    assert not matrix.result.lost, "\n".join(matrix.result.lost)


@pytest.mark.parametrize("name", ["restore-good", "restore-missing", "armed"])
def test_a_recovery_flushes_first_what_a_killed_restore_has_left_unflushed(
    name: str, scenery: Scenery, puppet: Puppet, tmp_path: Path
) -> None:
    matrix = PowerMatrix(scenery.scene(name), puppet, tmp_path)
    calls = matrix.calls()
    moved = [number for number in matrix.swap_of(calls) if calls[number - 1].startswith("fsync")]
    matrix.read_recovered(spread(moved, RECOVERIES))
    assert matrix.result.points >= RECOVERIES
    assert not matrix.result.lost, "\n".join(matrix.result.lost)


DATA = PurePath("/data")
PART, ZIP = "/data/backups/.docassist-backup/x.part", "/data/backups/backup_x.zip"
PUBLISH = (f"open64\t{PART}", f"write\t{PART}", f"fsync\t{PART}", f"link\t{ZIP}\t{PART}", "fsync\t/data/backups")
BOX, PRIVATE = "/data/.docassist-backup/swap/x", "/data/.docassist-backup"
KEPT = "/data/backups/kept"
JOURNAL = (f"rename\t{PRIVATE}/journal.json\t{PRIVATE}/journal.json.part", f"fsync\t{PRIVATE}")


def test_every_call_that_the_shim_tells_is_known_to_the_law() -> None:
    source = Path(__file__).with_name("shim.c").read_text(encoding="utf-8")
    told = re.findall(r"^WRAP(?:_MKDIR|_OPEN|_FILE)?\((?:int, |ssize_t, )?(\w+)", source, re.MULTILINE)
    assert set(told) == set(KNOWN)


def test_an_archive_that_is_flushed_at_each_step_obeys_the_law() -> None:
    assert broken(*PUBLISH, f"unlink\t{PART}") == []


@pytest.mark.parametrize(
    ("calls", "found"),
    [
        ([*PUBLISH[:2], *PUBLISH[3:]], f"{ZIP} was put in place before {PART} was flushed"),
        (PUBLISH[:-1], f"{ZIP} was put in place, and /data/backups never flushed"),
        ([*PUBLISH, f"pwrite64\t{ZIP}"], f"{ZIP} was written to in its place"),
        ([*PUBLISH, f"ftruncate\t{ZIP}"], f"{ZIP} was written to and never flushed"),
        ([*PUBLISH[:-1], "unlink\t/data/backups/backup_a.zip"], "/data/backups/backup_a.zip was deleted while"),
        ([*PUBLISH[:-1], *JOURNAL], f"{PRIVATE}/journal.json was put in place while {ZIP} was not flushed"),
        ([f"mkdir\t{BOX}/new/chroma", *JOURNAL], "the journal was written before the name"),
        ([f"mkdir\t{BOX}/new/chroma/a", f"rename\t/data/chroma\t{BOX}/new/chroma"], "before the name of"),
        ([*JOURNAL, f"rename\t/data/clinic.db\t{BOX}/new/clinic.db", "fsync\t/data"], f"and {BOX}/new never flushed"),
        (
            [
                *JOURNAL,
                f"rename\t/data/clinic.db\t{BOX}/new/clinic.db",
                f"unlink\t{PRIVATE}/journal.json",
                *(f"fsync\t{folder}" for folder in (PRIVATE, f"{BOX}/new", "/data")),
            ],
            "the journal was deleted while /data/clinic.db was not flushed in /data",
        ),
        ([*JOURNAL, f"sendfile\t{BOX}/new/a", f"renameat2\t/data/b\t{BOX}/new"], "was flushed"),
        ([*JOURNAL, f"unlinkat\t{BOX}/old/a"], "was deleted while the journal was there"),
        ([f"mkdir\t{KEPT}", f"rename\t{KEPT}/backup_a.zip\t/data/backups/backup_a.zip"], "whose own name"),
        (["write\t/data/settings.json"], "/data/settings.json was written to and never flushed"),
        (["symlink\t/data/a"], "symlink is no call that is known"),
    ],
)
def test_a_step_that_is_left_out_breaks_the_law(calls: Sequence[str], found: str) -> None:
    assert any(found in what for what in broken(*calls)), broken(*calls)


def broken(*calls: str) -> list[str]:
    law = Law(DATA)
    law.read(calls)
    return law.end()
