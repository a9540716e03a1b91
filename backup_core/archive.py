"""One ZIP: pack a staging folder into it, read its manifest, verify it, extract it.

Written as a stream with standard deflate, so that any unzip tool opens it; read with suspicion, for an archive may come
from elsewhere or have been damaged.
"""

import errno
import hashlib
import os
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO

from . import openme
from .errors import ArchiveUnusable, BackupError, RepositoryUnusable
from .files import WriteBehind, create_private, private_folder, sync_folder, translating
from .manifest import Manifest, Member
from .packer import Packer
from .pipeline import ahead, beside
from .progress import OnProgress, Progress, Stage, ignore
from .stages import UNWATCHED, Stages, Step
from .text import _
from .unpack import Reader

#: How Windows calls a path that is too long for it.
_TOO_LONG = 206


@dataclass(frozen=True)
class Unpacking:
    """Where members go: those that `wants` holds for, each told to `on_file` when it is there and as it should be."""

    folder: Path
    wants: Callable[[str], bool]
    on_file: Callable[[str, Path], None]
    #: Whether they are to stay, so that the disk may begin with them at once.
    to_stay: bool = False


def pack(
    folder: Path,
    part: Path,
    describe: Callable[[tuple[Member, ...]], Manifest],
    on_progress: OnProgress = ignore,
    stages: Stages = UNWATCHED,
    *,
    when_packed: Callable[[], object] = lambda: None,
) -> Manifest:
    """Write all files below `folder` and the manifest that `describe` makes of them to the new file `part`, durably.

    What was written is read back and compared with what was packed, piece by piece, and at the end the whole file with
    its seal. `when_packed` is called when `folder` is needed no longer, while the disk makes the archive last. Raise
    ArchiveUnusable where the archive is not as it was written, RepositoryFull without room, RepositoryUnusable where
    the backup folder cannot be written.
    """

    def make_last(file: BinaryIO) -> None:
        with stages.measure(Step.WRITE):
            os.fsync(file.fileno())

    with translating(
        RepositoryUnusable, _("The backup could not be written"), hint=_("Is the backup folder still there?")
    ):
        with os.fdopen(create_private(part), "wb") as file:
            manifest = Packer(folder, part, describe, on_progress, stages).write(file)
            file.flush()
            with beside(partial(make_last, file)) as lasting, beside(when_packed) as released:
                on_progress(Progress(Stage.VERIFY))
                with stages.measure(Step.VERIFY):
                    check_seal(part)
                # The last at which it can still be cancelled.
                on_progress(Progress(Stage.VERIFY))
            lasting.result()
            released.result()
        sync_folder(part.parent)
    return manifest


def read_manifest(path: Path) -> Manifest:
    """Return the manifest of an archive after comparing it with the ZIP's own list of contents.

    Raise ArchiveUnusable where they differ, or where the file is no ZIP or has no manifest.
    """
    with Reader(path) as reader:
        return reader.manifest


def unpacked_size(path: Path, only: Container[str] | None = None) -> int:
    """Return the bytes that the members of an archive, or `only` some, take unpacked, as it declares them."""
    with Reader(path) as reader:
        return sum(reader.size(name) for name in reader.names if only is None or name in only)


def verify(path: Path, on_progress: OnProgress = ignore, *, into: Unpacking | None = None) -> Manifest:
    """Read the whole archive again and compare it with its manifest; raise ArchiveUnusable naming what differs.

    What `into` wants is written too, on the way.
    """
    with Reader(path) as reader:
        _consume(reader, reader.names, on_progress, Stage.VERIFY, into)
        return reader.manifest


def check_seal(path: Path) -> None:
    """Raise ArchiveUnusable unless every byte is as it was when the archive was made and verified; unpack nothing."""
    with Reader(path) as reader:
        reader.check_seal()


def extract(
    path: Path,
    folder: Path,
    on_progress: OnProgress = ignore,
    *,
    only: Callable[[str], bool] = lambda name: True,
    on_file: Callable[[str, Path], None] = lambda name, path: None,
    to_stay: bool = False,
) -> Manifest:
    """Write the members for which `only` holds below the new folder `folder`, in one that is there, verifying each.

    `on_file` gets the name and the path of each as soon as it is there. With `to_stay` the disk begins with them at
    once, but only `sync_tree` makes them last. Raise ArchiveUnusable where a member differs from the manifest,
    RepositoryFull without room.
    """
    with Reader(path) as reader:
        into = Unpacking(folder, only, on_file, to_stay)
        _consume(reader, [name for name in reader.names if only(name)], on_progress, Stage.EXTRACT, into)
        return reader.manifest


def intact_sources(path: Path) -> tuple[str, ...]:
    """Return the sources, by name, all of whose bytes can still be read as they were written; empty if none can."""
    damaged: set[str] = set()
    sources: dict[str, None] = {}
    try:
        with Reader(path) as reader:
            for name in reader.names:
                source = name.partition("/")[0]
                if source == openme.NAME:
                    continue
                sources[source] = None
                try:
                    _consume(reader, [name], ignore, Stage.VERIFY, None)
                except ArchiveUnusable:
                    damaged.add(source)
    except ArchiveUnusable:
        return ()
    return tuple(source for source in sources if source not in damaged)


def _consume(reader: Reader, names: list[str], on_progress: OnProgress, stage: Stage, into: Unpacking | None) -> None:
    total = sum(reader.size(name) for name in names)
    done = 0
    if into is not None:
        with _unpacking():
            private_folder(into.folder, inside=into.folder.parent)
    # Read and unpacked on one thread, hashed and written on the other.
    with ahead(reader.chunks(names)) as chunks:
        for name, pieces in groupby(chunks, key=itemgetter(0)):
            digest = hashlib.sha256()
            path = into.folder / name if into is not None and into.wants(name) else None
            with _Target(path, into, is_folder=name.endswith("/")) as target:
                for _name, chunk in pieces:
                    digest.update(chunk)
                    target.write(chunk)
                    done += len(chunk)
                    on_progress(Progress(stage, done, total))
            expected = reader.sha256(name)
            if expected is not None and digest.hexdigest() != expected:
                raise ArchiveUnusable(
                    _("This backup is damaged: %(name)s is not as it was written.", name=name),
                    hint=_("Choose another backup."),
                    member=name,
                )
            if into is not None and path is not None:
                into.on_file(name, path)


class _Target:
    """Where the bytes of a member go: to a new private file, or nowhere when they are only verified."""

    def __init__(self, path: Path | None, into: Unpacking | None, *, is_folder: bool) -> None:
        self._path = path
        self._root = into.folder if into is not None else None
        self._is_folder = is_folder
        self._descriptor: int | None = None
        self._written = 0
        self._disk = WriteBehind() if into is not None and into.to_stay else None

    def __enter__(self) -> "_Target":
        if self._path is not None:
            with _unpacking():
                private_folder(self._path if self._is_folder else self._path.parent, inside=self._root)
                if not self._is_folder:
                    if self._path.exists():
                        # A disk may take two names for one file that differ in large and small letters only.
                        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(self._path))
                    self._descriptor = create_private(self._path)
        return self

    def write(self, chunk: bytes) -> None:
        """Write all of `chunk`."""
        if self._descriptor is not None:
            with _unpacking():
                view = memoryview(chunk)
                while view:
                    view = view[os.write(self._descriptor, view) :]
                self._written += len(chunk)
                if self._disk is not None:
                    self._disk.reached(self._descriptor, self._written)

    def __exit__(self, *raised: object) -> None:
        if self._descriptor is not None:
            with _unpacking():
                os.close(self._descriptor)


@contextmanager
def _unpacking() -> Iterator[None]:
    try:
        with translating(BackupError, _("The backup could not be unpacked")):
            yield
    except BackupError as error:
        cause = error.__cause__
        if isinstance(cause, OSError) and (cause.errno == errno.ENAMETOOLONG or _winerror(cause) == _TOO_LONG):
            raise ArchiveUnusable(
                _("A name in this backup is too long for this disk."),
                hint=_("Restore it on another disk, or unpack it by hand as OPEN-ME.txt in it says."),
            ) from cause
        raise


def _winerror(error: OSError) -> int | None:
    return getattr(error, "winerror", None)
