"""Move the archives of earlier backup folders into the present one: a verified copy first, then the old one goes.

Whenever this is cut off, every archive is whole in one of the folders, or in both, and the next move goes on.
"""

import hashlib
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .datafolder import DataFolder
from .errors import Cancelled, RepositoryUnusable
from .files import CHUNK, create_private, need_space, remove, rename_new, sync_folder, translating
from .listing import KEPT, Archive
from .progress import OnProgress, Progress, Stage
from .recorder import Recorder
from .repository import Repository
from .runs import Action, Trigger
from .text import _, _n

#: Called with how many bytes of an archive are done.
OnDone = Callable[[int], None]


class Mover:
    """Moves the archives of one data folder; what others made stays where it is, and is listed there."""

    def __init__(self, data: DataFolder, repository: Repository, recorder: Recorder) -> None:
        self._data = data
        self._repository = repository
        self._recorder = recorder

    def waiting(self) -> list[Archive]:
        """Return the archives of this clinic that lie in earlier folders, newest first; a second copy is not seen.

        One whose name another file has here, as a copy by hand that was cut short, stays where it is: pins, proofs
        and the way back from a restore know it by that name.
        """
        own, origin = self._own(), self._data.origin
        taken = {path.name for folder in own for path in folder.glob("*")}
        there = [one for one in self._repository.archives() if one.path.parent not in own and one.name not in taken]
        return [one for one in there if one.is_ours and one.is_made_of(origin)]

    def move(self, trigger: Trigger, on_progress: OnProgress) -> int:
        """Move all that is waiting, newest first, and return how many; raise BackupError where one stays behind."""
        with self._recorder.record(Action.MOVE, trigger) as entry:
            self._finish()
            waiting = self.waiting()
            total, before, moved = sum(archive.size for archive in waiting), 0, 0
            need_space(self._repository.folder, total, _("the backups that are to be moved"))
            try:
                for archive in waiting:
                    self._move(archive, _reporter(on_progress, before, total))
                    before, moved = before + archive.size, moved + 1
            except Cancelled as stopped:
                raise Cancelled(_told(moved, len(waiting))) from stopped
            finally:
                entry.facts["moved"] = moved
            entry.reason = _told(moved, len(waiting))
            return moved

    def _own(self) -> tuple[Path, Path]:
        folder = self._repository.folder
        return folder, folder / KEPT

    def _finish(self) -> None:
        """Remove from the earlier folders what a move that was cut off has brought already, byte for byte."""
        for archive in self._repository.archives():
            if archive.path.parent in self._own() and archive.is_ours:
                for older in self._repository.older:
                    for second in (older / archive.name, older / KEPT / archive.name):
                        if _is_same(second, archive.path):
                            with self._held(archive.name):
                                remove(second)

    def _move(self, archive: Archive, on_done: OnDone) -> None:
        with self._held(archive.name):
            folder = self._own()[archive.kept]
            folder.mkdir(mode=0o700, exist_ok=True)
            part = self._repository.part(self._data.claim_origin(), uuid.uuid4().hex)
            try:
                if _copy(archive.path, part, on_done) != _digest(part):
                    raise RepositoryUnusable(
                        _("The drive did not keep %(name)s as it was written.", name=archive.name),
                        hint=_("It stays where it was. Use another drive: this one may be worn out."),
                    )
                # What opening an archive has shown is remembered by its time.
                os.utime(part, ns=(archive.modified_ns, archive.modified_ns))
                rename_new(part, folder / archive.name)
            finally:
                remove(part)
            remove(archive.path)
            sync_folder(archive.path.parent)

    @contextmanager
    def _held(self, name: str) -> Iterator[None]:
        """Hold both folders for one archive: others may work between two, and nobody restores from one that moves."""
        sentence = _("%(name)s could not be moved", name=name)
        with self._data.lock(), self._repository.lock(), translating(RepositoryUnusable, sentence):
            yield


def _reporter(on_progress: OnProgress, before: int, total: int) -> OnDone:
    return lambda done: on_progress(Progress(Stage.MOVE, before + done, total))


def _told(moved: int, wanted: int) -> str:
    return _n(
        "%(moved)s of %(number)s backup was moved.",
        "%(moved)s of %(number)s backups were moved.",
        wanted,
        moved=moved,
        number=wanted,
    )


def _copy(source: Path, part: Path, on_done: OnDone) -> str:
    """Copy a file so that it outlasts a power cut; return the SHA-256 of what was read."""
    digest, done = hashlib.sha256(), 0
    with source.open("rb") as opened, os.fdopen(create_private(part), "wb") as target:
        while chunk := opened.read(CHUNK):
            target.write(chunk)
            digest.update(chunk)
            done += len(chunk)
            on_done(done)
        target.flush()
        os.fsync(target.fileno())
        if hasattr(os, "posix_fadvise"):
            # So that the drive is read again, and not what is still in memory.
            os.posix_fadvise(target.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return digest.hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _is_same(second: Path, first: Path) -> bool:
    """Return whether there is a file at `second` with the very bytes of `first`."""
    if not second.is_file() or second.samefile(first):
        # The same folder by another name has the archive once, however many ways lead there.
        return False
    return second.stat().st_size == first.stat().st_size and _digest(second) == _digest(first)
