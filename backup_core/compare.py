"""What a restore would take off: entries of today's clinic.db that a backup lacks, or has in an older form."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from .sources import CLINIC_DB

#: Entries named of each table; all of them are counted.
EXAMPLES = 200

#: What tells a person which entry is meant: who, and when.
_PATIENT = "SELECT name, substr(coalesce(created_at, ''), 1, 10) FROM today.patients WHERE rowid = ?"
_OF_PATIENT = """
    SELECT coalesce((SELECT name FROM today.patients WHERE id = entry.patient_id), ''), {when}
    FROM today.{table} AS entry WHERE entry.rowid = ?
"""
#: When an entry was made, in the tables that tell.
_CREATED = "created_at"
_DATES = {"visits": "visit_date", "investigations": "test_date", "procedures": "procedure_date"}


@dataclass(frozen=True)
class Entry:
    """One entry that would come off: whose it is and its day, "" where the table does not tell."""

    patient: str
    day: str
    #: Everything that was written in it, by column; only where all of it was asked for.
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Loss:
    """What one table would lose: entries that the backup lacks, and entries that it has in an older form."""

    table: str
    missing: int
    older: int
    #: The first of them, at most EXAMPLES of each kind, or all.
    missing_entries: tuple[Entry, ...] = ()
    older_entries: tuple[Entry, ...] = ()


def compare(today: Path, backup: Path, *, in_full: bool = False) -> list[Loss]:
    """Return what `today` holds that `backup` does not, table by table; both are folders with copies of the stores.

    The first entries are named; `in_full` names all of them, of every table, with all that was written in them.
    A table that the backup lacks, for an older version of the EMR made it, would go with all that is in it; columns
    that only one of them has are left out. Raise sqlite3.Error where a copy cannot be read.
    """
    uri = f"{(today / CLINIC_DB).absolute().as_uri()}?mode=ro&immutable=1"
    other = f"{(backup / CLINIC_DB).absolute().as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect("file::memory:", uri=True, isolation_level=None)) as database:
        database.execute("ATTACH ? AS today", (uri,))
        database.execute("ATTACH ? AS backup", (other,))
        tables, held = sorted(_tables(database, "today"), key=_importance), _tables(database, "backup")
        losses = [_loss(database, table, is_held=table in held, in_full=in_full) for table in tables]
    return [loss for loss in losses if loss.missing or loss.older]


def _importance(table: str) -> tuple[int, str]:
    order = ("patients", "visits", *_DATES)
    return (order.index(table) if table in order else len(order), table)


def _tables(database: sqlite3.Connection, schema: str) -> set[str]:
    """Return the ordinary tables that have row numbers, by name; not those in which a virtual one keeps its own."""
    rows = database.execute(
        f"SELECT name, sql LIKE 'CREATE VIRTUAL%' FROM {schema}.sqlite_master"  # noqa: S608
        " WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND sql NOT LIKE '%WITHOUT ROWID%'"
    ).fetchall()
    virtual = tuple(f"{name}_" for name, is_virtual in rows if is_virtual)
    return {str(name) for name, is_virtual in rows if not is_virtual and not name.startswith(virtual)}


def _columns(database: sqlite3.Connection, schema: str, table: str) -> list[str]:
    return [str(row[1]) for row in database.execute(f"PRAGMA {schema}.table_info({_quoted(table)})")]


def _loss(database: sqlite3.Connection, table: str, *, is_held: bool, in_full: bool) -> Loss:
    shared = _columns(database, "today", table)
    missing: list[int] = []
    older: list[int] = []
    if is_held:
        held = _columns(database, "backup", table)
        shared = [name for name in shared if name in held]
        missing, older = _changed(database, table, shared)
    else:
        missing = [row for (row,) in database.execute(f"SELECT rowid FROM today.{_quoted(table)}")]  # noqa: S608
    lacking, changed_since = (
        _in_full(database, table, rows, shared) if in_full else _named(database, table, rows[:EXAMPLES])
        for rows in (missing, older)
    )
    return Loss(table, len(missing), len(older), lacking, changed_since)


def _changed(database: sqlite3.Connection, table: str, shared: Sequence[str]) -> tuple[list[int], list[int]]:
    """Return the numbers of today's rows that the backup lacks, and of those that it has in an older form."""
    columns = ", ".join(["rowid", *(_quoted(name) for name in shared)])
    changed = database.execute(
        f"SELECT rowid FROM (SELECT {columns} FROM today.{_quoted(table)}"  # noqa: S608
        f" EXCEPT SELECT {columns} FROM backup.{_quoted(table)}) ORDER BY rowid"
    )
    has = f"SELECT 1 FROM backup.{_quoted(table)} AS held WHERE rowid = ?"  # noqa: S608
    if _CREATED in shared:
        # After a restore the EMR gives numbers again that were given before: then it is another entry.
        has += f" AND {_CREATED} IS (SELECT {_CREATED} FROM today.{_quoted(table)} WHERE rowid = held.rowid)"  # noqa: S608
    missing: list[int] = []
    older: list[int] = []
    for (row,) in changed.fetchall():
        (older if database.execute(has, (row,)).fetchone() else missing).append(row)
    return missing, older


def _in_full(
    database: sqlite3.Connection, table: str, rows: Sequence[int], columns: Sequence[str]
) -> tuple[Entry, ...]:
    """Return all entries with what was written in them, without numbers of other entries: paper has no use for them."""
    told = [name for name in columns if name not in ("id", _CREATED) and not name.endswith("_id")]
    named = _named(database, table, rows) or (Entry("", ""),) * len(rows)
    query = f"SELECT {', '.join(map(_quoted, told)) or 'NULL'} FROM today.{_quoted(table)} WHERE rowid = ?"  # noqa: S608
    return tuple(
        replace(
            entry,
            details=tuple(
                (name, str(value))
                for name, value in zip(told, database.execute(query, (row,)).fetchone(), strict=False)
                if value not in (None, "") and not isinstance(value, bytes)
            ),
        )
        for entry, row in zip(named, rows, strict=True)
    )


def _named(database: sqlite3.Connection, table: str, rows: Sequence[int]) -> tuple[Entry, ...]:
    when = _DATES.get(table)
    if table != "patients" and when is None:
        return ()
    query = _PATIENT if when is None else _OF_PATIENT.format(table=table, when=f"coalesce({when}, '')")
    try:
        found = [database.execute(query, (row,)).fetchone() for row in rows]
    except sqlite3.OperationalError:
        # Another version of the EMR names its columns otherwise; the counts are right all the same.
        return ()
    return tuple(Entry(str(name), str(day)) for name, day in found)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
