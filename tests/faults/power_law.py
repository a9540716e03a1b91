"""What a power cut can take is what was not flushed: a law over the calls that an operation made.

Everything that is put in place was flushed before, with all names in it, and its folder is flushed before anything else
is put in place or deleted. The calls are those of the shim, in their order.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import PurePath

from backup_core.files import PRIVATE
from backup_core.listing import KEPT

from .state import SOURCES

WRITES = ("write", "pwrite", "pwrite64", "sendfile", "sendfile64", "copy_file_range", "ftruncate", "ftruncate64")
MAKES = ("open", "open64", "mkdir", "mkdirat")
FLUSHES = ("fsync", "fdatasync")
MOVES = ("rename", "renameat")
#: Both paths stay, and change what they name.
EXCHANGES = ("renameat2",)
LINKS = ("link", "linkat")
REMOVES = ("unlink", "unlinkat", "rmdir")
KNOWN = (*WRITES, *MAKES, *FLUSHES, *MOVES, *EXCHANGES, *LINKS, *REMOVES)
JOURNAL = "journal.json"


class Law:
    """Reads calls in their order; `found` says what a power cut could have lost, `seen` what was put in place."""

    def __init__(self, data: PurePath, *, is_pending: bool = False) -> None:
        self.found: list[str] = []
        self.seen: Counter[str] = Counter()
        self._data = PurePath(data)
        #: Files with bytes that are not flushed, and paths that were made in a folder that is not flushed since.
        self._dirty: set[str] = set()
        self._nameless: set[str] = set()
        #: What was put into each folder, or taken out of it, since it was flushed.
        self._unsettled: dict[str, str] = {}
        self._placed: set[str] = set()
        self._has_journal = is_pending

    def read(self, lines: Iterable[str]) -> None:
        """Read calls: name, path, and of a renaming the path from which."""
        for line in lines:
            call, path, *source = line.split("\t")
            if call in WRITES:
                self._write(path)
            elif call in MAKES:
                self._nameless.add(path)
            elif call in FLUSHES:
                self._flush(path)
            elif call in REMOVES:
                self._remove(path)
            elif call in (*MOVES, *EXCHANGES, *LINKS):
                self._place(call, source[0], path)
            else:
                self.found.append(f"{call} is no call that is known here")

    def end(self) -> list[str]:
        """Return all that was found, when the operation has ended."""
        left = [f"{what} was put in place, and {folder} never flushed" for folder, what in self._unsettled.items()]
        left += [f"{file} was written to and never flushed" for file in self._dirty if self._has_to_last(file)]
        return [*self.found, *left]

    def _has_to_last(self, file: str) -> bool:
        """Return whether a file is more than a work file of an operation, which the next one sweeps away."""
        is_placed = any(is_in(file, top) for top in self._placed)
        return is_placed or (PRIVATE not in PurePath(file).parts and PurePath(file).is_relative_to(self._data))

    def _write(self, path: str) -> None:
        if path.endswith("-shm"):
            # SQLite makes the index of a write-ahead log anew: nobody reads one from before a power cut.
            return
        self._dirty.add(path)
        if self._kind(path) not in ("", "source"):
            self.found.append(f"{path} was written to in its place")

    def _flush(self, path: str) -> None:
        self._dirty.discard(path)
        self._nameless = {name for name in self._nameless if str(PurePath(name).parent) != path}
        self._unsettled.pop(path, None)

    def _remove(self, path: str) -> None:
        kind = self._kind(path)
        if kind in ("archive", "kept"):
            self._expect_settled(f"{path} was deleted")
        if kind == "journal":
            # Nobody would finish then what the journal told of.
            self._expect_settled("the journal was deleted")
            # One that a power cut brings back is followed once more, to no effect.
            self._has_journal = False
        if "/swap/" in path and self._has_journal:
            self.found.append(f"{path} was deleted while the journal was there")
        for paths in (self._dirty, self._nameless, self._placed):
            paths.difference_update([name for name in paths if is_in(name, path)])

    def _place(self, call: str, source: str, path: str) -> None:
        kind = self._kind(path)
        self.seen[kind] += 1
        # What goes into the same folder is flushed with what is there, or the journal tells of both.
        self._expect_settled(f"{path} was put in place", but=str(PurePath(path).parent))
        for file in self._dirty:
            if is_in(file, source):
                self.found.append(f"{path} was put in place before {file} was flushed")
        for name in self._nameless:
            if name != source and is_in(name, source):
                self.found.append(f"{path} was put in place before the name of {name} was flushed")
            # What goes to the old half of the box is in the safety backup too.
            if name != path and is_in(path, name) and PurePath(name).name != "old":
                self.found.append(f"{path} was put into a folder whose own name was not flushed")
            if kind == "journal" and "/swap/" in name:
                self.found.append(f"the journal was written before the name of {name} was flushed")
        if call in MOVES:
            self._move({source: path})
        elif call in EXCHANGES:
            self._move({source: path, path: source})
        self._placed.add(path)
        self._unsettled[str(PurePath(path).parent)] = path
        # A name of a work file that comes back is one more that the next run sweeps away.
        if call not in LINKS and not source.endswith(".part"):
            self._unsettled[str(PurePath(source).parent)] = path
        if kind == "journal":
            self._has_journal = True

    def _move(self, moved: dict[str, str]) -> None:
        def now(name: str) -> str:
            return next((new + name[len(old) :] for old, new in moved.items() if is_in(name, old)), name)

        self._nameless.difference_update(moved)
        self._dirty, self._nameless, self._placed = (
            {now(name) for name in paths} for paths in (self._dirty, self._nameless, self._placed)
        )

    def _expect_settled(self, what: str, *, but: str = "") -> None:
        unsettled = [(at, other) for at, other in self._unsettled.items() if at != but]
        self.found += [f"{what} while {other} was not flushed in {at}" for at, other in unsettled]

    def _kind(self, path: str) -> str:
        """Return what a path is that has to be whole at any instant, "" for others."""
        place = PurePath(path)
        if place.suffix == ".zip" and place.parent.name in ("backups", KEPT):
            return "kept" if place.parent.name == KEPT else "archive"
        if place.parent == self._data / PRIVATE and place.name == JOURNAL:
            return "journal"
        if place.parent.name == PRIVATE and place.suffix == ".json":
            return "note"
        return "source" if place.name in SOURCES and place.parent == self._data else ""


def is_in(path: str, top: str) -> bool:
    """Return whether `path` is `top` or lies in it."""
    return path == top or path.startswith(f"{top}/")
