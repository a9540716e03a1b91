"""How long a writer of the EMR waits while backups are made, against the same writer alone."""

import shutil
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

from backup_core import BackupEngine
from tests.benchmarks.clinics import clinic

_SECONDS = 10.0
_PAUSE = 0.01


def longest_waits(scratch: Path, patients: int) -> str:
    """Return a section with the waits of a writer alone, and beside a backup every 2 s."""
    data = scratch / "waits"
    shutil.copytree(clinic(patients), data)
    alone, _ = _write(data)
    stop = threading.Event()
    backups = threading.Thread(target=_back_up, args=(BackupEngine(data, peek=False), stop))
    backups.start()
    beside, failed = _write(data)
    stop.set()
    backups.join()
    shutil.rmtree(data)
    return (
        f"## What the EMR feels ({patients:,} patients, a write every {_PAUSE * 1000:.0f} ms)\n\n"
        "| | median write | 99th of 100 | longest | failed |\n|---|---|---|---|---|\n"
        f"| alone | {_row(alone)} | 0 |\n| with a backup every 2 s | {_row(beside)} | {failed} |\n"
    )


def _row(waits: list[float]) -> str:
    ordered = sorted(waits)
    return " | ".join(f"{ordered[int(len(ordered) * share)] * 1000:.1f} ms" for share in (0.5, 0.99, 0.999999))


def _write(data: Path) -> tuple[list[float], int]:
    waits, failed, end = [], 0, time.monotonic() + _SECONDS
    while time.monotonic() < end:
        started = time.monotonic()
        try:
            with closing(sqlite3.connect(data / "clinic.db")) as database, database:
                database.execute("INSERT INTO visits (patient_id, clinical_notes) VALUES (1, 'benchmark')")
        except sqlite3.OperationalError:
            failed += 1
        waits.append(time.monotonic() - started)
        time.sleep(_PAUSE)
    return waits, failed


def _back_up(engine: BackupEngine, stop: threading.Event) -> None:
    while not stop.wait(2.0):
        engine.create()
