"""What a restore would remove: entries of today's clinic.db that a backup lacks, or has in an older form."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .sources import CLINIC_DB

#: Entries named of each table; all of them are counted.
EXAMPLES = 200

#: What tells a person which entry is meant: who, and when.
_PATIENT = "SELECT name, substr(coalesce(created_at, ''), 1, 10) FROM today.patients AS entry WHERE {is_it}"
_OF_PATIENT = """
    SELECT coalesce((SELECT name FROM today.patients WHERE id = entry.patient_id), ''), {when}
    FROM today.{table} AS entry WHERE {is_it}
"""
#: When an entry was made, in the tables that tell.
_CREATED = "created_at"
_DATES = {"visits": "visit_date", "investigations": "test_date", "procedures": "procedure_date"}


@dataclass(frozen=True)
class Entry:
    """One entry that would be removed: whose it is and its day, "" where the table does not tell."""

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


#: The columns that tell the entries of a table apart, quoted; and what they hold in one entry.
_Key = tuple[str, ...]
_Row = tuple[Any, ...]
#: That of all tables but those WITHOUT ROWID.
_ROW: _Key = ("rowid",)


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
        keys, held = _tables(database, "today"), _tables(database, "backup")
        tables = sorted(keys, key=_importance)
        losses = [_loss(database, table, keys[table], held.get(table), in_full=in_full) for table in tables]
    return [loss for loss in losses if loss.missing or loss.older]


def _importance(table: str) -> tuple[int, str]:
    order = ("patients", "visits", *_DATES)
    return (order.index(table) if table in order else len(order), table)


def _tables(database: sqlite3.Connection, schema: str) -> dict[str, _Key]:
    """Return the ordinary tables by name, each with its key; not those in which a virtual one keeps its own."""
    rows = database.execute(f"PRAGMA {schema}.table_list").fetchall()
    ordinary = [(str(row[1]), bool(row[4])) for row in rows if row[2] == "table" and not row[1].startswith("sqlite_")]
    return {name: _primary_key(database, schema, name) if lacks_rows else _ROW for name, lacks_rows in ordinary}


def _primary_key(database: sqlite3.Connection, schema: str, table: str) -> _Key:
    columns = database.execute(f"PRAGMA {schema}.table_info({_quoted(table)})").fetchall()
    return tuple(_quoted(row[1]) for row in sorted(columns, key=lambda row: int(row[5])) if row[5])


def _columns(database: sqlite3.Connection, schema: str, table: str) -> list[str]:
    return [str(row[1]) for row in database.execute(f"PRAGMA {schema}.table_info({_quoted(table)})")]


def _loss(database: sqlite3.Connection, table: str, key: _Key, held_key: _Key | None, *, in_full: bool) -> Loss:
    shared = _columns(database, "today", table)
    missing: list[_Row] = []
    older: list[_Row] = []
    # Where another version tells the entries apart by something else, none of them can be found again.
    if held_key == key:
        held = _columns(database, "backup", table)
        shared = [name for name in shared if name in held]
        missing, older = _changed(database, table, key, shared)
    else:
        missing = database.execute(f"SELECT {', '.join(key)} FROM today.{_quoted(table)}").fetchall()  # noqa: S608
    lacking, changed_since = (
        _in_full(database, table, key, rows, shared) if in_full else _named(database, table, key, rows[:EXAMPLES])
        for rows in (missing, older)
    )
    return Loss(table, len(missing), len(older), lacking, changed_since)


def _changed(
    database: sqlite3.Connection, table: str, key: _Key, shared: Sequence[str]
) -> tuple[list[_Row], list[_Row]]:
    """Return the keys of today's entries that the backup lacks, and of those that it has in an older form."""
    columns = ", ".join([*key, *(_quoted(name) for name in shared)])
    keys = ", ".join(key)
    changed = database.execute(
        f"SELECT {keys} FROM (SELECT {columns} FROM today.{_quoted(table)}"  # noqa: S608
        f" EXCEPT SELECT {columns} FROM backup.{_quoted(table)}) ORDER BY {keys}"
    )
    has = f"SELECT 1 FROM backup.{_quoted(table)} AS entry WHERE {_is_it(key)}"  # noqa: S608
    if _CREATED in shared:
        # After a restore the EMR gives numbers again that were given before: then it is another entry.
        same = " AND ".join(f"today.{column} = entry.{column}" for column in key)
        has += f" AND {_CREATED} IS (SELECT {_CREATED} FROM today.{_quoted(table)} AS today WHERE {same})"  # noqa: S608
    missing: list[_Row] = []
    older: list[_Row] = []
    for row in changed.fetchall():
        (older if database.execute(has, row).fetchone() else missing).append(row)
    return missing, older


def _in_full(
    database: sqlite3.Connection, table: str, key: _Key, rows: Sequence[_Row], columns: Sequence[str]
) -> tuple[Entry, ...]:
    """Return all entries with what was written in them, without numbers of other entries: paper has no use for them."""
    told = [name for name in columns if name not in ("id", _CREATED) and not name.endswith("_id")]
    named = _named(database, table, key, rows) or (Entry("", ""),) * len(rows)
    query = (
        f"SELECT {', '.join(map(_quoted, told)) or 'NULL'}"  # noqa: S608
        f" FROM today.{_quoted(table)} AS entry WHERE {_is_it(key)}"
    )
    return tuple(
        replace(
            entry,
            details=tuple(
                (name, str(value))
                for name, value in zip(told, database.execute(query, row).fetchone(), strict=False)
                if value not in (None, "") and not isinstance(value, bytes)
            ),
        )
        for entry, row in zip(named, rows, strict=True)
    )


def _named(database: sqlite3.Connection, table: str, key: _Key, rows: Sequence[_Row]) -> tuple[Entry, ...]:
    when = _DATES.get(table)
    if table != "patients" and when is None:
        return ()
    query = _PATIENT if when is None else _OF_PATIENT
    query = query.format(table=table, when=f"coalesce({when}, '')", is_it=_is_it(key))
    try:
        found = [database.execute(query, row).fetchone() for row in rows]
    except sqlite3.OperationalError:
        # Another version of the EMR names its columns otherwise; the counts are right all the same.
        return ()
    return tuple(Entry(str(name), str(day)) for name, day in found)


def _is_it(key: _Key) -> str:
    """Return the condition that `entry` is the one with this key."""
    return " AND ".join(f"entry.{column} = ?" for column in key)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
