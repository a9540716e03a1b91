"""The rename step of a restore: journalled, so that after a crash anywhere it can be finished or taken back.

Everything new lies ready in a box on the volume of the data, with a journal that names each source and what it should
become; from then on the swap is a list of renames, and each can be told done from not done by looking at the disk.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path

from . import files
from .errors import RestoreFailed
from .exchange import exchange, inode
from .files import PRIVATE, private_folder, remove, sync_folder, walk, write_atomically
from .sources import side_files
from .text import _


class Phase(StrEnum):
    """Which way the swap goes."""

    ARMED = "armed"
    FORWARD = "forward"
    BACK = "back"


@dataclass(frozen=True)
class Change:
    """What becomes of one source: the inode of what is put in its place and of what was there, None for nothing."""

    name: str
    new: int | None
    old: int | None


@dataclass(frozen=True)
class Journal:
    """The swap that is going on, and what must be noted when it has ended."""

    id: str
    phase: Phase
    archive: str
    safety: str | None
    #: Whether the restore undoes another one.
    undoes: bool
    #: The origin that the data folder has afterwards; None to leave it.
    origin: str | None
    changes: tuple[Change, ...]


class Swap:
    """The box and the journal of one swap in a data folder."""

    def __init__(self, data_dir: Path, journal: Journal) -> None:
        self.journal = journal
        self._data_dir = data_dir
        self._box = data_dir / PRIVATE / "swap" / journal.id
        self.new = self._box / "new"
        self.old = self._box / "old"

    @classmethod
    def pending(cls, data_dir: Path) -> "Swap | None":
        """Return the swap that was begun and not ended, or None; raise RestoreFailed if it cannot be read."""
        try:
            document = json.loads(_journal_path(data_dir).read_bytes())
            changes = tuple(Change(**change) for change in document.pop("changes"))
            phase = Phase(document.pop("phase"))
            return cls(data_dir, Journal(phase=phase, changes=changes, **document))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError) as error:
            raise RestoreFailed(
                _("A restore was interrupted, and its notes cannot be read."),
                rolled_back=False,
                hint=_("Restore a backup by hand as OPEN-ME.txt in it says, or ask for help."),
            ) from error

    @staticmethod
    def has_traces(data_dir: Path) -> bool:
        """Return whether a restore is going on, or one that was cut off has left something."""
        return _journal_path(data_dir).exists() or (data_dir / PRIVATE / "swap").exists()

    @staticmethod
    def sweep(data_dir: Path) -> None:
        """Remove the boxes of swaps that never began; only where none is pending."""
        remove(data_dir / PRIVATE / "swap")

    def note(self, *, safety: str | None, origin: str | None) -> None:
        """Note what keeps the data as it was, and the origin that the data folder will have."""
        self.journal = replace(self.journal, safety=safety, origin=origin)

    def plan(self, names: Sequence[str]) -> None:
        """Note for each source what lies ready in the box and what it takes the place of."""
        changes = tuple(Change(name, inode(self.new / name), inode(self._data_dir / name)) for name in names)
        self.journal = replace(self.journal, changes=changes)

    def write(self, phase: Phase) -> None:
        """Make the journal last: with Phase.FORWARD, from here on the restore will have happened."""
        self.journal = replace(self.journal, phase=phase)
        if phase is not Phase.BACK:
            # Only what is new: the rest of the box may be files that the EMR, in this very process, has open.
            files.sync_tree(self.new)
            sync_folder(self._box)
            sync_folder(self._box.parent)
        write_atomically(_journal_path(self._data_dir), json.dumps(asdict(self.journal)).encode())

    def run(self) -> None:
        """Do what the journal says, as far as it is not done; raise OSError where a program holds a file."""
        forward = self.journal.phase is Phase.FORWARD
        for change in self.journal.changes if forward else reversed(self.journal.changes):
            if forward:
                self._bring(change.name, change.new, self.new, self.old)
            else:
                self._bring(change.name, change.old, self.old, self.new)

    def was_overtaken(self) -> bool:
        """Return whether somebody has written to the live data since the journal was written."""
        begun = _journal_path(self._data_dir).stat().st_mtime_ns
        tops = [self._data_dir / change.name for change in self.journal.changes]
        paths = [path for top in tops for path in (top, *side_files(top))]
        for folder, folders, names in (found for top in tops if top.is_dir() for found in walk(top)):
            paths += [folder / name for name in [*folders, *names]]
        return any(path.stat().st_mtime_ns > begun for path in paths if path.exists())

    def end(self) -> None:
        """Forget the journal, then clear the box away: what it still holds is in the safety backup."""
        remove(_journal_path(self._data_dir))
        # The swap is over. A journal that a power cut brings back because of this is followed once more, to no effect.
        with contextlib.suppress(OSError):
            sync_folder(_journal_path(self._data_dir).parent)
        self.clear()

    def clear(self) -> None:
        """Remove the box; what the disk refuses is left to the next sweep, for the swap itself is over."""
        with contextlib.suppress(OSError):
            remove(self._box)

    def _bring(self, name: str, wanted: int | None, source: Path, aside: Path) -> None:
        """Make the live `name` what lies in `source`, or nothing; what is there goes to `aside`."""
        live = self._data_dir / name
        if wanted is None:
            if inode(live) is not None:
                _rename(live, _free(aside / name))
        elif inode(live) != wanted and (ready := self._find(name, wanted, source)) is not None:
            for side in side_files(live):
                if side.exists():
                    _rename(side, _free(aside / side.relative_to(self._data_dir)))
            self._put_in(ready, live, aside / name)
        for side in side_files(source / name):
            # Only a safety backup of damaged data brings its own.
            if side.exists():
                _rename(side, self._data_dir / side.relative_to(source))

    def _find(self, name: str, wanted: int, source: Path) -> Path | None:
        """Return where the wanted file or folder lies: an exchange may have left it in the other half of the box."""
        places = [self.new / name, self.old / name]
        found = next((place for place in places if inode(place) == wanted), None)
        # Where the file system has no links, the old file was copied and has another number.
        copied = source / name if source == self.old and (source / name).is_file() else None
        return found or copied

    def _put_in(self, ready: Path, live: Path, aside: Path) -> None:
        private_folder(live.parent)
        if ready.is_dir() and live.is_dir() and exchange(ready, live):
            sync_folder(live.parent)
            sync_folder(ready.parent)
            if not aside.exists():
                _rename(ready, aside)
            return
        if live.is_file() and ready.is_file():
            # The live file is never absent: it keeps a second name in the box, then the new one takes its place.
            _link(live, _free(aside))
        elif inode(live) is not None:
            _rename(live, _free(aside))
        _rename(ready, live)


def _journal_path(data_dir: Path) -> Path:
    return data_dir / PRIVATE / "journal.json"


def _rename(source: Path, target: Path) -> None:
    private_folder(target.parent)
    files.replace(source, target)
    sync_folder(source.parent)


def _link(path: Path, second: Path) -> None:
    private_folder(second.parent)
    try:
        os.link(path, second)
    except OSError:
        shutil.copy2(path, second)
        files.sync_file(second)
    sync_folder(second.parent)


def _free(path: Path) -> Path:
    """Return `path`, or the first like it that nothing has: nothing that appeared meanwhile is overwritten."""
    number, free = 1, path
    while os.path.lexists(free):
        number += 1
        free = path.with_name(f"{path.name}.{number}")
    return free
