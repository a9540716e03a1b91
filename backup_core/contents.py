"""What a copied database holds: rows, collections, schema version, integrity. Never for a live database."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from .sources import CHROMA_DB, CLINIC_DB
from .text import _n

# Chroma queues an operation in one transaction and applies it in another: what is queued when the copy is made is
# applied when the copy is opened, so it counts. The last word on an id decides: 1 updates it, 3 deletes it.
_COLLECTIONS = """
    WITH pending AS (
        SELECT segments.id AS segment, queue.id AS name, queue.operation, max(queue.seq_id)
        FROM embeddings_queue AS queue JOIN segments ON queue.topic LIKE '%/' || segments.collection
        LEFT JOIN max_seq_id ON max_seq_id.segment_id = segments.id
        WHERE queue.seq_id > coalesce(max_seq_id.seq_id, 0) AND queue.operation != 1 GROUP BY segments.id, queue.id
    )
    SELECT collections.name, (
        SELECT count(*) FROM (
            SELECT embedding_id FROM embeddings WHERE segment_id = segments.id
            UNION SELECT name FROM pending WHERE segment = segments.id
            EXCEPT SELECT name FROM pending WHERE segment = segments.id AND operation = 3
        )
    ) FROM collections
    LEFT JOIN segments ON segments.collection = collections.id AND segments.scope = 'METADATA'
"""

_VISITS = "visits"
_VISITS_OF_DAY = "SELECT count(*), count(CASE WHEN date(visit_date) = ? THEN 1 END) FROM visits"

#: What SQLite answers where it has read a database and does not like it.
_OF_CONTENTS = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_NOTADB)
_UNREAD = re.compile(r"error code=(\d+)")


@dataclass(frozen=True)
class Contents:
    """The counts of a copy: rows by table, entries by collection as `chroma:NAME`, and the EMR's schema version."""

    counts: dict[str, int] = field(default_factory=dict)
    schema_version: int | None = None
    #: Visits of the day that was asked for; None where none was, or where the visits do not say of which day they are.
    visits_of_day: int | None = None

    @property
    def patient_count(self) -> int:
        """The number of patients; 0 where there is no such table."""
        return self.counts.get("patients", 0)

    @property
    def visit_count(self) -> int:
        """The number of visits; 0 where there is no such table."""
        return self.counts.get(_VISITS, 0)


def read_contents(folder: Path, day: date | None = None) -> Contents:
    """Return the contents of the copied stores in `folder`; what another version of the EMR lacks is left out.

    With `day`, its visits are counted too, in the one reading of them that counts them all.
    """
    counts: dict[str, int] = {}
    schema_version = visits_of_day = None
    if (folder / CLINIC_DB).is_file():
        with _open_copy(folder / CLINIC_DB) as database:
            tables = database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            )
            for (table,) in tables.fetchall():
                if table == _VISITS and day is not None:
                    with _unknown_kinds_left_out():
                        counts[table], visits_of_day = database.execute(_VISITS_OF_DAY, (day.isoformat(),)).fetchone()
                        continue
                quoted = table.replace('"', '""')
                # A table of a kind that this Python's SQLite does not know is copied all the same.
                with _unknown_kinds_left_out():
                    counts[table] = database.execute(f'SELECT count(*) FROM "{quoted}"').fetchone()[0]  # noqa: S608
            if "schema_versions" in counts:
                schema_version = _schema_version(database)
    if (folder / CHROMA_DB).is_file():
        with _open_copy(folder / CHROMA_DB) as database:
            counts |= {f"chroma:{name}": count for name, count in _collections(database)}
    return Contents(counts, schema_version, visits_of_day)


def check_integrity(copy: Path) -> str:
    """Return "" if SQLite finds the copied database whole, else what it says first.

    A database that uses what only its own program has, a sorting order or a kind of table, is not judged. Raise
    sqlite3.OperationalError where it cannot be read now, for want of memory or because the disk refuses.
    """
    code = None
    try:
        with _open_copy(copy) as database:
            answer = str(database.execute("PRAGMA integrity_check(1)").fetchone()[0])
            # It also answers so where it could not read a page: with SQLite's code for that, as 7 for no memory.
            code = _UNREAD.search(answer)
            if code and int(code[1]) & 0xFF not in _OF_CONTENTS:
                raise sqlite3.OperationalError(answer)
    except sqlite3.DatabaseError as error:
        if not is_damage(error) or code:
            raise
        return "" if str(error).startswith("no such ") else str(error)
    except MemoryError as error:
        raise sqlite3.OperationalError("out of memory") from error
    return "" if answer == "ok" else answer


def is_damage(error: sqlite3.Error) -> bool:
    """Return whether an error in reading a copy tells of what is in it; else it tells of this PC at this moment."""
    return _code(error) in _OF_CONTENTS


def orphans(copy: Path) -> str:
    """Return a sentence on rows of a copied clinic.db that refer to rows which are not there, or "".

    The EMR does not have SQLite enforce its references, so a faithful copy of its data may have some.
    """
    with _open_copy(copy) as database:
        tables = [row[0] for row in database.execute("PRAGMA foreign_key_check")]
    if not tables:
        return ""
    return _n(
        "%(number)s entry of %(tables)s refers to nobody, as in DocAssist.",
        "%(number)s entries of %(tables)s refer to nobody, as in DocAssist.",
        len(tables),
        number=f"{len(tables):,}",
        tables=", ".join(sorted(set(tables))),
    )


def patients_in(folder: Path) -> set[tuple[str, str]]:
    """Return what tells the patients of a copied clinic.db apart: number and name; empty where they cannot be read."""
    try:
        with _open_copy(folder / CLINIC_DB) as database:
            rows = database.execute("SELECT coalesce(uhid, ''), name FROM patients")
            return {(str(uhid), str(name)) for uhid, name in rows}
    except sqlite3.Error:
        return set()


def _schema_version(database: sqlite3.Connection) -> int | None:
    try:
        version = database.execute("SELECT max(CAST(version AS INTEGER)) FROM schema_versions").fetchone()[0]
    except sqlite3.OperationalError as error:
        if not is_damage(error):
            raise
        return None
    return None if version is None else int(version)


def _collections(database: sqlite3.Connection) -> list[tuple[str, int]]:
    # Another version of Chroma has other tables; the store is copied all the same.
    with _unknown_kinds_left_out():
        return database.execute(_COLLECTIONS).fetchall()
    return []


@contextmanager
def _unknown_kinds_left_out() -> Iterator[None]:
    """Leave out what this SQLite does not know; what it cannot read for another reason is not left out but raised."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if _code(error) != sqlite3.SQLITE_ERROR:
            raise


def _code(error: sqlite3.Error) -> int:
    """Return the result code without its details."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


@contextmanager
def _open_copy(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a copy that nobody writes to: so no side file is made beside it, whatever its journal mode.

    Nor is it locked: one that has to be made anew under the freeze waits for nobody who still reads the old one.
    """
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as database:
        yield database
