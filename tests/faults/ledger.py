"""A ledger beside the EMR's tables: after every transaction both sides have the same sum, each row its visit."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

LEDGER = """
CREATE TABLE charges (visit_id INTEGER NOT NULL REFERENCES visits(id), amount INTEGER NOT NULL);
CREATE TABLE payments (visit_id INTEGER NOT NULL REFERENCES visits(id), amount INTEGER NOT NULL);
CREATE TABLE revisions (patient TEXT NOT NULL, revision INTEGER NOT NULL);
"""


@dataclass
class Record:
    """What a writer has met: its transactions, those that failed, and how long each took (s)."""

    waits: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def attempt(self, step: Callable[[], object]) -> None:
        """Do `step`, timing it; what fails is noted."""
        started = time.monotonic()
        try:
            step()
        except Exception as error:  # noqa: BLE001 - Chroma raises errors of many kinds, and each of them counts
            self.failed.append(f"{type(error).__name__} after {time.monotonic() - started:.3f} s: {error}")
        self.waits.append(time.monotonic() - started)


@contextmanager
def transaction(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a connection of the EMR's kind for one transaction: rollback or commit, then close."""
    with closing(sqlite3.connect(path)) as database, database:
        yield database


def charge(path: Path, amount: int) -> None:
    """Enter a visit and both sides of its charge without having read anything."""
    with transaction(path) as database:
        visit = database.execute("INSERT INTO visits (patient_id, clinical_notes) VALUES (1, 'charged')").lastrowid
        database.execute("INSERT INTO charges VALUES (?, ?)", (visit, amount))
        database.execute("INSERT INTO payments VALUES (?, ?)", (visit, amount))


def correct(path: Path, amount: int) -> None:
    """Read both sums, then move both sides of the newest visit by what was read, in one transaction."""
    with transaction(path) as database:
        database.execute("BEGIN")
        charged, paid = sums(database)
        assert charged == paid
        (visit,) = database.execute("SELECT max(id) FROM visits").fetchone()
        for table in ("charges", "payments"):
            database.execute(f"INSERT INTO {table} VALUES (?, ?)", (visit, amount - charged % 7))


def sums(database: sqlite3.Connection) -> tuple[int, int]:
    """Return the sums of the two sides."""
    charged, paid = (
        int(database.execute(f"SELECT coalesce(sum(amount), 0) FROM {table}").fetchone()[0])
        for table in ("charges", "payments")
    )
    return charged, paid
