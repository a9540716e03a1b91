"""The live databases, and the vector store with its database, as of one instant: copied beforehand, then frozen.

The databases are copied before the freeze, step by step while the EMR goes on: where nothing was written meanwhile,
that copy is the one, and databases of any size hold nobody up for longer than a step. Under the freeze is copied what
was written since, and the writers of each database are let go as soon as nothing of it is needed any longer.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from . import chroma
from .freeze import frozen, too_busy
from .gentle import at_once
from .livedb import DeadlinePassed, LiveDatabase
from .mirror import Mirror
from .pipeline import beside, side_by_side
from .sources import CHROMA, CLINIC_DB, Source, files_of, is_database

logger = logging.getLogger(__name__)

#: Seconds for which writers may be held, attempt by attempt: after 5 s a write of the EMR fails.
_FREEZE_LIMITS = (2.0, 2.0, 3.0, 4.0)
_PAUSE_BETWEEN_ATTEMPTS = 1.0
_LOOK_PAUSE = 0.005
#: Seconds to wait for index files that do not fit together yet: a rewrite of them takes milliseconds.
_TORN_PATIENCE = 0.4


def copy_at_one_instant(
    live: Mapping[str, LiveDatabase],
    mirror: Mirror,
    plain: Mapping[str, Path],
    sources: Sequence[Source],
    on_copied: Callable[[str], object],
) -> float:
    """Copy the databases and the plain files, of the vector store as of one instant; return the seconds of the hold.

    `live` and `plain` go by their names in an archive. `on_copied` gets the name of each database that has been copied
    for the first time while others are still being copied; what is written until the freeze may make that copy worth
    nothing. Raise SnapshotFailed where the databases stay too busy.
    """
    with beside(partial(mirror.copy_all, plain)) as mirrored:
        _copy_beforehand(live, mirror.folder, on_copied)
    mirrored.result()
    vectors = next((source for source in sources if source.name == CHROMA), None)
    hold = _Hold()
    for number, limit in enumerate(_FREEZE_LIMITS):
        if number:
            time.sleep(_PAUSE_BETWEEN_ATTEMPTS)
            _copy_beforehand(live, mirror.folder)
        try:
            # The writers would wait for this thread, and it may have stepped back behind all others.
            at_once(partial(_copy_frozen, live, mirror, vectors, limit, hold))
            return hold.seconds
        except DeadlinePassed:
            logger.warning("the data cannot be copied within %.0f s: let the writers go; trying again", limit)
    raise too_busy()


def _copy_beforehand(
    live: Mapping[str, LiveDatabase], folder: Path, on_copied: Callable[[str], object] = lambda name: None
) -> None:
    """Copy the databases while the EMR goes on: if it writes nothing meanwhile, nobody has to wait for the copying."""
    waiting = {name: database for name, database in live.items() if not database.is_wal}
    unfinished = set(waiting)

    def copy_one(name: str) -> None:
        is_whole = waiting[name].copy_beforehand(folder / name)
        unfinished.discard(name)
        if is_whole and unfinished:
            on_copied(name)

    def copy() -> None:
        with side_by_side(copy_one, waiting) as copied:
            for _done in copied:
                pass

    # A writer would wait for each step of it.
    at_once(copy)


@dataclass
class _Hold:
    """For how many seconds writers were held, in all attempts."""

    seconds: float = 0.0


def _copy_frozen(
    live: Mapping[str, LiveDatabase], mirror: Mirror, vectors: Source | None, limit: float, hold: _Hold
) -> None:
    """Freeze the databases and copy what was written since the first copy."""
    # The EMR's own comes last: in write-ahead mode its writers need not wait at all then.
    databases = [live[name] for name in sorted(live, key=lambda name: name == CLINIC_DB)]
    with frozen(databases, only_read=live.get(CLINIC_DB)) as since:
        try:
            _copy_held(live, mirror, vectors, since + limit)
        finally:
            held = time.monotonic() - since
            hold.seconds += held
            logger.info("held the writers for %.1f ms", held * 1000)
        for name, database in live.items():
            if database.is_wal:
                database.copy(mirror.folder / name, None)


def _copy_held(live: Mapping[str, LiveDatabase], mirror: Mirror, vectors: Source | None, deadline: float) -> None:
    """Copy what was written since the first copy, and let the writers of each database go as soon as that can be."""
    waiting = {name: one for name, one in live.items() if not one.is_wal and not one.is_as_copied()}
    if any(time.monotonic() + one.expected > deadline for one in waiting.values()):
        # So large that holding the writers would be for nothing.
        raise DeadlinePassed

    def let_go(name: str) -> None:
        # The vector store's own writers might go on with its other files.
        if not name.startswith(f"{CHROMA}/"):
            live[name].let_writers_go()

    def copy(name: str) -> None:
        waiting[name].copy(mirror.folder / name, deadline)
        let_go(name)

    for name in live.keys() - waiting.keys():
        let_go(name)
    if waiting:
        with beside(partial(_settle, vectors, mirror, deadline)) as settled:
            with side_by_side(copy, waiting) as copied:
                for _done in copied:
                    pass
            settled.result()
    # Also what was written to the other files of the vector store while a database was copied just now.
    _settle(vectors, mirror, deadline)
    for database in live.values():
        database.let_writers_go()


def _settle(vectors: Source | None, mirror: Mirror, deadline: float) -> None:
    """Copy again what changed of the vector store since it was copied, until two looks agree and the files fit."""
    if vectors is None:
        return

    def watch() -> None:
        if time.monotonic() > deadline:
            raise DeadlinePassed

    give_up_on_torn = time.monotonic() + _TORN_PATIENCE
    calm = False
    while True:
        # What was copied before the freeze is no database, whatever its name.
        files = {name: path for name, path in files_of(vectors) if name in mirror or not is_database(name)}
        changed = mirror.refresh(f"{CHROMA}/", files, watch)
        if calm and not changed:
            torn = chroma.torn_indexes(mirror.folder / CHROMA)
            if not torn:
                return
            if time.monotonic() > give_up_on_torn:
                logger.warning("the index files of %s do not fit together in the live store either", ", ".join(torn))
                return
        watch()
        calm = not changed
        time.sleep(_LOOK_PAUSE)
