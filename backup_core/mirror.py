"""A growing copy of plain files that knows which of them have changed since: never for a database."""

import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .files import CHUNK, private_folder

#: A file that changed this shortly before it was copied may have changed again within one tick of its time stamp: on a
#: disk that counts in fractions of a second, and on one that counts in whole seconds or in two of them, as FAT does.
_TICK_NS = 20_000_000
_LONG_TICK_NS = 2_000_000_000
_SECOND_NS = 1_000_000_000
#: How often a file that changes while it is copied is copied again.
_MOST_COPIES = 3


@dataclass(frozen=True)
class _Stamp:
    """What of a file changes when its bytes do."""

    size: int
    modified_ns: int
    inode: int

    @property
    def tick_ns(self) -> int:
        """How long the disk may show the same time."""
        return _TICK_NS if self.modified_ns % _SECOND_NS else _LONG_TICK_NS


class Mirror:
    """Copies of plain files below `folder`, which is there, by name with `/`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        #: What was copied: the file's stamp, and when its copying began (ns).
        self._copied: dict[str, tuple[_Stamp, int]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._copied

    def copy(self, name: str, path: Path, *, attempts: int = 1, watch: Callable[[], None] | None = None) -> None:
        """Copy one file with its time; a file that has gone meanwhile is left out.

        One that changes meanwhile is copied again, up to so many `attempts`. `watch` is called between its pieces, and
        may raise.
        """
        target = self.folder / name
        private_folder(target.parent, inside=self.folder)
        try:
            for _attempt in range(attempts):
                started = time.time_ns()
                stamp = _stamp(path)
                _copy(path, target, watch)
                if _stamp(path) == stamp:
                    break
            os.utime(target, ns=(stamp.modified_ns, stamp.modified_ns))
            self._copied[name] = (stamp, started)
        except FileNotFoundError:
            if not self.folder.is_dir():
                raise  # it is the copies that have gone
            self._forget(name)

    def copy_all(self, files: Mapping[str, Path]) -> None:
        """Copy these files, by name."""
        for name, path in files.items():
            self.copy(name, path, attempts=_MOST_COPIES)

    def refresh(self, prefix: str, files: Mapping[str, Path], watch: Callable[[], None] | None = None) -> bool:
        """Make the copies below `prefix` those of `files` as they are now; return whether anything had changed.

        For `watch` see `copy`.
        """
        stale = [name for name, path in files.items() if not self._is_current(name, path)]
        gone = [name for name in self._copied if name.startswith(prefix) and name not in files]
        for name in stale:
            self.copy(name, files[name], watch=watch)
        for name in gone:
            self._forget(name)
        return bool(stale or gone)

    def _is_current(self, name: str, path: Path) -> bool:
        stamp, started = self._copied.get(name, (None, 0))
        try:
            # A time in the future is as good as one in the past: the clock was set back since.
            return stamp is not None and stamp == _stamp(path) and abs(started - stamp.modified_ns) > stamp.tick_ns
        except FileNotFoundError:
            return False

    def _forget(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)
        self._copied.pop(name, None)


def _copy(path: Path, target: Path, watch: Callable[[], None] | None) -> None:
    if watch is None:
        shutil.copyfile(path, target)
        return
    with path.open("rb") as source, target.open("wb") as copy:
        while piece := source.read(CHUNK):
            watch()
            copy.write(piece)


def _stamp(path: Path) -> _Stamp:
    status = path.stat()
    return _Stamp(status.st_size, status.st_mtime_ns, status.st_ino)
