"""Copy an archive to another drive, and read it again there before it counts."""

import os
from contextlib import suppress
from pathlib import Path

from .archive import verify
from .clock import Clock
from .copies import Copy, CopyBook
from .datafolder import DataFolder
from .errors import ArchiveUnusable, BackupError, CopyFailed, RepositoryUnusable
from .files import CHUNK, create_private, need_space, remove, replace, sync_folder, translating
from .listing import Archive
from .manifest import archive_name
from .progress import OnProgress, Progress, Stage, ignore
from .recorder import Recorder
from .repository import Repository
from .runs import Action, Trigger
from .text import _

#: The folder on a drive in which the copies lie.
FOLDER = "DocAssist Backup"


class Copier:
    """Copies archives of one data folder to other drives, and remembers where they went."""

    def __init__(self, data: DataFolder, repository: Repository, recorder: Recorder, clock: Clock) -> None:
        self._data = data
        self._repository = repository
        self._recorder = recorder
        self._clock = clock
        self._book = CopyBook(data.private / "copies.json")

    def copies(self) -> list[Copy]:
        """Return what was copied and where, newest first; raise BackupError where the note of it cannot be read."""
        with translating(BackupError, _("The list of the copies cannot be read")):
            return self._book.read()

    def save(self, archive: Archive, place: Path, trigger: Trigger, on_progress: OnProgress = ignore) -> Copy:
        """Copy an archive into the folder FOLDER of `place`, read the copy again, and return where it is.

        Nothing there is overwritten: a name that another file has gets a number. Raise CopyFailed, RepositoryFull
        without room, or ArchiveUnusable where the archive itself turns out to be damaged.
        """
        with self._recorder.record(Action.COPY, trigger) as entry:
            entry.archive = archive.name
            folder = self._folder(place)
            entry.facts["place"] = str(folder)
            with translating(
                CopyFailed,
                _("The copy could not be put on %(place)s", place=place),
                hint=_(
                    "Is the drive still connected, and may you write there? A drive with the old FAT32 format "
                    "takes no file over 4 GB."
                ),
            ):
                path = self._copy_into(folder, archive, on_progress)
            copy = Copy(archive.name, path, self._clock.now(), archive.size)
            with translating(CopyFailed, _("The copy is made, but where it is could not be noted")):
                self._book.add(copy)
        return copy

    def _folder(self, place: Path) -> Path:
        """Return the folder for the copies in `place`; raise CopyFailed where a copy would be of no use."""
        if not place.is_absolute() or not place.is_dir():
            raise CopyFailed(_("%(place)s is not there.", place=place), hint=_("Connect the drive, then look again."))
        where, own = place.resolve(), (self._data.path.resolve(), self._repository.folder.resolve())
        if any(where.is_relative_to(folder) for folder in own):
            raise CopyFailed(
                _("A copy in %(place)s would be lost together with the backups.", place=place),
                hint=_("Choose a folder on another drive."),
            )
        return place if place.name == FOLDER else place / FOLDER

    def _copy_into(self, folder: Path, archive: Archive, on_progress: OnProgress) -> Path:
        # Not private: a drive that goes from one PC to another is read there by another user.
        folder.mkdir(exist_ok=True)
        tag = f".{self._data.claim_origin()}.part"
        for leftover in folder.glob(f"*{tag}"):
            remove(leftover)
        known = self._already_there(folder, archive, on_progress)
        if known is not None:
            return known
        need_space(folder, archive.size, _("the copy"))
        part = folder / f"{archive.name}{tag}"
        try:
            _write(archive, part, on_progress)
            _read_again(archive, part, on_progress)
            taken = {path.name for path in folder.iterdir()}
            target = folder / archive_name(archive.created_at, safety=archive.safety, taken=taken)
            replace(part, target)
        finally:
            # The drive may have been pulled out: what is left there goes with the next copy.
            with suppress(OSError):
                remove(part)
        return target

    @staticmethod
    def _already_there(folder: Path, archive: Archive, on_progress: OnProgress) -> Path | None:
        """Return where this very archive lies already, after reading it again; None where it does not."""
        for path in sorted(folder.glob(f"{Path(archive.name).stem}*.zip")):
            # One that is not as it was written stays where it is, and a good one is put beside it.
            with suppress(ArchiveUnusable, RepositoryUnusable, OSError):
                if path.stat().st_size == archive.size and verify(path, on_progress) == archive.manifest:
                    return path
        return None


def _write(archive: Archive, part: Path, on_progress: OnProgress) -> None:
    done = 0
    with archive.path.open("rb") as source, os.fdopen(create_private(part), "wb") as target:
        while chunk := source.read(CHUNK):
            target.write(chunk)
            done += len(chunk)
            on_progress(Progress(Stage.COPY, done, archive.size))
        target.flush()
        os.fsync(target.fileno())
        if hasattr(os, "posix_fadvise"):
            # So that the drive is read again, and not what is still in memory.
            os.posix_fadvise(target.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    sync_folder(part.parent)


def _read_again(archive: Archive, part: Path, on_progress: OnProgress) -> None:
    """Compare the copy with the manifest in it; raise ArchiveUnusable if the archive is at fault, else CopyFailed."""
    try:
        verify(part, on_progress)
    except ArchiveUnusable as error:
        verify(archive.path, on_progress)
        raise CopyFailed(
            _("The drive did not keep the copy as it was written, so it was removed."),
            hint=_("Use another drive: this one may be worn out."),
        ) from error
