"""A program that writes to a clinic's stores until its standard input ends, then tells what it met, as JSON.

The programs take turns on clinic.db by a lock of their own: two of them would now and then refuse each other, and here
only a backup can be in the way of a write. Waiting for its turn is a part of what a write takes, for whoever has it may
wait for a backup.
"""

import argparse
import itertools
import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filelock import FileLock

from .ledger import Record, charge, correct, transaction

#: Seconds from one step to the next, as far as the steps let it: about 100 transactions in a second by each program.
PACE = {"charging": 0.01, "correcting": 0.01, "vectors": 0.03}


def main() -> None:
    """Write in the way that the command line asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["charging", "correcting", "vectors"])
    parser.add_argument("data_dir", type=Path)
    wanted = parser.parse_args()
    record = Record()
    turn = FileLock(wanted.data_dir.parent / "turn", poll_interval=0.001)
    if wanted.kind == "vectors":
        step = _vectors(wanted.data_dir, turn)
    else:
        step = _ledger(wanted.data_dir / "clinic.db", charge if wanted.kind == "charging" else correct, turn)
    ended = threading.Event()
    threading.Thread(target=_wait_for_the_end, args=[ended], daemon=True).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    due = began = time.monotonic()
    for number in itertools.count(1):
        step(record, number)
        # A step that took longer is not made up for: the writers are people, and do not hurry after a wait.
        due = max(due + PACE[wanted.kind], time.monotonic())
        if ended.wait(due - time.monotonic()):
            break
    sys.stdout.write(
        json.dumps({"failed": record.failed, "waits": record.waits, "seconds": time.monotonic() - began}) + "\n"
    )


def _wait_for_the_end(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


def _ledger(path: Path, write: Callable[[Path, int], None], turn: FileLock) -> Callable[[Record, int], None]:
    def step(record: Record, number: int) -> None:
        def wait_and_write() -> None:
            with turn:
                write(path, number)

        record.attempt(wait_and_write)

    return step


def _vectors(data_dir: Path, turn: FileLock) -> Callable[[Record, int], None]:
    """Return what replaces a patient's vectors as the EMR does, each time with a revision noted in clinic.db before."""
    import chromadb
    from chromadb.config import Settings

    from backup_core.sample import SUMMARIES, embedding

    settings = Settings(anonymized_telemetry=False)
    client: Any = chromadb.PersistentClient(path=str(data_dir / "chroma"), settings=settings)
    collection = client.get_collection(SUMMARIES, embedding_function=None)

    def step(record: Record, number: int) -> None:
        patient = f"patient_{number % 400 + 1}"

        def note() -> None:
            with turn, transaction(data_dir / "clinic.db") as database:
                database.execute("INSERT INTO revisions VALUES (?, ?)", (patient, number))

        record.attempt(note)
        record.attempt(lambda: collection.delete(ids=[patient]))
        text = f"{patient} {number}"
        record.attempt(
            lambda: collection.add(
                ids=[patient], documents=[text], embeddings=[embedding(text)], metadatas=[{"revision": number}]
            )
        )

    return step


if __name__ == "__main__":
    main()
