"""Intake: a ZIP that comes in slices from elsewhere, kept aside and checked before anything is done with it."""

import os
import threading
import uuid
from contextlib import ExitStack
from pathlib import Path

from .datafolder import DataFolder
from .errors import ArchiveUnusable, BackupError, SnapshotFailed, UnknownArchive
from .files import create_private, need_space, private_folder, replace, translating
from .listing import Archive, look
from .manifest import archive_name
from .progress import OnProgress, ignore
from .text import N_, _
from .verify import verify

_AGAIN = N_("Choose the file again.")


class Intake:
    """One file at a time, in a staging folder of the data volume that goes with it, at the latest at the next start.

    All methods may be called from any thread.
    """

    def __init__(self, data: DataFolder) -> None:
        self._data = data
        self._guard = threading.Lock()
        self._stack = ExitStack()
        self._id = ""
        self._path = Path()
        self._size = 0
        self._taken = 0
        #: What was taken in and found whole; None before that.
        self.archive: Archive | None = None

    def begin(self, size: int) -> str:
        """Make room for a file of `size` bytes, in place of the one before, and return its id; raise RepositoryFull."""
        with self._guard:
            self._discard()
            if size <= 0:
                raise ArchiveUnusable(_("This file is empty."), hint=_("Choose another file."))
            # Once as it comes, and once more unpacked.
            need_space(self._data.path, 2 * size, _("the backup from that file"))
            folder = self._stack.enter_context(self._data.staging())
            with translating(SnapshotFailed, _("The file could not be taken in")):
                path = private_folder(folder, inside=folder.parent) / "incoming.zip"
                os.close(create_private(path))
            self._id, self._path, self._size, self._taken = uuid.uuid4().hex, path, size, 0
            return self._id

    def take(self, intake_id: str, offset: int, data: bytes) -> int:
        """Add the next slice, which begins at `offset`, and return how many bytes have come (the same slice may come
        twice); raise ArchiveUnusable for one that does not follow."""
        with self._guard:
            self._expect(intake_id)
            if self.archive is not None or offset > self._taken or offset + len(data) > self._size:
                raise ArchiveUnusable(_("A part of the file is missing."), hint=_(_AGAIN))
            with translating(SnapshotFailed, _("The file could not be taken in")), self._path.open("r+b") as file:
                file.seek(offset)
                file.write(data)
            self._taken = max(self._taken, offset + len(data))
            return self._taken

    def finish(self, intake_id: str, on_progress: OnProgress = ignore) -> Archive:
        """Check every byte of what has come and return it as an archive; raise ArchiveUnusable, and keep nothing."""
        with self._guard:
            self._expect(intake_id)
            try:
                if self._taken != self._size:
                    raise ArchiveUnusable(_("A part of the file is missing."), hint=_(_AGAIN))
                verify(self._path, self._path.parent / "look", on_progress)
                archive = look(self._path)
                if not archive.is_good:
                    raise ArchiveUnusable(archive.problem, hint=_("Choose another file."))
                # A name of its own: one of the list may have the same as this had where it comes from.
                named = self._path.with_name(f"file_{archive_name(archive.created_at)}")
                with translating(SnapshotFailed, _("The file could not be taken in")):
                    replace(self._path, named)
                self._path, self.archive = named, look(named)
            except BackupError:
                self._discard()
                raise
            return self.archive

    def find(self, name: str) -> Archive | None:
        """Return the archive that was taken in if that is its name, else None."""
        return self.archive if self.archive is not None and self.archive.name == name else None

    def give_up(self, intake_id: str) -> None:
        """Keep nothing of a file that is on its way; raise UnknownArchive for another one."""
        with self._guard:
            self._expect(intake_id)
            self._discard()

    def discard(self) -> None:
        """Remove what was taken in; its archive can still be spoken of."""
        with self._guard:
            self._stack.close()
            self._id = ""

    def _discard(self) -> None:
        self._stack.close()
        self._id, self.archive = "", None

    def _expect(self, intake_id: str) -> None:
        if not self._id or intake_id != self._id:
            raise UnknownArchive(_("The file that was sent is no longer kept here."), hint=_(_AGAIN))
