"""Sources to staging folder: one instant of all stores, taken while the EMR writes.

The way, found by measuring (40 of 40 copies whole, where copying file by file gave 6 corrupt of 20): copy the plain
files without any lock; freeze the databases; copy again what changed of the vector store until two looks agree; copy
the databases; let go. The EMR's writers wait some milliseconds and none fails.

The databases are copied before the freeze too, step by step while the EMR goes on: where nothing was written meanwhile,
that copy is the one, and databases of any size hold nobody up for longer than a step.
"""

import logging
import shutil
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from . import chroma
from .contents import Contents, check_integrity, read_contents
from .errors import SnapshotFailed, SourceDamaged
from .files import need_space, private_folder, translating
from .freeze import frozen, too_busy
from .gentle import at_once
from .livedb import DeadlinePassed, LiveDatabase, is_busy, is_damage, is_no_database
from .manifest import is_safe_name
from .mirror import Mirror
from .pipeline import beside, side_by_side
from .progress import OnProgress, Progress, Stage, ignore
from .sources import CHROMA, CHROMA_DB, CLINIC_DB, Kind, Source, files_of, folders_of, is_database, is_side_file
from .stages import UNWATCHED, Stages, Step
from .text import _

logger = logging.getLogger(__name__)

#: Seconds for which writers may be held, attempt by attempt: after 5 s a write of the EMR fails.
_FREEZE_LIMITS = (2.0, 2.0, 3.0, 4.0)
_PAUSE_BETWEEN_ATTEMPTS = 1.0
_LOOK_PAUSE = 0.005
#: Seconds to wait for index files that do not fit together yet: a rewrite of them takes milliseconds.
_TORN_PATIENCE = 0.2


@dataclass(frozen=True)
class Copy:
    """A copy of all sources in `folder` as of one instant, laid out as in an archive, that nobody has looked into."""

    folder: Path
    #: Each source by name: was it there?
    sources: dict[str, bool]
    #: What SQLite has copied.
    databases: tuple[str, ...] = ()
    #: Seconds for which the EMR's writers were held.
    frozen: float = 0.0
    #: Whether it is damaged data, copied byte for byte without asking SQLite.
    is_raw: bool = False


@dataclass(frozen=True)
class Snapshot:
    """A copy of all sources in `folder`, found whole, and what is in it."""

    folder: Path
    #: Each source by name: was it there?
    sources: dict[str, bool]
    contents: Contents
    #: Seconds for which the EMR's writers were held.
    frozen: float


def take(sources: Sequence[Source], folder: Path) -> Snapshot:
    """Copy `sources` into the new folder `folder` as of one instant, and look into the copy.

    Raise what `copy` and `examine` raise.
    """
    return examine(copy(sources, folder))


def examine(copied: Copy, stages: Stages = UNWATCHED) -> Snapshot:
    """Return what is in a copy; raise SourceDamaged unless SQLite finds every database in it whole."""
    with stages.measure(Step.CHECK), translating(SnapshotFailed, _("The copy of the data could not be read")):
        for name in copied.databases:
            problem = check_integrity(copied.folder / name)
            if problem:
                raise SourceDamaged(name, problem)
        contents = Contents() if copied.is_raw else read_contents(copied.folder)
        return Snapshot(copied.folder, copied.sources, contents, copied.frozen)


def copy(sources: Sequence[Source], folder: Path, on_progress: OnProgress = ignore, stages: Stages = UNWATCHED) -> Copy:
    """Copy `sources` into the new folder `folder` as of one instant.

    Raise SnapshotFailed where a database is damaged or so busy that no lock could be had, RepositoryFull without room.
    """
    with translating(SnapshotFailed, _("The data could not be copied"), hint=_("It is tried again by itself.")):
        files = {name: path for source in sources for name, path in files_of(source)}
        _check_names(files)
        databases = {name: path for name, path in files.items() if is_database(name)}
        total = sum(_size(path) for path in files.values())
        need_space(folder, total, _("a copy of the data"))
        on_progress(Progress(Stage.SNAPSHOT, 0, total))
        for name in ["", *(name for source in sources for name in folders_of(source))]:
            private_folder(folder / name)
        mirror = Mirror(folder)
        with stages.measure(Step.COPY), ExitStack() as stack:
            live = {
                name: stack.enter_context(database)
                for name, path in databases.items()
                if (database := _open(name, path, mirror)) is not None
            }
            with beside(
                partial(mirror.copy_all, {name: files[name] for name in files.keys() - databases.keys()})
            ) as plain:
                _copy_beforehand(live, folder)
            plain.result()
            frozen = _copy_at_one_instant(live, mirror, sources)
        stages.add(Step.FREEZE, frozen)
        on_progress(Progress(Stage.SNAPSHOT, total, total))
        return Copy(folder, _presence(sources), tuple(live), frozen)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        logger.warning("%s has just gone, or is a link that leads nowhere: it is left out", path)
        return 0


def _check_names(names: Iterable[str]) -> None:
    for name in names:
        if not is_safe_name(name):
            raise SnapshotFailed(
                _("A file has a name that cannot be stored: %(name)s.", name=repr(name)),
                hint=_("Rename it, then try again."),
                source=ascii(name),
            )


def copy_raw(sources: Sequence[Source], folder: Path) -> Copy:
    """Copy every file of the sources byte for byte, side files included: what is left to do with damaged data.

    The EMR must be closed and this process hold no connection; the copy may not be one that SQLite can open.
    """
    with translating(SnapshotFailed, _("The damaged data could not be copied")):
        private_folder(folder)
        for source in sources:
            target = folder / source.name
            if source.kind is Kind.FOLDER:
                shutil.copytree(source.path, target, ignore_dangling_symlinks=True)
            elif source.kind is not None:
                private_folder(target.parent)
            for path in source.path.parent.glob(f"{source.path.name}-*"):
                if is_side_file(path.name):
                    shutil.copy2(path, target.with_name(path.name))
            if source.kind in (Kind.FILE, Kind.DATABASE):
                shutil.copy2(source.path, target)
        return Copy(folder, _presence(sources), is_raw=True)


def _presence(sources: Sequence[Source]) -> dict[str, bool]:
    return {source.name: source.kind is not None for source in sources}


def _open(name: str, path: Path, mirror: Mirror) -> LiveDatabase | None:
    """Return the open database; copy a file that only has a database's name (as Thumbs.db) and return None."""
    try:
        return LiveDatabase(path)
    except sqlite3.DatabaseError as error:
        if is_busy(error):
            raise too_busy() from error
        if is_no_database(error) and name not in (CLINIC_DB, CHROMA_DB):
            mirror.copy(name, path)
            return None
        if not is_damage(error):
            raise
        raise SourceDamaged(name, str(error)) from error


def _copy_at_one_instant(live: Mapping[str, LiveDatabase], mirror: Mirror, sources: Sequence[Source]) -> float:
    """Copy the databases, and what changed of the vector store, under one freeze; return how long it held, in s.

    What was copied beforehand counts where nobody has written since; after an attempt that took too long it is copied
    again.
    """
    vectors = next((source for source in sources if source.name == CHROMA), None)
    hold = _Hold()
    for limit in _FREEZE_LIMITS:
        try:
            # The writers would wait for this thread, and it may have stepped back behind all others.
            at_once(partial(_copy_frozen, live, mirror, vectors, limit, hold))
            return hold.seconds
        except DeadlinePassed:
            logger.warning("the data cannot be copied within %.0f s: let the writers go; trying again", limit)
            time.sleep(_PAUSE_BETWEEN_ATTEMPTS)
            _copy_beforehand(live, mirror.folder)
    raise too_busy()


def _copy_beforehand(live: Mapping[str, LiveDatabase], folder: Path) -> None:
    """Copy the databases while the EMR goes on: if it writes nothing meanwhile, nobody has to wait for the copying."""
    waiting = {name: database for name, database in live.items() if not database.is_wal}

    def copy() -> None:
        with side_by_side(lambda name: waiting[name].copy_beforehand(folder / name), waiting) as copied:
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
    with frozen([live[name] for name in sorted(live, key=lambda name: name == CLINIC_DB)]) as since:
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
    with beside(partial(_settle, vectors, mirror, deadline)) as settled:
        with side_by_side(copy, waiting) as copied:
            for _done in copied:
                pass
        settled.result()
    for database in live.values():
        database.let_writers_go()


def _settle(vectors: Source | None, mirror: Mirror, deadline: float) -> None:
    """Copy again what changed of the vector store since it was copied, until two looks agree and the files fit."""
    if vectors is None:
        return
    give_up_on_torn = time.monotonic() + _TORN_PATIENCE
    calm = False
    while True:
        # What was copied before the freeze is no database, whatever its name.
        files = {name: path for name, path in files_of(vectors) if name in mirror or not is_database(name)}
        changed = mirror.refresh(f"{CHROMA}/", files)
        if calm and not changed:
            torn = chroma.torn_indexes(mirror.folder / CHROMA)
            if not torn:
                return
            if time.monotonic() > give_up_on_torn:
                logger.warning("the index files of %s do not fit together in the live store either", ", ".join(torn))
                return
        if time.monotonic() > deadline:
            raise DeadlinePassed
        calm = not changed
        time.sleep(_LOOK_PAUSE)
