"""How long a writer of the EMR waits while backups are made, against the same writer alone."""

import shutil
import sqlite3
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from backup_core import BackupEngine
from tests.benchmarks.clinics import clinic
from tests.benchmarks.sizes import data_size

_SECONDS = 20.0
_PAUSES = (0.01, 0.5)


def longest_waits(scratch: Path, sizes: Sequence[int]) -> str:
    """Return a section with the waits of writers alone, and beside one backup after the other."""
    lines = [
        "## What the EMR feels\n",
        f"Each writer writes for {_SECONDS:.0f} s, and backups follow one another 2 s apart.\n",
        "| data | writes every | | writes | median | 99th of 100 | longest | failed |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for patients in sizes:
        data = scratch / f"waits-{patients}"
        shutil.copytree(clinic(patients), data)
        size = data_size(data)
        for pause in _PAUSES:
            named = f"{size / 1e6:,.0f} MB | {pause * 1000:.0f} ms"
            lines.append(f"| {named} | alone | {_row(*_write(data, pause))} |")
            lines.append(f"| {named} | beside backups | {_row(*_beside_backups(data, pause))} |")
        shutil.rmtree(data)
    return "\n".join([*lines, ""])


def _row(waits: list[float], failed: int) -> str:
    ordered = sorted(waits)
    shares = " | ".join(f"{ordered[int(len(ordered) * share)] * 1000:.1f} ms" for share in (0.5, 0.99, 0.999999))
    return f"{len(waits)} | {shares} | {failed}"


def _beside_backups(data: Path, pause: float) -> tuple[list[float], int]:
    stop = threading.Event()
    backups = threading.Thread(target=_back_up, args=(BackupEngine(data, peek=False), stop))
    backups.start()
    try:
        return _write(data, pause)
    finally:
        stop.set()
        backups.join()


def _write(data: Path, pause: float) -> tuple[list[float], int]:
    waits, failed, end = [], 0, time.monotonic() + _SECONDS
    while time.monotonic() < end:
        started = time.monotonic()
        try:
            with closing(sqlite3.connect(data / "clinic.db")) as database, database:
                database.execute("INSERT INTO visits (patient_id, clinical_notes) VALUES (1, 'benchmark')")
        except sqlite3.OperationalError:
            failed += 1
        waits.append(time.monotonic() - started)
        time.sleep(pause)
    return waits, failed


def _back_up(engine: BackupEngine, stop: threading.Event) -> None:
    while not stop.is_set():
        engine.create()
        stop.wait(2.0)
