"""A snapshot: what it takes with it, as of one instant, and what it refuses."""

import itertools
import os
import shutil
import sqlite3
import stat
import threading
import time
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import pytest

from backup_core import BackupEngine, contents, instant, snapshot
from backup_core.chroma import torn_indexes
from backup_core.errors import SnapshotFailed, SourceDamaged
from backup_core.livedb import LiveDatabase
from backup_core.snapshot import Snapshot
from backup_core.sources import find_sources
from tests.audit import listening
from tests.clinic import PATIENTS, Clinic


@pytest.fixture
def target(tmp_path: Path) -> Path:
    staging = tmp_path / "staging"
    staging.mkdir()
    return staging / "1"


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between the looks at the vector store's files, in seconds: few where nothing is waited for."""
    paused: list[float] = []
    sleep = time.sleep

    def pause(seconds: float) -> None:
        paused.append(seconds)
        sleep(seconds)

    monkeypatch.setattr("backup_core.instant.time.sleep", pause)
    return paused


def take(clinic: Clinic, target: Path, *extras: str) -> Snapshot:
    return snapshot.take(find_sources(clinic.data_dir, extras), target)


def test_every_source_is_copied_the_plain_files_byte_for_byte(clinic: Clinic, target: Path) -> None:
    taken = take(clinic, target)

    copied = Clinic(target)
    assert copied.plain_files() == clinic.plain_files()
    assert copied.files().keys() == clinic.files().keys()
    assert copied.rows() == clinic.rows()
    assert (target / "prescriptions" / "empty year").is_dir()
    assert taken.sources == {"clinic.db": True, "chroma": True, "prescriptions": True, "settings.json": True}
    assert taken.contents.counts["chroma:patient_summaries"] == PATIENTS
    assert taken.contents.schema_version == 3


def test_what_is_not_there_is_named_as_absent(clinic: Clinic, target: Path) -> None:
    shutil.rmtree(clinic.chroma)
    shutil.rmtree(clinic.prescriptions)
    clinic.settings.unlink()

    taken = take(clinic, target, "letters")

    assert taken.sources == {
        "clinic.db": True,
        "chroma": False,
        "prescriptions": False,
        "settings.json": False,
        "letters": False,
    }


def test_what_the_user_added_is_copied_databases_in_it_included(clinic: Clinic, target: Path) -> None:
    (clinic.data_dir / "letters").mkdir()
    (clinic.data_dir / "letters" / "one.txt").write_text("Dear colleague")
    with closing(sqlite3.connect(clinic.data_dir / "letters" / "index.db")) as database, database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE letters (title)")

        take(clinic, target, "letters")

    assert sorted(path.name for path in (target / "letters").iterdir()) == ["index.db", "one.txt"]


def test_what_is_committed_but_only_in_the_write_ahead_log_is_copied(clinic: Clinic, target: Path) -> None:
    clinic.sql("PRAGMA journal_mode = WAL")
    with closing(sqlite3.connect(clinic.db)) as of_the_emr:
        of_the_emr.execute("SELECT count(*) FROM patients").fetchone()
        clinic.admit("Only in the log")
        size = clinic.db.with_name("clinic.db-wal").stat().st_size

        take(clinic, target)

        assert clinic.db.with_name("clinic.db-wal").stat().st_size == size > 0
    assert Clinic(target).names()[-1] == "Only in the log"


def test_a_transaction_that_is_not_committed_is_not_copied_and_goes_on(clinic: Clinic, target: Path) -> None:
    with closing(sqlite3.connect(clinic.db)) as of_the_emr:
        of_the_emr.execute("INSERT INTO patients (name) VALUES ('Not yet')")

        take(clinic, target)
        of_the_emr.commit()

    assert "Not yet" not in Clinic(target).names()
    assert clinic.names()[-1] == "Not yet"


def test_what_a_power_cut_left_half_written_is_rolled_back_first(clinic: Clinic, target: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(clinic.db)) as of_the_emr:
        of_the_emr.execute("PRAGMA cache_size = 1")
        of_the_emr.execute("UPDATE patients SET address = hex(randomblob(4000))")
        # The state of the disk in the middle of a transaction whose pages were written before the commit.
        after = Clinic(tmp_path / "after the power cut")
        shutil.copytree(clinic.data_dir, after.data_dir)
    assert after.db.with_name("clinic.db-journal").stat().st_size > 0

    taken = take(after, target)

    assert taken.contents.patient_count == PATIENTS
    assert Clinic(target).rows() == clinic.rows()


def test_a_young_vector_index_is_whole_so_that_no_time_is_lost(
    clinic: Clinic, target: Path, pauses: list[float]
) -> None:
    assert torn_indexes(clinic.chroma) == []

    take(clinic, target)

    assert sum(pauses) < 0.05


def test_where_nobody_writes_the_writers_are_held_for_two_looks_at_the_vectors(
    clinic: Clinic, target: Path, pauses: list[float]
) -> None:
    take(clinic, target)

    assert pauses == [instant._LOOK_PAUSE]


def test_an_index_that_is_cut_short_is_seen_and_waited_for(clinic: Clinic, target: Path, pauses: list[float]) -> None:
    index = next(clinic.chroma.glob("*/data_level0.bin"))
    os.truncate(index, 1676 * (PATIENTS - 30))

    assert torn_indexes(clinic.chroma) == [index.parent.name]
    take(clinic, target)

    assert sum(pauses) > 0.1


def test_an_index_that_is_being_written_for_some_time_is_waited_for(
    clinic: Clinic, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = next(clinic.chroma.glob("*/data_level0.bin"))
    whole, sleep, begun = index.read_bytes(), time.sleep, time.monotonic()
    index.write_bytes(whole[:-1676])

    def pause(seconds: float) -> None:
        sleep(seconds)
        if time.monotonic() - begun > 0.3 and index.stat().st_size < len(whole):
            index.write_bytes(whole)

    monkeypatch.setattr("backup_core.instant.time.sleep", pause)
    take(clinic, target)

    assert torn_indexes(target / "chroma") == []


def test_files_from_the_future_do_not_hold_the_writers(clinic: Clinic, target: Path, pauses: list[float]) -> None:
    later = time.time() + 400 * 24 * 3600
    for path in clinic.chroma.rglob("*.bin"):
        os.utime(path, (later, later))

    take(clinic, target)

    assert sum(pauses) < 0.05


def test_a_damaged_database_is_named(clinic: Clinic, target: Path) -> None:
    with clinic.db.open("rb+") as file:
        file.seek(5000)
        file.write(b"\xff" * 4000)

    with pytest.raises(SourceDamaged, match=r"clinic\.db is damaged") as raised:
        take(clinic, target)

    assert raised.value.facts == {"source": "clinic.db"}


@pytest.mark.parametrize("name", ["clinic.db", "chroma/chroma.sqlite3"])
def test_a_store_that_is_no_database_at_all_is_damaged(clinic: Clinic, target: Path, name: str) -> None:
    (clinic.data_dir / name).write_bytes(b"something else" * 1000)

    with pytest.raises(SourceDamaged):
        take(clinic, target)


@pytest.fixture
def vectors_first(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The databases by name whose check has begun; clinic.db is copied until that of the vector store has."""
    begun: list[str] = []
    has_begun = threading.Event()
    check_integrity, copy_beforehand = contents.check_integrity, LiveDatabase.copy_beforehand

    def check(copy: Path) -> str:
        begun.append(copy.name)
        has_begun.set()
        return check_integrity(copy)

    def copy(database: LiveDatabase, target: Path) -> bool:
        if database.path == clinic.db:
            assert has_begun.wait(30)
        return copy_beforehand(database, target)

    monkeypatch.setattr(snapshot, "check_integrity", check)
    monkeypatch.setattr(LiveDatabase, "copy_beforehand", copy)
    return begun


def test_a_database_is_checked_once_and_while_another_is_still_copied(
    clinic: Clinic, target: Path, vectors_first: list[str]
) -> None:
    assert take(clinic, target).contents.patient_count == PATIENTS
    assert vectors_first == ["chroma.sqlite3", "clinic.db"]


def test_damage_that_is_found_while_another_database_is_copied_is_told(
    clinic: Clinic, target: Path, vectors_first: list[str]
) -> None:
    spoil_an_index(clinic.chroma / "chroma.sqlite3")

    with pytest.raises(SourceDamaged, match=r"chroma\.sqlite3 is damaged"):
        take(clinic, target)
    assert vectors_first == ["chroma.sqlite3", "clinic.db"]


def test_what_was_written_after_the_check_had_begun_is_checked_again(
    clinic: Clinic, target: Path, vectors_first: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first copy of the vector store was whole, and that of the freeze is not."""
    copy_beforehand = instant._copy_beforehand

    def copy_and_spoil(*given: Any) -> None:
        copy_beforehand(*given)
        spoil_an_index(clinic.chroma / "chroma.sqlite3")

    monkeypatch.setattr(instant, "_copy_beforehand", copy_and_spoil)

    with pytest.raises(SourceDamaged, match=r"chroma\.sqlite3 is damaged"):
        take(clinic, target)
    assert vectors_first == ["chroma.sqlite3", "clinic.db", "chroma.sqlite3"]


@pytest.mark.parametrize("is_copied_again", [False, True])
def test_a_check_that_could_not_read_counts_unless_its_copy_was_made_again(
    clinic: Clinic, target: Path, vectors_first: list[str], monkeypatch: pytest.MonkeyPatch, is_copied_again: bool
) -> None:
    checks, copy_beforehand = itertools.count(), instant._copy_beforehand

    def refuse(event: str, values: tuple[Any, ...]) -> None:
        if event == "sqlite3.connect" and "chroma.sqlite3?mode=ro&immutable" in str(values[0]) and not next(checks):
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise error

    def copy_and_write(*given: Any) -> None:
        copy_beforehand(*given)
        if is_copied_again:
            with closing(sqlite3.connect(clinic.chroma / "chroma.sqlite3")) as database:
                database.execute("CREATE TABLE another (name)")

    monkeypatch.setattr(instant, "_copy_beforehand", copy_and_write)
    refused = pytest.raises(SnapshotFailed, match="could not be read")
    with listening(refuse), nullcontext() if is_copied_again else refused:
        assert take(clinic, target).contents.patient_count == PATIENTS


def spoil_an_index(path: Path) -> None:
    """Make an index of the database one of another column than it holds, by a transaction like any other."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE spoilt (name, code)")
        database.execute("CREATE INDEX spoilt_name ON spoilt (name)")
        database.execute("INSERT INTO spoilt VALUES ('one', 1)")
        database.execute("PRAGMA writable_schema = ON")
        database.execute(
            "UPDATE sqlite_master SET sql = 'CREATE INDEX spoilt_name ON spoilt (code)' WHERE name = 'spoilt_name'"
        )
        database.commit()


def test_an_empty_database_file_is_a_database_without_tables(clinic: Clinic, target: Path) -> None:
    clinic.db.write_bytes(b"")

    assert take(clinic, target).contents.patient_count == 0


def test_a_database_of_another_version_is_counted_as_far_as_it_goes(clinic: Clinic, target: Path) -> None:
    clinic.sql("DROP TABLE visits")
    clinic.sql('CREATE TABLE "odd ""name" (x)')
    clinic.sql("DROP TABLE schema_versions")
    clinic.sql("CREATE TABLE schema_versions (something_else)")

    contents = take(clinic, target).contents

    assert (contents.patient_count, contents.visit_count, contents.schema_version) == (PATIENTS, 0, None)
    assert contents.counts['odd "name'] == 0


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
def test_a_copy_can_be_read_by_this_user_only(clinic: Clinic, target: Path) -> None:
    take(clinic, target)

    assert stat.S_IMODE(target.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in target.rglob("*") if path.is_dir()} == {0o700}
    assert stat.S_IMODE((target / "clinic.db").stat().st_mode) == 0o600


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_name_that_cannot_be_stored_is_refused_with_a_sentence(clinic: Clinic, target: Path) -> None:
    (clinic.prescriptions / "a\\b.pdf").touch()

    with pytest.raises(SnapshotFailed, match="name that cannot be stored"):
        take(clinic, target)


@pytest.mark.skipif(os.name == "nt", reason="Windows needs a right to make links")
def test_a_link_that_leads_nowhere_does_not_stop_the_backup(clinic: Clinic, target: Path) -> None:
    (clinic.prescriptions / "to a drive that is not connected").symlink_to("/nowhere/at/all")

    take(clinic, target)

    assert Clinic(target).rows() == clinic.rows()


@pytest.mark.parametrize("year", [1971, 1979, 2100])
def test_a_file_of_any_date_is_copied(clinic: Clinic, target: Path, year: int) -> None:
    when = (year - 1970) * 31557600
    os.utime(clinic.prescriptions / "Zoë Müller – राम.pdf", (when, when))

    take(clinic, target)

    assert (target / "prescriptions" / "Zoë Müller – राम.pdf").stat().st_mtime == when


@pytest.mark.skipif(os.name == "nt", reason="Windows needs a right to make links")
def test_a_link_to_a_folder_that_it_lies_in_is_not_followed_for_ever(clinic: Clinic, target: Path) -> None:
    (clinic.prescriptions / "2026").mkdir()
    (clinic.prescriptions / "2026" / "all").symlink_to(clinic.prescriptions)
    (clinic.prescriptions / "data").symlink_to(clinic.data_dir)
    (clinic.prescriptions / "old").symlink_to(clinic.prescriptions / "empty year")

    take(clinic, target)

    assert sorted(path.name for path in (target / "prescriptions").iterdir()) == [
        "2026",
        "Zoë Müller – राम.pdf",
        "empty year",
        "old",
    ]


def test_tables_and_orders_that_only_the_emr_knows_are_copied_and_not_called_damage(clinic: Clinic) -> None:
    with closing(sqlite3.connect(clinic.db)) as database, database:
        database.create_collation("doctors_own", lambda one, other: (one > other) - (one < other))
        database.execute("CREATE TABLE codes (code TEXT COLLATE doctors_own)")
        database.execute("CREATE INDEX by_code ON codes (code)")
        database.executemany("INSERT INTO codes VALUES (?)", [("b",), ("a",)])
        database.execute("PRAGMA writable_schema = ON")
        database.execute(
            "INSERT INTO sqlite_master (type, name, tbl_name, rootpage, sql)"
            " VALUES ('table', 'drawings', 'drawings', 0, 'CREATE VIRTUAL TABLE drawings USING doctors_module')"
        )
    made = BackupEngine(clinic.data_dir).create()
    assert made.manifest is not None
    assert made.manifest.patient_count == PATIENTS
    assert "drawings" not in made.manifest.counts
