"""A clinic that is quick to copy: two databases, plain files in place of a vector store, settings; and its state."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: A second database, as an installation may have added to what is backed up.
EXTRA = "ledger.db"
PATIENTS = 30
FILES = ("chroma/index/link_lists.bin", "chroma/notes.txt", "prescriptions/patient_1.pdf")
SETTINGS = "settings.json"

_SCHEMA = """
CREATE TABLE patients (id INTEGER PRIMARY KEY AUTOINCREMENT, uhid TEXT UNIQUE, name TEXT NOT NULL);
CREATE TABLE visits (id INTEGER PRIMARY KEY AUTOINCREMENT, patient_id INTEGER NOT NULL REFERENCES patients(id));
"""


@dataclass(frozen=True)
class State:
    """All that a clinic holds: the rows of both databases, the bytes of its files, its settings or None."""

    patients: tuple[tuple[Any, ...], ...]
    visits: tuple[tuple[Any, ...], ...]
    ledger: tuple[tuple[Any, ...], ...]
    files: tuple[tuple[str, bytes], ...]
    settings: bytes | None
    #: The entries of a vector store of Chroma's own, and the bytes of its index; empty where there is none.
    vectors: tuple[tuple[Any, ...], ...] = ()
    index: tuple[tuple[str, bytes], ...] = ()


class Desk:
    """One data folder, written to as the EMR does: a new connection for each operation.

    `store` is the folder of a vector store to begin with; without one there are plain files in its place.
    """

    def __init__(self, data_dir: Path, store: Path | None = None) -> None:
        self.data_dir = data_dir
        self._store = store

    def open_clinic(self) -> None:
        """Make the clinic in the new data folder."""
        self.data_dir.mkdir()
        if self._store is not None:
            shutil.copytree(self._store, self.data_dir / "chroma")
        with closing(sqlite3.connect(self.data_dir / "clinic.db")) as database:
            database.executescript(_SCHEMA)
        with closing(sqlite3.connect(self.data_dir / EXTRA)) as database:
            database.execute("CREATE TABLE entries (amount INTEGER NOT NULL)")
        for number in range(PATIENTS):
            self.admit(number)
        for name in FILES:
            self.write_file(name, b"first")
        (self.data_dir / SETTINGS).write_bytes(b'{"doctor": 0}')

    def admit(self, number: int) -> None:
        """Add a patient with a first visit and its charge."""
        self._sql("clinic.db", "INSERT INTO patients (uhid, name) VALUES (?, ?)", f"U-{number}", f"Sample {number}")
        self._sql("clinic.db", "INSERT INTO visits (patient_id) SELECT max(id) FROM patients")
        self._sql(EXTRA, "INSERT INTO entries VALUES (?)", number)

    def lose_patients(self) -> None:
        """Delete all but three, as a mistake or a fault does."""
        self._sql("clinic.db", "DELETE FROM visits WHERE patient_id > 3")
        self._sql("clinic.db", "DELETE FROM patients WHERE id > 3")

    def write_file(self, name: str, data: bytes) -> None:
        """Write one of FILES."""
        (self.data_dir / name).parent.mkdir(parents=True, exist_ok=True)
        (self.data_dir / name).write_bytes(data)

    def lose_folder(self, name: str) -> None:
        """Delete a folder with all that is in it, if it is there."""
        shutil.rmtree(self.data_dir / name, ignore_errors=True)

    def write_settings(self, data: bytes | None) -> None:
        """Write the EMR's settings, or delete them."""
        if data is None:
            (self.data_dir / SETTINGS).unlink(missing_ok=True)
        else:
            (self.data_dir / SETTINGS).write_bytes(data)

    def state(self) -> State:
        """Return all that the clinic holds now."""
        settings, chroma = self.data_dir / SETTINGS, self.data_dir / "chroma"
        is_real = (chroma / "chroma.sqlite3").exists()
        return State(
            patients=self._rows("clinic.db", "patients"),
            visits=self._rows("clinic.db", "visits"),
            ledger=self._rows(EXTRA, "entries"),
            files=tuple((name, (self.data_dir / name).read_bytes()) for name in self._files()),
            settings=settings.read_bytes() if settings.exists() else None,
            vectors=self._rows("chroma/chroma.sqlite3", "embeddings") if is_real else (),
            index=tuple((path.name, path.read_bytes()) for path in sorted(chroma.glob("*-*/*"))),
        )

    def _files(self) -> list[str]:
        return [name for name in FILES if (self.data_dir / name).exists()]

    def _rows(self, database: str, table: str) -> tuple[tuple[Any, ...], ...]:
        return tuple(self._sql(database, f"SELECT * FROM {table} ORDER BY rowid"))

    def _sql(self, name: str, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.data_dir / name)) as database, database:
            return database.execute(statement, values).fetchall()
