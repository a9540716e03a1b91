"""A look into a folder that may hold a clinic."""

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backup_core.clinics import Finding, look_at
from tests.clinic import PATIENTS, Clinic


def test_a_clinic_is_counted_while_it_is_written_to_and_stays_as_it_was(clinic: Clinic) -> None:
    journal = clinic.db.with_name("clinic.db-journal")
    with closing(sqlite3.connect(clinic.db, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO patients (uhid, name) VALUES ('x', 'half written')")
        os.utime(journal, (journal.stat().st_atime, clinic.db.stat().st_mtime + 5))
        found, changed = look_at(clinic.data_dir), journal.stat().st_mtime
        writer.execute("ROLLBACK")

    assert (found.finding, found.patients, found.is_empty) == (Finding.CLINIC, PATIENTS, False)
    assert found.changed == datetime.fromtimestamp(changed, UTC), "half written is written to as well"


def test_a_look_leaves_the_log_of_a_write_ahead_database_alone(clinic: Clinic) -> None:
    with closing(sqlite3.connect(clinic.db)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("INSERT INTO patients (uhid, name) VALUES ('y', 'in the log')")
        writer.commit()
        log = clinic.db.with_name("clinic.db-wal")
        before = log.read_bytes()

        assert look_at(clinic.data_dir).patients == PATIENTS + 1
        assert log.read_bytes() == before


def test_a_database_that_is_locked_is_a_clinic_that_cannot_be_counted(clinic: Clinic) -> None:
    with closing(sqlite3.connect(clinic.db, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")

        found = look_at(clinic.data_dir)

    assert (found.finding, found.patients, found.is_empty) == (Finding.UNREADABLE, None, False)


@pytest.mark.parametrize("data", [b"no database at all " * 100, b"SQLite format 3\0" + b"\xff" * 4000])
def test_a_damaged_database_is_told_as_one_that_cannot_be_read(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "clinic.db").write_bytes(data)

    assert look_at(tmp_path).finding is Finding.UNREADABLE
    assert (tmp_path / "clinic.db").read_bytes() == data


def test_the_database_of_another_program_is_no_clinic(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "clinic.db")) as database:
        database.execute("CREATE TABLE horses (name TEXT)")

    assert look_at(tmp_path).finding is Finding.FOREIGN


def test_where_there_is_nothing_there_is_no_clinic(tmp_path: Path) -> None:
    (tmp_path / "clinic.db").mkdir()

    for folder in (tmp_path, tmp_path / "nowhere", tmp_path / ("x" * 300)):
        assert look_at(folder).finding is Finding.NONE
        assert look_at(folder).is_empty


def test_a_clinic_without_patients_is_empty(clinic: Clinic) -> None:
    clinic.sql("DELETE FROM patients")

    assert look_at(clinic.data_dir).is_empty
