"""A program that writes to a clinic until its standard input ends, as the EMR does; then it tells its waits as JSON.

`python -m tests.benchmarks.writer DATA records|vectors PAUSE`: a visit, or the five documents of a patient, then a
pause in seconds. It says "ready" before it begins.
"""

import json
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

_AT_ONCE = 5


def main() -> None:
    """Write in the way that the command line asks for."""
    data, kind, pause = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    step, refusals = _vectors(data) if kind == "vectors" else (partial(_add_visit, data), sqlite3.OperationalError)
    ended = threading.Event()
    threading.Thread(target=_wait_for_the_end, args=[ended], daemon=True).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    waits: list[float] = []
    failed: list[str] = []
    while not ended.wait(pause):
        started = time.monotonic()
        try:
            step(len(waits))
        except refusals as error:
            failed.append(str(error))
        waits.append(time.monotonic() - started)
    sys.stdout.write(json.dumps({"waits": waits, "failed": failed}))


def _add_visit(data: Path, _number: int) -> None:
    with closing(sqlite3.connect(data / "clinic.db")) as database, database:
        database.execute("INSERT INTO visits (patient_id, clinical_notes) VALUES (1, 'benchmark')")


def _vectors(data: Path) -> tuple[Callable[[int], None], type[Exception]]:
    """Return what replaces the vectors of a patient's documents, and what it raises where it is refused."""
    import chromadb
    import numpy
    from chromadb.config import Settings
    from chromadb.errors import ChromaError

    from backup_core.sample import DIMENSIONS, DOCUMENTS

    client = chromadb.PersistentClient(str(data / "chroma"), settings=Settings(anonymized_telemetry=False))
    collection = client.get_collection(DOCUMENTS, embedding_function=None)
    entries, seeded = collection.count(), numpy.random.default_rng(1)

    def step(number: int) -> None:
        first = number * _AT_ONCE % (entries - _AT_ONCE)
        collection.upsert(
            ids=[f"patient_{n}" for n in range(first, first + _AT_ONCE)],
            embeddings=seeded.standard_normal((_AT_ONCE, DIMENSIONS), dtype=numpy.float32),
            documents=[f"Summary {number} of a patient, written again" for _ in range(_AT_ONCE)],
        )

    return step, ChromaError


def _wait_for_the_end(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


if __name__ == "__main__":
    main()
