"""Read an archive against its manifest, and let SQLite check the databases in it."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from . import archive
from .contents import check_integrity
from .errors import ArchiveUnusable
from .gentle import follower
from .manifest import Manifest
from .progress import OnProgress, ignore
from .sources import CHROMA_DB, CLINIC_DB
from .text import _

_DATABASES = (CLINIC_DB, CHROMA_DB)


def verify(path: Path, folder: Path, on_progress: OnProgress = ignore) -> None:
    """Raise ArchiveUnusable, saying what is wrong, unless the archive is whole; `folder` is a new staging folder."""
    with _checking(path) as check:
        archive.verify(path, on_progress, into=archive.Unpacking(folder, _DATABASES.__contains__, check))


def unpack(path: Path, folder: Path, on_progress: OnProgress = ignore, *, to_stay: bool = False) -> Manifest:
    """Write an archive's members below the new folder `folder`, and return its manifest; for `to_stay` see `extract`.

    Raise ArchiveUnusable where a byte or a database is not as it should be, RepositoryFull without room.
    """
    with _checking(path) as check:
        return archive.extract(path, folder, on_progress, on_file=check, to_stay=to_stay)


@contextmanager
def _checking(path: Path) -> Iterator[Callable[[str, Path], None]]:
    """Give a function that lets SQLite check a database on a thread of its own, while the others are unpacked.

    At the end of the block raise ArchiveUnusable for a damaged one; those of a raw archive are taken as they are.
    """
    is_raw = archive.read_manifest(path).is_raw
    begun: dict[str, Future[str]] = {}

    def check(name: str, database: Path) -> None:
        if name in _DATABASES and not is_raw:
            begun[name] = pool.submit(check_integrity, database)

    with ThreadPoolExecutor(1, "check", follower()) as pool:
        yield check
        for name, found in begun.items():
            if problem := found.result():
                raise ArchiveUnusable(
                    _("%(name)s in this backup is damaged: %(problem)s.", name=name, problem=problem),
                    hint=_("Choose another backup."),
                )
