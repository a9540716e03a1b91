"""Which programs have the clinic's data open, or run the EMR's command."""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import psutil

from .emrcommand import split
from .places import DATA_DIR_VARIABLE
from .text import _

_PROBE_PATIENCE = 0.5


def find_holders(stores: Sequence[Path], database: Path, command: str = "") -> list[str]:
    """Return the programs, but this one, that have one of `stores` open or run the EMR's `command`: "name (number)".

    A store is a file, or a folder with all that is in it. Where only a lock on `database` shows that somebody is
    there, the answer is "another program".
    """
    # The system tells where an open file really lies, whatever links lead there.
    real = [store.resolve() for store in stores]
    found = [
        f"{process.info['name']} (process {process.pid})"
        for process in psutil.process_iter(["name", "cmdline"])
        if process.pid != os.getpid()
        and (_runs(process, command) and _works_on(process, database.parent) or _has_open(process, real))
    ]
    return found or ([_("another program")] if _is_locked(database) else [])


def _runs(process: psutil.Process, command: str) -> bool:
    wanted = split(command)
    actual = process.info["cmdline"] or []
    if not wanted or len(actual) < len(wanted):
        return False
    # An interpreter may stand before the program that the user typed.
    tail = actual[-len(wanted) :]
    return Path(tail[0]).name == Path(wanted[0]).name and tail[1:] == wanted[1:]


def names_data(process: psutil.Process, data_dir: Path) -> bool | None:
    """Return whether a process was started for this data folder, or None where it does not tell; raise psutil.Error."""
    named = process.environ().get(DATA_DIR_VARIABLE)
    return (Path(process.cwd()) / named).resolve() == data_dir.resolve() if named else None


def _works_on(process: psutil.Process, data_dir: Path) -> bool:
    """Return whether a process means our data: by its variable, else by its folder; one that hides both may."""
    try:
        named = names_data(process, data_dir)
        here = Path(process.cwd())
    except (psutil.Error, OSError):
        return True
    return data_dir.resolve().is_relative_to(here) if named is None else named


def _has_open(process: psutil.Process, stores: Sequence[Path]) -> bool:
    if os.name == "nt":
        # Windows has no safe way to list another program's files; there the swap itself meets them.
        return False
    try:
        opened = [Path(file.path) for file in process.open_files()]
    except (psutil.Error, OSError):
        return False
    return any(path.is_relative_to(store) for path in opened for store in stores)


def _is_locked(database: Path) -> bool:
    if not database.is_file():
        return False
    uri = database.absolute().as_uri()
    connect = partial(sqlite3.connect, uri=True, isolation_level=None, timeout=_PROBE_PATIENCE)
    try:
        # Closed last, and unable to write: so this look never moves the EMR's write-ahead log into the database.
        with closing(connect(f"{uri}?mode=ro")) as keeper, closing(connect(f"{uri}?mode=rw")) as connection:
            if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
                keeper.execute("SELECT count(*) FROM sqlite_master").fetchone()
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
    except sqlite3.DatabaseError:
        return False
    return False
