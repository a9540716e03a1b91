"""A folder that may hold a clinic: told and counted without disturbing the program that may have it open."""

import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from .sources import CLINIC_DB, side_files

#: Seconds that counting may take: DocAssist's own writes wait for it.
_PATIENCE = 1.0
#: Steps of SQLite between two looks at the clock.
_STEPS = 20_000


class Finding(StrEnum):
    """What a look into a folder has shown."""

    CLINIC = "clinic"
    #: There is a clinic.db that cannot be read just now, because it is locked, cut off, or damaged.
    UNREADABLE = "unreadable"
    #: There is a clinic.db that another program made.
    FOREIGN = "foreign"
    NONE = "none"


@dataclass(frozen=True)
class Clinic:
    """A folder and what it holds; `patients` is None where they could not be counted."""

    folder: Path
    finding: Finding
    patients: int | None = None
    #: When one of its files was last written to (aware UTC).
    changed: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it holds no patient, as the data folder of a DocAssist that was just installed."""
        return self.finding is Finding.NONE or self.patients == 0


def look_at(folder: Path) -> Clinic:
    """Return what `folder` holds; whatever cannot be read is told, not raised."""
    database = folder / CLINIC_DB
    try:
        if not database.is_file():
            return Clinic(folder, Finding.NONE)
    except OSError:
        return Clinic(folder, Finding.NONE)
    changed = _last_change(database)
    try:
        patients = _count(database)
    except sqlite3.Error as error:
        finding = Finding.FOREIGN if "no such table" in str(error) else Finding.UNREADABLE
        return Clinic(folder, finding, None, changed)
    return Clinic(folder, Finding.CLINIC, patients, changed)


def _count(database: Path) -> int | None:
    """Return how many patients there are, or None where counting takes too long."""
    deadline = time.monotonic() + _PATIENCE
    # Read-only: a folder that nobody has chosen yet is not changed in any way, not even to settle a cut-off write.
    uri = f"{database.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_PATIENCE)) as connection:
        connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
        try:
            return int(connection.execute("SELECT count(*) FROM patients").fetchone()[0])
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
                return None
            raise


def _last_change(database: Path) -> datetime | None:
    times = []
    for path in (database, *side_files(database)):
        with suppress(OSError):
            times.append(path.stat().st_mtime)
    with suppress(OverflowError, OSError, ValueError):
        return datetime.fromtimestamp(max(times), UTC) if times else None
    return None
