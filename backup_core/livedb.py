"""One live database of the EMR: the kindest lock that holds its writers, and a copy through SQLite alone.

A plain `open()` and `close()` of a database file drops every lock that this process holds on it (POSIX advisory locks),
without a word. So nothing here, nor anything that runs while a `LiveDatabase` is open, opens its files otherwise.
"""

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from .files import create_private

#: Pages copied at a time while writers wait, so that a deadline is noticed, and while they need not: 8 MB and 1 MB of
#: the usual pages. In the second case a writer waits for one step at most.
_STEP = 2048
_SMALL_STEP = 256
#: Pages that SQLite keeps in memory while it copies: each is needed once, and looking for room among many takes longer.
_CACHE = 64
#: Seconds of copying from which it is begun anew after a write, and how often: a quick one is made under the freeze.
_QUICK = 0.25
_MOST_RESTARTS = 2
#: Seconds until a step that found a writer at work is tried again, and for which each is waited for beforehand.
_BUSY_PAUSE = 0.02
_BUSY_PATIENCE = 5.0


class DeadlinePassed(Exception):
    """The copy took longer than the writers of the EMR should wait."""


class LiveDatabase:
    """An open database whose writers can be made to wait.

    In rollback-journal mode the freeze is a plain read transaction: a writer's commit waits, nothing fails at once. A
    stronger lock would make transactions that read before they write fail without waiting. In write-ahead mode it is
    a write transaction, held for milliseconds only, and a read transaction that outlives it. In those milliseconds a
    transaction of that kind does fail at once there: SQLite lets it wait for nobody. Where nothing else has to be of
    the same instant, the read transaction is enough, and nobody waits. The EMR uses rollback mode.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._copied: int | None = None
        #: How often its copying was begun.
        self.copies = 0
        #: Seconds that copying took or would have taken when it was last done beforehand.
        self.expected = 0.0
        self._stack = ExitStack()
        self._uri = path.absolute().as_uri()
        try:
            # Closed last, and unable to write: so no connection of ours ever checkpoints the EMR's write-ahead log.
            keeper = self._connect("ro")
            # Not "ro": after a power cut the journal must be rolled back, as the EMR itself would do at its next start.
            self._reader = self._connect("rw")
            self._reader.execute(f"PRAGMA cache_size = {_CACHE}")
            self.is_wal = self._is_wal_now()
            self._writer = self._reader
            if self.is_wal:
                keeper.execute("SELECT count(*) FROM sqlite_master").fetchone()
                self._writer = self._connect("rw")
        except sqlite3.Error:
            self._stack.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def freeze(self, patience: float, *, only_read: bool = False) -> None:
        """Hold the writers from now on; raise sqlite3.OperationalError if that takes longer than `patience` seconds.

        With `only_read` a write-ahead database shows this instant for as long, and its writers go on all the same.
        """
        self._wait_at_most(patience)
        if self.is_wal and not only_read:
            self._writer.execute("BEGIN IMMEDIATE")
        self._reader.execute("BEGIN")
        self._reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if self._is_wal_now() != self.is_wal:
            # What holds the writers in one mode does not hold them in the other.
            raise sqlite3.OperationalError("its journal mode has just been changed")

    def let_writers_go(self) -> None:
        """Let the writers go on; of a write-ahead database what is copied afterwards is still the frozen instant."""
        if self._writer.in_transaction:
            self._writer.execute("ROLLBACK")

    def read_schema(self) -> None:
        """Read the list of tables; raise sqlite3.DatabaseError where it is damaged."""
        self._reader.execute("SELECT count(*) FROM sqlite_master").fetchone()

    def thaw(self) -> None:
        """End the freeze, whatever became of it."""
        for connection in (self._writer, self._reader):
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def copy(self, target: Path, deadline: float | None) -> None:
        """Write the frozen instant to the file `target`, whatever it held.

        Raise DeadlinePassed at `deadline` (monotonic seconds).
        """

        def watch(status: int, remaining: int, total: int) -> None:
            if deadline is not None and status != sqlite3.SQLITE_DONE and time.monotonic() > deadline:
                raise DeadlinePassed

        self._copy(target, _STEP, watch)

    def copy_beforehand(self, target: Path) -> bool:
        """Write what is there to the file `target` while the EMR goes on, and return whether that is a whole database.

        `is_as_copied` tells later what it is worth. Each write lets SQLite begin again, so it is given up where that
        goes on, where it will be quick under the freeze, and where a writer lets nobody read.
        """
        self._copied = None
        self._wait_at_most(_BUSY_PATIENCE)
        try:
            version = self._version()
        except sqlite3.OperationalError as error:
            if is_busy(error):
                return False
            raise
        begun, last, restarts = time.monotonic(), -1, 0

        def watch(status: int, remaining: int, total: int) -> None:
            nonlocal begun, last, restarts
            if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise DeadlinePassed
            now = time.monotonic()
            if last >= 0 and remaining >= last:
                begun, restarts = now, restarts + 1
                if self.expected < _QUICK or restarts > _MOST_RESTARTS:
                    raise DeadlinePassed
            else:
                self.expected = (now - begun) * total / max(total - remaining, 1)
            last = remaining

        with suppress(DeadlinePassed):
            self._copy(target, _SMALL_STEP, watch)
            self._copied = version
        return self._copied is not None

    def is_as_copied(self) -> bool:
        """Return whether nobody has written since before the copy that was made beforehand; ask it while frozen."""
        return self._copied is not None and self._copied == self._version()

    def _wait_at_most(self, seconds: float) -> None:
        for connection in {self._reader, self._writer}:
            connection.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")

    def _is_wal_now(self) -> bool:
        return bool(self._reader.execute("PRAGMA journal_mode").fetchone()[0] == "wal")

    def _version(self) -> int:
        """Return what is another number whenever another connection, of whatever process, has written."""
        return int(self._reader.execute("PRAGMA data_version").fetchone()[0])

    def _copy(self, target: Path, step: int, watch: Callable[[int, int, int], None]) -> None:
        self.copies += 1
        # Emptied, and not made anew: the check of an earlier copy may still have it open, and hold no lock on it.
        os.close(create_private(target))
        # Whoever else has locked it is not waited for beyond the deadline.
        with closing(sqlite3.connect(target, isolation_level=None, timeout=0)) as copy:
            # A copy that a power cut spoils is thrown away, so it needs neither journal nor fsync: 0.3 s, not 1.0 s.
            copy.execute("PRAGMA synchronous = OFF")
            copy.execute("PRAGMA journal_mode = OFF")
            copy.execute(f"PRAGMA cache_size = {_CACHE}")
            self._reader.backup(copy, pages=step, progress=watch, sleep=_BUSY_PAUSE)

    def _connect(self, mode: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self._uri}?mode={mode}", uri=True, isolation_level=None, timeout=30.0, check_same_thread=False
        )
        return self._stack.enter_context(closing(connection))


def schema_problem(path: Path) -> str:
    """Return what SQLite says of a live database if it finds it damaged on opening it and reading its schema, or ""."""
    try:
        with LiveDatabase(path) as database:
            database.read_schema()
    except sqlite3.DatabaseError as error:
        # One that is busy, or may not be opened, need not be damaged.
        return str(error) if is_damaged_file(error) else ""
    return ""


def is_damaged_file(error: sqlite3.Error) -> bool:
    """Return whether SQLite says that the file itself is damaged, and not that it cannot be read just now."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_no_database(error: sqlite3.Error) -> bool:
    """Return whether SQLite says that the file is no database at all."""
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB


def is_busy(error: sqlite3.Error) -> bool:
    """Return whether SQLite says that another connection is in the way."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
