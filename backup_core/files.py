"""What differs from one operating system to another, and the one place that turns their errors into ours.

Nothing here may open a live database file: see `snapshot`.
"""

import contextlib
import errno
import os
import shutil
import sqlite3
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from .errors import ArchiveUnusable, BackupError, RepositoryFull
from .text import _

#: The name of our hidden folder, in the data folder and in the backup folder alike.
PRIVATE = ".docassist-backup"
#: Bytes that are read or written at a time.
CHUNK = 1 << 20
#: Bytes after which the disk begins with what it would have to do all at once at the end. So few that what the EMR
#: writes meanwhile waits for no more than a moment: after 16 MB it waited for 10 ms.
_BEGIN_AFTER = 2 << 20
#: Files that are flushed at the same time, and that are waiting for it: each of them takes memory.
_FLUSHED_AT_ONCE = 8
_HANDED_OVER = 1000
#: Seconds for which a file held by a virus scanner or a sync client is tried again.
SHARING_PATIENCE = 10.0

#: FILE_ATTRIBUTE_OFFLINE, _RECALL_ON_OPEN and _RECALL_ON_DATA_ACCESS (winnt.h).
_ONLINE_ATTRIBUTES = 0x1000 | 0x40000 | 0x400000
#: SF_DATALESS (macOS, sys/stat.h).
_DATALESS = 0x40000000

_SHARING_VIOLATIONS = {5, 32, 33}
#: What reading a damaged ZIP raises besides BadZipFile: seen in 984 of 8,240 single-bit flips.
_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, NotImplementedError, ValueError, EOFError, RuntimeError)


@contextlib.contextmanager
def translating(kind: Callable[..., BackupError], sentence: str, *, hint: str = "") -> Iterator[None]:
    """Raise what the system or SQLite report in the block as `kind(sentence)`; a full disk as RepositoryFull."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        if _is_full(error):
            raise RepositoryFull(
                _("The disk is full."), hint=_("Free some space or choose another backup folder, then try again.")
            ) from error
        detail = getattr(error, "strerror", None) or str(error)
        raise kind(f"{sentence} ({detail})", hint=hint) from error


@contextlib.contextmanager
def translating_zip(sentence: str) -> Iterator[None]:
    """Raise whatever reading a damaged ZIP raises in the block as ArchiveUnusable(sentence)."""
    try:
        yield
    except _ZIP_ERRORS as error:
        raise ArchiveUnusable(_("%(sentence)s.", sentence=sentence), hint=_("Choose another backup.")) from error


def _is_full(error: OSError | sqlite3.Error) -> bool:
    if isinstance(error, sqlite3.Error):
        # The second: SQLite could not make room for the index of a write-ahead log, and does not say why.
        return getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)
    if isinstance(error, shutil.Error):
        # The copy of a folder gathers what it has met, in words.
        return f"[Errno {errno.ENOSPC}]" in str(error)
    return error.errno in (errno.ENOSPC, errno.EDQUOT) or getattr(error, "winerror", None) == 112


def private_folder(path: Path, *, inside: Path | None = None) -> Path:
    """Make the folder `path` and its parents, readable by this user only, and return it.

    On Windows a new folder inherits the rights of the one above it, which is what the user set up. The folder `inside`,
    in which it lies, is not made: raise FileNotFoundError where it went away, as with its drive.
    """
    if path != inside and not path.is_dir():
        if path.parent != path:
            private_folder(path.parent, inside=inside)
        path.mkdir(mode=0o700, exist_ok=True)
    return path


def own_folder(above: Path) -> Path:
    """Make the folder of ours in a data folder or backup folder, which is not made up where it is not there."""
    return private_folder(above / PRIVATE, inside=above)


def write_own(path: Path, data: bytes) -> None:
    """Write a file of ours, directly in the folder of ours, which is made if needed, or leave it as it was."""
    own_folder(path.parent.parent)
    write_atomically(path, data)


def sync_folder(path: Path) -> None:
    """Make the names in a folder last through a power cut; Windows has no call for that and needs none."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems refuse it: they keep names in their own way.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make the contents of a file last through a power cut."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


class WriteBehind:
    """Has the disk begin with what was written to one file, where the system can be told so: nobody waits for it."""

    def __init__(self) -> None:
        self._begun = 0

    def reached(self, descriptor: int, position: int) -> None:
        """Take note that the file is written up to there."""
        ready = position - self._begun
        if ready >= _BEGIN_AFTER and hasattr(os, "posix_fadvise"):
            # Said of bytes that are not on the disk yet, Linux begins to write them, and forgets none. It is advice,
            # and a file system that does not take it does as well.
            with contextlib.suppress(OSError):
                os.posix_fadvise(descriptor, self._begun, ready, os.POSIX_FADV_DONTNEED)
            self._begun = position


def walk(top: Path, *, follow_links: bool = False) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Walk a folder; one that cannot be listed raises OSError instead of being left out without a word.

    What is taken out of the list of folders is not walked into.
    """

    def complain(error: OSError) -> None:
        raise error

    for folder, folders, names in os.walk(top, onerror=complain, followlinks=follow_links):
        yield Path(folder), folders, names


def sync_tree(top: Path) -> None:
    """Make every file and folder below `top` last through a power cut."""

    found = [(folder, names) for folder, _folders, names in walk(top)]
    paths = (folder / name for folder, names in found for name in names)
    # Some at a time: the disk takes them together, where one after the other took ten times as long.
    with ThreadPoolExecutor(_FLUSHED_AT_ONCE, "sync") as pool:
        while some := list(islice(paths, _HANDED_OVER)):
            for _done in pool.map(sync_file, some):
                pass
    for folder, _names in found:
        sync_folder(folder)


def replace(source: Path, target: Path) -> None:
    """Rename `source` to `target`, over a file that is there, and make it last."""
    patiently(lambda: source.replace(target))
    sync_folder(target.parent)


def rename_new(source: Path, target: Path) -> None:
    """Rename `source` to a name that nothing has, and make it last; raise FileExistsError where something has it."""
    if os.name == "nt":
        patiently(lambda: source.rename(target))
        return
    try:
        # Unlike a look and a rename, this leaves nobody the time to take the name in between.
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:
        # A disk that knows no second names, as a USB stick's.
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        source.rename(target)
    sync_folder(target.parent)
    # Held by a virus scanner it stays as a second name, which whoever made it removes later.
    with contextlib.suppress(OSError):
        source.unlink(missing_ok=True)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file readable by this user only: after a crash it holds the old bytes or the new ones."""
    part = path.with_name(path.name + ".part")
    with open(part, "wb", opener=_private_opener) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    replace(part, path)


def create_private(path: Path) -> int:
    """Return a descriptor of a new, empty file that only this user may read."""
    return _private_opener(os.fspath(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0))


def _private_opener(path: str, flags: int) -> int:
    # On a drive that others use too, a link laid in the way would lead to any file of this user's.
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)


def patiently(step: Callable[[], object]) -> None:
    """Do `step`; while Windows says that another program has the file open, try again for ten seconds."""
    deadline = time.monotonic() + SHARING_PATIENCE
    while True:
        try:
            step()
            return
        except OSError as error:
            if getattr(error, "winerror", None) not in _SHARING_VIOLATIONS or time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def remove(path: Path) -> None:
    """Remove a file, a link or a whole folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        patiently(lambda: shutil.rmtree(path))
    else:
        patiently(lambda: path.unlink(missing_ok=True))


def total_size(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder, links not followed; what cannot be read counts as 0."""
    try:
        if path.is_dir() and not path.is_symlink():
            return sum(total_size(Path(entry.path)) for entry in os.scandir(path))
        return path.lstat().st_size
    except (PermissionError, FileNotFoundError):
        return 0


def is_online_only(status: os.stat_result) -> bool:
    """Return whether only a name of the file is on this PC: to read it is to fetch it from a sync service.

    Windows tells that by the attributes of the file, macOS by its flags.
    """
    attributes, flags = getattr(status, "st_file_attributes", 0), getattr(status, "st_flags", 0)
    return bool(attributes & _ONLINE_ATTRIBUTES or flags & _DATALESS)


def free_space(folder: Path) -> int:
    """Return the bytes free for this user in the volume of `folder`, or of its nearest parent that exists."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def need_space(folder: Path, needed: int, purpose: str) -> None:
    """Raise RepositoryFull unless the volume of `folder` has `needed` bytes and a little more."""
    free = free_space(folder)
    if free < needed + 16 * CHUNK:
        raise RepositoryFull(
            _(
                "There is not enough room for %(purpose)s: %(needed)s needed, %(free)s free.",
                purpose=purpose,
                needed=megabytes(needed),
                free=megabytes(free),
            ),
            hint=_("Free some space on the disk of %(folder)s, then try again.", folder=folder),
            needed=needed,
            free=free,
        )


def megabytes(size: int) -> str:
    """Return a number of bytes in words."""
    return f"{size / 1e6:,.0f} MB"
