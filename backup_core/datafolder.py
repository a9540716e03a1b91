"""The data folder as a place to work in: its lock, its origin, and a staging folder that is always cleared away."""

import logging
import os
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from .errors import BackupError, RepositoryUnusable, SnapshotFailed, SourceDamaged, SourceMissing
from .files import PRIVATE, own_folder, remove, translating, write_own
from .livedb import schema_problem
from .locks import locked
from .sources import CHROMA_DB, CLINIC_DB, Kind, Source, find_sources, side_files
from .text import _

_ORIGIN = re.compile(r"[\w-]{1,64}", re.ASCII)


#: Seconds for which a look at the live data waits for an operation.
LOOK_PATIENCE = 10.0

logger = logging.getLogger(__name__)


class DataFolder:
    """One clinic's data, and our hidden folder in it."""

    def __init__(self, path: Path, extras: Sequence[str], patience: float) -> None:
        self.path = path
        self.private = path / PRIVATE
        #: More paths to protect, inside the data folder.
        self.extras = tuple(extras)
        self._patience = patience
        self._staging = self.private / "staging"

    def sources(self, more: Sequence[str] = ()) -> list[Source]:
        """Return the sources, and those named `more`, there or not; raise SourceMissing without a data folder."""
        return find_sources(self.path, [*self.extras, *more])

    def clinic(self) -> Source:
        """Return the source that is the clinic's database, there or not."""
        return next(source for source in self.sources() if source.name == CLINIC_DB)

    def sources_to_back_up(self) -> list[Source]:
        """Return the sources; raise SourceMissing also where there is no clinic.db, for that is no clinic."""
        if self.clinic().kind is not Kind.DATABASE:
            raise SourceMissing(
                _("There is no %(clinic_db)s in %(path)s.", clinic_db=CLINIC_DB, path=self.path),
                hint=_("Start DocAssist once, or choose the folder that holds its data."),
                folder=str(self.path),
            )
        return self.sources()

    def last_change(self) -> float | None:
        """Return when a live database was last written to, in seconds since 1970; None where there is none."""
        times = []
        for database in (self.path / CLINIC_DB, self.path / CHROMA_DB):
            for path in (database, *side_files(database)):
                with suppress(FileNotFoundError):
                    times.append(path.stat().st_mtime)
        return max(times, default=None)

    def damage(self) -> str:
        """Return a sentence if a live database of the two stores is damaged, as far as opening it tells, or ""."""
        for name in (CLINIC_DB, CHROMA_DB):
            problem = schema_problem(self.path / name) if (self.path / name).is_file() else ""
            if problem:
                return str(SourceDamaged(name, problem))
        return ""

    def keep_apart(self, backup_dir: Path) -> None:
        """Raise RepositoryUnusable where the archives would lie in what is backed up, each in all that follow."""
        if backup_dir == self.path or any(backup_dir.is_relative_to(source.path) for source in self.sources()):
            raise RepositoryUnusable(
                _("The backups cannot lie in %(backup_dir)s, which is backed up itself.", backup_dir=backup_dir),
                hint=_("Choose another backup folder."),
            )

    @contextmanager
    def lock(self, *, patience: float | None = None) -> Iterator[None]:
        """Hold the data folder against every other operation of ours; raise RepositoryLocked after a bounded wait.

        `patience` in seconds shortens that wait, for somebody who only wants to look.
        """
        self.sources()
        with locked(self.path, min(self._patience, patience or self._patience), SnapshotFailed):
            yield

    @contextmanager
    def proving(self, *, wait: bool) -> Iterator[None]:
        """Be the only one that opens an archive of this data folder in a sandbox.

        Raise RepositoryLocked where somebody else is, without `wait` at once and else after a bounded time.
        """
        self.sources()
        patience = self._patience if wait else 0
        sentence = _("Another backup is being opened and checked.")
        with locked(self.path, patience, SnapshotFailed, name="proving", sentence=sentence):
            yield

    @property
    def origin(self) -> str | None:
        """The random id that tells this clinic's archives from others'; None before the first backup.

        Raise BackupError where it cannot be read.
        """
        with translating(BackupError, _("The data folder cannot be read")):
            try:
                known = (self.private / "origin").read_bytes().decode(errors="replace").strip()
            except (FileNotFoundError, NotADirectoryError):
                return None
        # It becomes part of a file's name, and a restored archive may have brought it from anywhere.
        return known if _ORIGIN.fullmatch(known) else None

    @origin.setter
    def origin(self, origin: str) -> None:
        write_own(self.private / "origin", origin.encode())

    def claim_origin(self) -> str:
        """Return the origin, made now if there is none yet."""
        known = self.origin
        if known is None:
            known = self.origin = uuid.uuid4().hex
        return known

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """Give a folder that does not exist yet, on the data's volume and for this user only; remove it at the end.

        Raise SourceMissing without a data folder, SnapshotFailed where it cannot be written.
        """
        self.sources()
        with translating(SnapshotFailed, _("The folder %(path)s cannot be written", path=self.path)):
            own_folder(self.path)
            self._staging.mkdir(mode=0o700, exist_ok=True)
            folder = self._staging / uuid.uuid4().hex
            # Held while the folder is in use: so that one swept by another process is surely nobody's.
            lock = FileLock(folder.with_suffix(".lock"), mode=0o600, thread_local=False)
            lock.acquire()
        try:
            yield folder
        finally:
            cleared = clear(folder)
            lock.release()
            if cleared:
                clear(folder.with_suffix(".lock"))

    def sweep(self) -> None:
        """Remove what runs that were cut off have left in staging; one that is still at work keeps its folder.

        What cannot be removed now, as a file that a virus scanner has open, stops no backup: the next sweep has it.
        """
        with translating(SnapshotFailed, _("What an interrupted backup has left could not be removed")):
            found = list(self._staging.glob("*"))
        # A folder may be there without its lock: on Windows that goes whenever it is let go.
        folders = {path for path in found if path.is_dir()}
        for folder in folders | {path.with_suffix("") for path in found if path.suffix == ".lock"}:
            _clear_unless_in_use(folder)


def _clear_unless_in_use(folder: Path) -> None:
    """Remove a staging folder and its lock, unless somebody holds that: it is taken before the folder is made."""
    held = folder.with_suffix(".lock")
    if not folder.parent.is_dir():
        return  # it has gone with its drive meanwhile, and the library of the locks would make it up
    try:
        # While the lock is held it goes too: later, it may have become that of a run which has just begun. Windows
        # removes none that is open, and does it by itself when it is let go.
        with FileLock(held, timeout=0, mode=0o600):
            if clear(folder) and os.name != "nt":
                clear(held)
    except Timeout:
        pass
    except OSError:
        logger.warning("%s could not be removed yet", folder, exc_info=True)


def clear(path: Path) -> bool:
    """Return whether what has served its purpose could be removed; else it is left to the next sweep."""
    try:
        remove(path)
    except OSError:
        logger.warning("%s could not be removed yet", path, exc_info=True)
        return False
    return True
