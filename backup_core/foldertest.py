"""Try a folder as a place for archives: write there, read it again, rename it, delete it."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from .files import free_space, remove
from .text import _

#: Bytes of the file that is written: more than a folder that only seems to be there keeps in a name.
_SIZE = 256 * 1024


@dataclass(frozen=True)
class FolderTest:
    """What came of it: `problem` is a sentence, or "" where all went well; `free` is bytes."""

    problem: str
    free: int = 0


def try_folder(folder: Path) -> FolderTest:
    """Return what a folder, or the one in which it would be made, is good for; nothing stays behind in it."""
    place = folder if folder.exists() else folder.parent
    if not place.is_dir():
        return FolderTest(
            _("The folder %(folder)s is not there. If it is on another drive, connect the drive first.", folder=place)
        )
    name, data = f".docassist-backup-test-{secrets.token_hex(8)}", secrets.token_bytes(_SIZE)
    first, second = place / f"{name}.part", place / name
    try:
        problem = _try(first, second, data)
    finally:
        left = _left([first, second])
    if not problem and left:
        problem = _("A file could be written there but not deleted: old backups could not be tidied up.")
    return FolderTest(problem, 0 if problem else free_space(place))


def _try(first: Path, second: Path, data: bytes) -> str:
    """Return a sentence on the first step that fails, or ""."""
    why = _("Nothing can be written there (%(reason)s).")
    try:
        _write(first, data)
        why = _("What was written there cannot be read again (%(reason)s).")
        if first.read_bytes() != data:
            return _("What was written there came back changed: the drive may be worn out.")
        why = _("A file could be written there but not renamed (%(reason)s).")
        first.replace(second)
    except OSError as error:
        return why % {"reason": error.strerror or error}
    return ""


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
        if hasattr(os, "posix_fadvise"):
            # So that the drive is asked, and not what is still in memory.
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _left(paths: list[Path]) -> bool:
    """Remove the files of the test; return whether one of them stays."""
    for path in paths:
        try:
            remove(path)
        except OSError:
            return True
    return any(path.exists() for path in paths)
