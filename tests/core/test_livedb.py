"""What the EMR's transactions feel of a freeze, in both of SQLite's modes."""

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from backup_core import contents, livedb
from backup_core.livedb import DeadlinePassed, LiveDatabase

#: Seconds for which the EMR's connection would wait.
TIMEOUT = 10.0
CHANGE = "UPDATE patients SET name = 'changed'"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "clinic.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE patients (name); INSERT INTO patients VALUES ('A')")
    return path


@pytest.fixture
def emr(database: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(database, timeout=TIMEOUT, isolation_level=None)) as connection:
        yield connection


def test_in_rollback_mode_a_transaction_that_reads_before_it_writes_goes_on(
    database: Path, emr: sqlite3.Connection
) -> None:
    with LiveDatabase(database) as live:
        live.freeze(1)
        emr.execute("BEGIN")
        emr.execute("SELECT * FROM patients").fetchall()
        emr.execute(CHANGE)
        live.thaw()
        emr.execute("COMMIT")

    assert emr.execute("SELECT name FROM patients").fetchone() == ("changed",)


def test_in_write_ahead_mode_such_a_transaction_fails_at_once_and_only_while_the_writers_are_held(
    database: Path, emr: sqlite3.Connection
) -> None:
    emr.execute("PRAGMA journal_mode = WAL")
    emr.execute("BEGIN")
    emr.execute("SELECT * FROM patients").fetchall()
    with LiveDatabase(database) as live:
        live.freeze(1)
        # With as much patience as it has, it would wait for ever: it is not let wait at all.
        emr.execute("PRAGMA busy_timeout = 86400000")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            emr.execute(CHANGE)

        live.let_writers_go()
        emr.execute(CHANGE)
        emr.execute("COMMIT")

    assert emr.execute("SELECT name FROM patients").fetchone() == ("changed",)


def test_a_database_whose_mode_is_switched_after_it_was_opened_is_not_taken_for_frozen(
    database: Path, emr: sqlite3.Connection
) -> None:
    with LiveDatabase(database) as live:
        assert not live.is_wal
        emr.execute("PRAGMA journal_mode = WAL")
        with pytest.raises(sqlite3.OperationalError, match="journal mode"):
            live.freeze(1)


def test_a_writer_that_lets_nobody_read_is_not_waited_for_beforehand(
    database: Path, emr: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(livedb, "_BUSY_PATIENCE", 0.05)
    with LiveDatabase(database) as live:
        emr.execute("BEGIN EXCLUSIVE")
        live.copy_beforehand(tmp_path / "copy.db")
        emr.execute("ROLLBACK")
        live.freeze(1)
        assert not live.is_as_copied()


def test_a_transaction_that_is_rolled_back_after_the_copy_leaves_it_as_good_and_one_that_is_committed_does_not(
    database: Path, emr: sqlite3.Connection, tmp_path: Path
) -> None:
    with LiveDatabase(database) as live:
        live.copy_beforehand(tmp_path / "copy.db")
        emr.execute("PRAGMA cache_size = 1")
        emr.execute("BEGIN EXCLUSIVE")
        emr.executemany("INSERT INTO patients VALUES (?)", [("x" * 3000,)] * 100)
        emr.execute("ROLLBACK")
        live.freeze(1)
        assert live.is_as_copied()
        live.thaw()
        emr.execute(CHANGE)
        live.freeze(1)
        assert not live.is_as_copied()


def test_a_copy_is_made_again_though_the_one_before_is_still_being_read(
    database: Path, emr: sqlite3.Connection, tmp_path: Path
) -> None:
    """Its check reads it, and the writers would wait for that."""
    copy = tmp_path / "copy.db"
    with LiveDatabase(database) as live:
        assert live.copy_beforehand(copy)
        with contents._open_copy(copy) as reader:
            reader.execute("BEGIN")
            assert reader.execute("SELECT name FROM patients").fetchall() == [("A",)]
            emr.execute(CHANGE)
            live.freeze(1)
            live.copy(copy, time.monotonic() + 5)
            live.thaw()
    with closing(sqlite3.connect(copy)) as made:
        assert made.execute("SELECT name FROM patients").fetchall() == [("changed",)]


def test_a_copy_that_cannot_be_written_holds_the_writers_until_the_deadline_only(
    database: Path, emr: sqlite3.Connection, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    with closing(sqlite3.connect(copy, isolation_level=None)) as other, LiveDatabase(database) as live:
        other.execute("CREATE TABLE another (name)")
        other.execute("BEGIN")
        assert other.execute("SELECT * FROM another").fetchall() == []
        live.freeze(1)
        with pytest.raises(DeadlinePassed):
            live.copy(copy, time.monotonic() + 0.1)
        live.thaw()
    emr.execute(CHANGE)


def test_what_a_crash_left_half_written_after_the_copy_is_rolled_back_and_copied_again(
    database: Path, tmp_path: Path
) -> None:
    crash = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute('PRAGMA cache_size = 1'); c.execute('BEGIN EXCLUSIVE');"
        "c.executemany('INSERT INTO patients VALUES (?)', [('x' * 3000,)] * 100); os._exit(9)"
    )
    journal = database.with_name("clinic.db-journal")
    with LiveDatabase(database) as live:
        live.copy_beforehand(tmp_path / "copy.db")
        subprocess.run([sys.executable, "-c", crash, database], check=False)
        assert journal.stat().st_size > 0
        live.freeze(1)
        assert not live.is_as_copied()
        live.copy(tmp_path / "copy.db", None)
        assert not journal.exists()
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("SELECT name FROM patients").fetchall() == [("A",)]
