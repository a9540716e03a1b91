"""A small clinic for tests: the stores that the sample clinic's maker makes, and the EMR's way of using clinic.db."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from backup_core.files import PRIVATE

ROOT = Path(__file__).parent.parent
#: Spaces, letters beyond ASCII, and a dash that no code page has.
FOLDER_NAME = "Praxis Zoë Müller – Daten"
PATIENTS = 60


class Clinic:
    """One data folder; each use of `clinic.db` is a connection of its own, as in the EMR."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.db = data_dir / "clinic.db"
        self.chroma = data_dir / "chroma"
        self.prescriptions = data_dir / "prescriptions"
        self.settings = data_dir / "settings.json"

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Carry out one statement in a transaction and return its rows."""
        with closing(sqlite3.connect(self.db)) as database, database:
            return database.execute(statement, values).fetchall()

    def admit(self, name: str) -> None:
        """Add a patient with a first visit."""
        self.sql("INSERT INTO patients (uhid, name) VALUES (?, ?)", f"T-{name}", name)
        self.sql("INSERT INTO visits (patient_id) SELECT max(id) FROM patients")

    def names(self) -> list[str]:
        """Return the names of all patients, in the order in which they came."""
        return [name for (name,) in self.sql("SELECT name FROM patients ORDER BY id")]

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return all rows of all tables."""
        tables = self.sql("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        return {table: self.sql(f'SELECT * FROM "{table}" ORDER BY rowid') for (table,) in tables}

    def files(self) -> dict[str, bytes]:
        """Return the bytes of every file of the EMR's, by its path inside the data folder."""
        return {
            path.relative_to(self.data_dir).as_posix(): path.read_bytes()
            for path in sorted(self.data_dir.rglob("*"))
            if path.is_file() and path.relative_to(self.data_dir).parts[0] not in (PRIVATE, "backups")
        }

    def plain_files(self) -> dict[str, bytes]:
        """Return `files` without the databases, whose bytes may differ though their rows are the same."""
        return {name: data for name, data in self.files().items() if not name.endswith((".db", ".sqlite3"))}


def make_clinic(data_dir: Path) -> Clinic:
    """Make a clinic with a real vector store, in a process of its own: a store that is open here could not be moved."""
    subprocess.run(
        [sys.executable, "-m", "backup_core.samplemaker"],
        env={**os.environ, "DOCASSIST_DATA_DIR": str(data_dir)},
        cwd=ROOT,
        check=True,
    )
    clinic = Clinic(data_dir)
    clinic.prescriptions.mkdir()
    (clinic.prescriptions / "Zoë Müller – राम.pdf").write_bytes(b"%PDF-1.7 sample")
    (clinic.prescriptions / "empty year").mkdir()
    return clinic
