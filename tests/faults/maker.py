"""A process of its own that makes a sample clinic with a ledger: so the tests never open a live store themselves."""

import argparse
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from backup_core.files import total_size

from .ledger import LEDGER

#: Patients of a clinic unless told otherwise.
PATIENTS = 20
#: Bytes of a document.
_PAGE = 100_000


def make(data_dir: Path, *, patients: int = PATIENTS, threshold: int = 20, wal: bool = False, size: int = 0) -> None:
    """Make a clinic in the new folder `data_dir`, in another process; Chroma rewrites its index every `threshold`.

    It has at least `size` bytes: what the patients do not make is documents in clinic.db.
    """
    options = [f"--patients={patients}", f"--threshold={threshold}", f"--size={size}", *(["--wal"] if wal else [])]
    subprocess.run([sys.executable, "-m", "tests.faults.maker", str(data_dir), *options], check=True)


def main() -> None:
    """Make the clinic that the command line asks for."""
    from backup_core.sample import SampleClinic

    parser = argparse.ArgumentParser()
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--patients", type=int)
    parser.add_argument("--threshold", type=int)
    parser.add_argument("--size", type=int)
    parser.add_argument("--wal", action="store_true")
    wanted = parser.parse_args()
    clinic = SampleClinic(wanted.data_dir, sync_threshold=wanted.threshold)
    clinic.create(wanted.patients)
    clinic.write_settings()
    (wanted.data_dir / "prescriptions").mkdir()
    (wanted.data_dir / "prescriptions" / "patient_1.pdf").write_bytes(b"%PDF-1.7 sample " * 200)
    with closing(sqlite3.connect(clinic.db)) as database:
        database.executescript(LEDGER)
        database.execute("CREATE TABLE documents (body BLOB)")
        lacking = wanted.size - total_size(wanted.data_dir)
        database.executemany(
            "INSERT INTO documents VALUES (?)", ((os.urandom(_PAGE),) for _ in range(0, lacking, _PAGE))
        )
        database.commit()
    for store in (clinic.db, clinic.chroma / "chroma.sqlite3"):
        with closing(sqlite3.connect(store)) as database:
            (mode,) = database.execute(f"PRAGMA journal_mode = {'WAL' if wanted.wal else 'DELETE'}").fetchone()
            assert mode == ("wal" if wanted.wal else "delete")


if __name__ == "__main__":
    main()
