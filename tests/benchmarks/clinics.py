"""Clinics of any size for the benchmarks: seeded, with the EMR's schema and a real vector store, made once and kept."""

import subprocess
import sys
from pathlib import Path

import platformdirs

#: Another one for each change of what a clinic holds, so that none of before is taken for it.
_EDITION = 3


def clinic(patients: int) -> Path:
    """Return the data folder of a clinic of so many patients, with 8 visits and 6 vectors each, made if need be."""
    folder = platformdirs.user_cache_path("docassist-backup-benchmarks") / f"clinic-{_EDITION}-{patients}"
    done = folder / "prescriptions" / "made.txt"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "tests.benchmarks.clinicmaker", str(folder), str(patients)]
        subprocess.run(command, check=True)
        done.parent.mkdir(exist_ok=True)
        done.write_text("made whole\n", encoding="utf-8")
    return folder
