"""The freeze: the short time in which the writers of all the live databases wait."""

import random
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from .errors import SnapshotFailed
from .livedb import LiveDatabase, is_busy
from .text import _

#: Seconds to get all locks together, and to wait for one while another is held.
_LOCK_PATIENCE = 30.0
_SECOND_LOCK_PATIENCE = 0.1


@contextmanager
def frozen(databases: Sequence[LiveDatabase], *, only_read: LiveDatabase | None = None) -> Iterator[float]:
    """Hold the writers of all databases, or of none: never wait long for one while another is held.

    Give the reading of the running clock (s) since when the first is held. `only_read` is the last of them, if it is
    one: in write-ahead mode it shows an instant at which the others are held, and that is enough where nothing but the
    database has to be of that instant, so its own writers go on. Raise SnapshotFailed where they cannot be had together
    in time.
    """
    give_up = time.monotonic() + _LOCK_PATIENCE
    while True:
        since = 0.0
        try:
            for database in databases:
                patience = _SECOND_LOCK_PATIENCE if since else _LOCK_PATIENCE
                database.freeze(patience, only_read=database is only_read)
                since = since or time.monotonic()
            break
        except sqlite3.OperationalError as error:
            _thaw(databases)
            if not is_busy(error):
                raise
            if time.monotonic() > give_up:
                raise too_busy() from error
            time.sleep(random.uniform(0.02, 0.08))  # noqa: S311 - so that two waiting programs do not stay in step
    try:
        yield since or time.monotonic()
    finally:
        _thaw(databases)


def _thaw(databases: Sequence[LiveDatabase]) -> None:
    for database in databases:
        database.thaw()


def too_busy() -> SnapshotFailed:
    """Return the error for data that stays locked."""
    return SnapshotFailed(
        _("Another program has kept the data locked for too long."),
        hint=_("It is tried again by itself. If it happens often, close other programs that use DocAssist's data."),
    )
