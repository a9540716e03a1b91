"""What the EMR's transactions feel of a freeze, in both of SQLite's modes."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from backup_core.livedb import LiveDatabase

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
        started = time.monotonic()
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            emr.execute(CHANGE)
        assert time.monotonic() - started < TIMEOUT / 2

        live.let_writers_go()
        emr.execute(CHANGE)
        emr.execute("COMMIT")

    assert emr.execute("SELECT name FROM patients").fetchone() == ("changed",)
