"""Hand one hostile ZIP to all that reads archives: nothing is written beside the sandbox, and nothing read for ever."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from backup_core import archive
from backup_core.errors import ArchiveUnusable, BackupError
from backup_core.listing import look
from tests.audit import listening

from .world import MEMORY

#: How often a file may be read from end to end by all that is asked of it, and what may be read besides (bytes).
READ_THROUGH = 20
READ_BESIDES = 100_000
#: What Linux counts of the bytes that a process reads and writes.
_COUNTED = Path("/proc/self/io")
#: Members that cannot be side by side: found only when they are unpacked, for it depends on the disk.
_CLASHES = (FileExistsError, NotADirectoryError, IsADirectoryError)


class Tally:
    """How many ZIPs were tried, and how many of them were refused."""

    tried = refused = 0


def unpacked(data: bytes) -> dict[str, bytes] | None:
    """Return what comes out of a ZIP, or None where it is refused with a sentence and a hint."""
    folder = Path(tempfile.mkdtemp(dir=MEMORY))
    path, out = folder / "deep" / "a.zip", folder / "deep" / "out"
    path.parent.mkdir()
    path.write_bytes(data)
    Tally.tried += 1
    try:
        with _reading_no_more_than(READ_THROUGH * len(data) + READ_BESIDES), _watching_writes(out):
            look(path)
            archive.intact_sources(path)
            if not _is_accepted(path, out):
                Tally.refused += 1
                return None
        return {file.relative_to(out).as_posix(): file.read_bytes() for file in out.rglob("*") if file.is_file()}
    finally:
        assert {file for file in folder.rglob("*") if not file.is_relative_to(out)} == {path.parent, path}
        assert not any(file.is_symlink() for file in out.rglob("*"))
        shutil.rmtree(folder)


def _is_accepted(path: Path, out: Path) -> bool:
    """Return whether a ZIP was unpacked; what is good to read is refused only where this disk cannot hold it so."""
    try:
        archive.verify(path)
    except ArchiveUnusable as refusal:
        assert str(refusal)
        assert refusal.hint
        return False
    try:
        archive.extract(path, out)
    except BackupError as refusal:
        is_too_long = isinstance(refusal, ArchiveUnusable) and "too long for this disk" in str(refusal)
        assert is_too_long or isinstance(refusal.__cause__, _CLASHES), refusal
        return False
    return True


@contextmanager
def _reading_no_more_than(most: int) -> Iterator[None]:
    """See that the work in the block ends because it is done: it reads so many bytes at most, where that is counted."""
    before = _bytes_read()
    yield
    assert _bytes_read() - before <= most


def _bytes_read() -> int:
    return int(_COUNTED.read_text().split()[1]) if _COUNTED.exists() else 0


def _watching_writes(sandbox: Path) -> AbstractContextManager[None]:
    """Fail at any opening for writing, making of a folder, renaming or linking outside of the sandbox."""

    def see(event: str, values: tuple[Any, ...]) -> None:
        writes = event == "open" and isinstance(values[2], int) and values[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if writes or event in ("os.mkdir", "os.rename", "os.link", "os.symlink"):
            assert Path(os.fsdecode(values[0])).is_relative_to(sandbox), (event, values)

    return listening(see)
