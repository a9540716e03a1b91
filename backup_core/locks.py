"""The locks, always taken in this order: that of opening an archive, the data folder's, then the repository's."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from .errors import BackupError, RepositoryLocked
from .files import own_folder, translating
from .text import _


@contextmanager
def locked(
    folder: Path, patience: float, kind: Callable[..., BackupError], *, name: str = "lock", sentence: str = ""
) -> Iterator[None]:
    """Hold the lock `name` of a data folder or a backup folder; threads and processes wait for each other.

    Raise RepositoryLocked after `patience` seconds, with `sentence` on who holds it, and `kind` where the folder cannot
    be written.
    """
    with translating(kind, _("The folder %(folder)s cannot be written", folder=folder)):
        lock = FileLock(own_folder(folder) / name, mode=0o600, is_singleton=False)
        try:
            lock.acquire(timeout=patience)
        except Timeout as error:
            raise RepositoryLocked(
                sentence or _("Another backup or restore is running."),
                hint=_("Wait until it has ended, then try again."),
            ) from error
    try:
        yield
    finally:
        lock.release()
