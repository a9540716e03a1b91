"""How long it takes to list a thousand archives."""

import shutil
import time
from datetime import datetime, timedelta
from pathlib import Path

from backup_core import BackupEngine
from backup_core.manifest import archive_name
from tests.benchmarks.clinics import clinic


def listing_seconds(scratch: Path, archives: int = 1_000) -> tuple[float, float]:
    """Return how long the first look took, and the second; the archives are copies of one small one."""
    folder = scratch / "many"
    if not folder.exists():
        data = folder / "data"
        data.mkdir(parents=True)
        shutil.copy2(clinic(1_000) / "clinic.db", data)
        made = BackupEngine(data).create()
        first = datetime(2025, 1, 1)  # noqa: DTZ001 - names tell local time
        for number in range(archives):
            (made.path.parent / archive_name(first + timedelta(hours=number))).hardlink_to(made.path)
    engine = BackupEngine(folder / "data")
    started = time.monotonic()
    engine.archives()
    between = time.monotonic()
    engine.archives()
    return between - started, time.monotonic() - between
