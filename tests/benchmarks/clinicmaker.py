"""Makes one clinic for the benchmarks, as a process: `python -m tests.benchmarks.clinicmaker DIR N`.

The benchmarks themselves stay light: a child's peak of memory is counted from what its parent had.
"""

import random
import sqlite3
import sys
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import chromadb
import numpy
from chromadb.config import Settings

from backup_core.sample import DIMENSIONS, SCHEMA

VISITS_EACH = 8
VECTORS_EACH = 6
_BATCH = 2_000
_NOTE_WORDS = 205


def _make_database(path: Path, patients: int) -> None:
    path.unlink(missing_ok=True)
    seeded = random.Random(patients)
    words = [f"{chr(97 + seeded.randrange(26))}{seeded.randrange(40_000):x}" for _ in range(12_000)]

    def note() -> str:
        return " ".join(seeded.choices(words, k=_NOTE_WORDS))

    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(SCHEMA)
        database.executemany(
            "INSERT INTO patients (id, uhid, name, age, gender) VALUES (?, ?, ?, ?, ?)",
            ((n, f"B-{n:07}", f"Patient {n}", n % 95, "FM"[n % 2]) for n in range(1, patients + 1)),
        )
        database.executemany(
            "INSERT INTO visits (patient_id, visit_date, chief_complaint, clinical_notes, diagnosis)"
            " VALUES (?, ?, ?, ?, ?)",
            (
                (n % patients + 1, (date(2020, 1, 1) + timedelta(days=n % 2_000)).isoformat(), "cough", note(), "cold")
                for n in range(patients * VISITS_EACH)
            ),
        )


def _make_vectors(folder: Path, patients: int) -> None:
    client = chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))
    seeded = numpy.random.default_rng(patients)
    for name, each in (("patient_summaries", 1), ("patient_documents", VECTORS_EACH - 1)):
        collection = client.get_or_create_collection(name, embedding_function=None)
        for start in range(0, patients * each, _BATCH):
            numbers = range(start, min(start + _BATCH, patients * each))
            collection.upsert(
                ids=[f"patient_{n}" for n in numbers],
                embeddings=_directions(seeded, len(numbers)),
                documents=[f"Summary {n} of a patient, a line of text" for n in numbers],
                metadatas=[{"patient_id": n % patients + 1} for n in numbers],
            )


def _directions(seeded: numpy.random.Generator, number: int) -> Any:
    """Return random vectors of length 1, as models of language give them."""
    found = seeded.standard_normal((number, DIMENSIONS), dtype=numpy.float32)
    return found / numpy.linalg.norm(found, axis=1, keepdims=True)


if __name__ == "__main__":
    _make_database(Path(sys.argv[1]) / "clinic.db", int(sys.argv[2]))
    _make_vectors(Path(sys.argv[1]) / "chroma", int(sys.argv[2]))
