"""Read an archive against its manifest, and let SQLite check the databases in it."""

from pathlib import Path

from . import archive
from .contents import check_integrity
from .errors import ArchiveUnusable
from .manifest import Manifest
from .progress import OnProgress, ignore
from .sources import CHROMA_DB, CLINIC_DB
from .text import _

_DATABASES = (CLINIC_DB, CHROMA_DB)


def verify(path: Path, folder: Path, on_progress: OnProgress = ignore) -> None:
    """Raise ArchiveUnusable, saying what is wrong, unless the archive is whole; `folder` is a new staging folder."""
    archive.verify(path, on_progress)
    manifest = archive.extract(path, folder, only=lambda name: name in _DATABASES)
    check_databases(folder, manifest)


def check_databases(folder: Path, manifest: Manifest) -> None:
    """Raise ArchiveUnusable unless SQLite finds the extracted databases whole; a raw archive is taken as it is."""
    for name in _DATABASES:
        if (folder / name).is_file() and not manifest.is_raw:
            problem = check_integrity(folder / name)
            if problem:
                raise ArchiveUnusable(
                    _("%(name)s in this backup is damaged: %(problem)s.", name=name, problem=problem),
                    hint=_("Choose another backup."),
                )
