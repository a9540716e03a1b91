"""A sample clinic, made and written to as the EMR does it: real tables, a real vector store, invented people.

Importing this costs a second and 100 MB (chromadb): the demo's own process and the tests do it, the launcher never.
"""

import contextlib
import hashlib
import json
import random
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import chromadb
import numpy
from chromadb.config import Settings

DIMENSIONS = 384
SUMMARIES = "patient_summaries"
DOCUMENTS = "patient_documents"

SCHEMA = """
CREATE TABLE patients (
    id INTEGER PRIMARY KEY AUTOINCREMENT, uhid TEXT UNIQUE, name TEXT NOT NULL, age INTEGER, gender TEXT,
    phone TEXT, address TEXT, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE visits (
    id INTEGER PRIMARY KEY AUTOINCREMENT, patient_id INTEGER NOT NULL REFERENCES patients(id), visit_date DATE,
    chief_complaint TEXT, clinical_notes TEXT, diagnosis TEXT, prescription_json TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE investigations (
    id INTEGER PRIMARY KEY AUTOINCREMENT, patient_id INTEGER REFERENCES patients(id), test_name TEXT, result TEXT,
    unit TEXT, reference_range TEXT, test_date DATE, is_abnormal BOOLEAN);
CREATE TABLE procedures (
    id INTEGER PRIMARY KEY AUTOINCREMENT, patient_id INTEGER REFERENCES patients(id), procedure_name TEXT,
    details TEXT, procedure_date DATE);
CREATE TABLE schema_versions (version INTEGER, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
INSERT INTO schema_versions (version) VALUES (3);
"""

_FIRST_NAMES = ("Asha", "Bela", "Chen", "Dalia", "Emil", "Farah", "Goran", "Hana", "Ivo", "Jaya", "Kofi", "Lena")
_LAST_NAMES = ("Sample", "Example", "Specimen", "Muster", "Placeholder", "Invented")
_VISITS = (
    ("Cough for a week", "Chest clear, no fever.", "Acute bronchitis", "Paracetamol 500 mg"),
    ("Blood pressure check", "148/92, feels well.", "Hypertension", "Amlodipine 5 mg"),
    ("Follow-up of diabetes", "HbA1c 7.1 %, feet without findings.", "Type 2 diabetes", "Metformin 500 mg"),
    ("Knee pain", "Mild swelling, full range of motion.", "Osteoarthritis", "Ibuprofen 400 mg"),
)


def embedding(text: str) -> list[float]:
    """Return a vector of length 1 that is the same for the same text, made without any model."""
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
    vector = numpy.random.default_rng(seed).standard_normal(DIMENSIONS)
    return [float(value) for value in vector / numpy.linalg.norm(vector)]


class SampleClinic:
    """The two stores of one data folder; like the EMR it opens a new connection for each operation."""

    def __init__(self, data_dir: Path, *, seed: int = 0, sync_threshold: int = 20) -> None:
        """Choose names and visits by `seed`; Chroma writes its index files after every `sync_threshold` changes."""
        self.db = data_dir / "clinic.db"
        self.chroma = data_dir / "chroma"
        self._data_dir = data_dir
        self._random = random.Random(seed)  # noqa: S311 - invented people need no secrecy
        self._index = {"hnsw:space": "cosine", "hnsw:batch_size": 10, "hnsw:sync_threshold": sync_threshold}

    def create(self, patients: int = 60) -> None:
        """Make both stores, with two visits for each patient, and the EMR's settings; the data folder must be empty."""
        self._data_dir.mkdir(parents=True, exist_ok=True)
        with self._open() as database:
            database.executescript(SCHEMA)
            for number in range(1, patients + 1):
                self._insert_patient(database, number)
                self._insert_visit(database, number)
                self._insert_visit(database, number)
        self._describe(range(1, patients + 1))

    def write_settings(self) -> None:
        """Write `settings.json` as the EMR has it."""
        settings = {
            "doctor": {"name": "Dr. Sample"},
            "preferences": {"backup_frequency_hours": 4, "backup_retention_count": 10},
        }
        (self._data_dir / "settings.json").write_text(json.dumps(settings, indent=2), encoding="utf-8")

    def add_patient(self) -> int:
        """Add a patient with a first visit to both stores and return the new id."""
        with self._open() as database:
            # The EMR reads before it writes in one transaction too: its commit must not fail during a backup.
            (last,) = database.execute("SELECT coalesce(max(id), 0) FROM patients").fetchone()
            number = self._insert_patient(database, last + 1)
            self._insert_visit(database, number)
        self._describe([number])
        return number

    def add_visit(self) -> int:
        """Add a visit of some patient, replace the patient's vectors as the EMR does, and return the patient's id."""
        with self._open() as database:
            (last,) = database.execute("SELECT max(id) FROM patients").fetchone()
            number = self._random.randint(1, last)
            self._insert_visit(database, number)
        self._describe([number])
        return number

    def counts(self) -> dict[str, int]:
        """Return the rows of each table and the entries of each collection, under the names that a manifest uses."""
        tables = ("patients", "visits", "investigations", "procedures", "schema_versions")
        with self._open() as database:
            found = {
                table: int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - fixed names
                for table in tables
            }
        return found | {f"chroma:{name}": self._collection(name).count() for name in (SUMMARIES, DOCUMENTS)}

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self.db)
        try:
            with connection:
                yield connection
        finally:
            connection.close()

    def _insert_patient(self, database: sqlite3.Connection, number: int) -> int:
        choose = self._random.choice
        name = f"{choose(_FIRST_NAMES)} {choose(_LAST_NAMES)}"
        database.execute(
            "INSERT INTO patients (id, uhid, name, age, gender, phone, address) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                f"S-{number:06}",
                name,
                self._random.randint(1, 95),
                self._random.choice("FM"),
                "000",
                "Sample Road",
            ),
        )
        return number

    def _insert_visit(self, database: sqlite3.Connection, patient: int) -> None:
        complaint, notes, diagnosis, drug = self._random.choice(_VISITS)
        day = datetime.now(UTC).date() - timedelta(days=self._random.randint(0, 700))
        database.execute(
            "INSERT INTO visits (patient_id, visit_date, chief_complaint, clinical_notes, diagnosis, prescription_json)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (patient, day.isoformat(), complaint, notes, diagnosis, json.dumps({"medications": [{"name": drug}]})),
        )

    def _describe(self, patients: Sequence[int]) -> None:
        """Replace the vectors of these patients: the EMR deletes and adds again, it never updates."""
        ids = [f"patient_{number}" for number in patients]
        texts = [f"Summary of patient {number}, revision {self._random.random()}" for number in patients]
        for name in (SUMMARIES, DOCUMENTS):
            collection = self._collection(name)
            collection.delete(ids=ids)
            collection.add(
                ids=ids,
                documents=texts,
                embeddings=[embedding(text) for text in texts],
                metadatas=[{"patient_id": number} for number in patients],
            )

    def _collection(self, name: str) -> Any:
        client = chromadb.PersistentClient(path=str(self.chroma), settings=Settings(anonymized_telemetry=False))
        return client.get_or_create_collection(name, metadata=self._index, embedding_function=None)
