"""The rename step of a restore: journalled, so that after a crash anywhere it can be finished or taken back.

Everything new lies ready in a box on the volume of the data, with a journal that names each source and what it should
become; from then on the swap is a list of renames, and each can be told done from not done by looking at the disk: by
the numbers of files and folders, and where these have changed since by what still lies in the box.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from . import files, journal
from .errors import RestoreFailed
from .exchange import exchange, inode
from .files import PRIVATE, private_folder, remove, sync_folder, walk
from .journal import Change, Journal, Phase, journal_path
from .sources import side_files
from .text import _

#: Nanoseconds by which a disk may round a time: FAT counts in steps of two seconds.
_ROUNDED = 2 * 10**9


class Swap:
    """The box and the journal of one swap in a data folder."""

    def __init__(self, data_dir: Path, written: Journal) -> None:
        self.journal = written
        self._data_dir = data_dir
        self._box = data_dir / PRIVATE / "swap" / written.id
        self.new = self._box / "new"
        self.old = self._box / "old"

    @classmethod
    def pending(cls, data_dir: Path) -> "Swap | None":
        """Return the swap that was begun and not ended, or None; raise RestoreFailed if it cannot be read."""
        found = journal.read(data_dir)
        return None if found is None else cls(data_dir, found)

    @staticmethod
    def has_traces(data_dir: Path) -> bool:
        """Return whether a restore is going on, or one that was cut off has left something."""
        return journal_path(data_dir).exists() or (data_dir / PRIVATE / "swap").exists()

    @staticmethod
    def sweep(data_dir: Path) -> None:
        """Remove the boxes of swaps that never began; only where none is pending."""
        remove(data_dir / PRIVATE / "swap")

    def note(self, *, safety: str | None, origin: str | None) -> None:
        """Note what keeps the data as it was, and the origin that the data folder will have."""
        self.journal = replace(self.journal, safety=safety, origin=origin)

    def plan(self, names: Sequence[str]) -> None:
        """Note for each source what lies ready in the box and what it takes the place of."""
        pairs = [(name, self.new / name, self._data_dir / name) for name in names]
        changes = tuple(
            Change(name, inode(new), inode(old), _time(new), _time(old), _newest_in(new), _newest_in(old))
            for name, new, old in pairs
        )
        self.journal = replace(self.journal, changes=changes, box=inode(self._box))

    def write(self, phase: Phase) -> None:
        """Make the journal last: with Phase.FORWARD, from here on the restore will have happened."""
        self.journal = replace(self.journal, phase=phase)
        if phase is not Phase.BACK:
            # Only what is new: the rest of the box may be files that the EMR, in this very process, has open.
            files.sync_tree(self.new)
            sync_folder(self._box)
            sync_folder(self._box.parent)
        journal.write(self._data_dir, self.journal)

    def check(self) -> None:
        """Raise RestoreFailed where nothing tells what is done, so that nothing is touched and the box stays."""
        for change in self.journal.changes:
            self._ready(change)

    def run(self) -> None:
        """Do what the journal says, as far as it is not done.

        Raise OSError where a program holds a file, RestoreFailed where nothing tells whether something is done.
        """
        for change in self.journal.changes if self._is_forward else reversed(self.journal.changes):
            self._bring(change)

    def was_overtaken(self) -> bool:
        """Return whether somebody has written to the live data since the journal was written."""
        begun = journal_path(self._data_dir).stat().st_mtime_ns
        tops = [self._data_dir / change.name for change in self.journal.changes]
        paths = [path for top in tops for path in (top, *side_files(top))]
        for folder, folders, names in (found for top in tops if top.is_dir() for found in walk(top)):
            paths += [folder / name for name in [*folders, *names]]
        return any(path.stat().st_mtime_ns > begun for path in paths if path.exists())

    def end(self) -> None:
        """Forget the journal, then clear the box away: what it still holds is in the safety backup."""
        remove(journal_path(self._data_dir))
        # The swap is over. A journal that a power cut brings back because of this is followed once more, to no effect.
        with contextlib.suppress(OSError):
            sync_folder(journal_path(self._data_dir).parent)
        self.clear()

    def clear(self) -> None:
        """Remove the box; what the disk refuses is left to the next sweep, for the swap itself is over."""
        with contextlib.suppress(OSError):
            remove(self._box)

    @property
    def _is_forward(self) -> bool:
        return self.journal.phase is Phase.FORWARD

    def _bring(self, change: Change) -> None:
        """Make live what is wanted, or nothing; what is there goes to the other half of the box."""
        source, aside = (self.new, self.old) if self._is_forward else (self.old, self.new)
        live, beside = self._data_dir / change.name, aside / change.name
        if (change.new if self._is_forward else change.old) is None:
            if inode(live) is not None:
                _rename(live, _free(beside))
        elif (ready := self._ready(change)) is not None:
            for side in side_files(live):
                if side.exists():
                    _rename(side, _free(aside / side.relative_to(self._data_dir)))
            self._put_in(ready, live, beside)
        for side in side_files(source / change.name):
            # Only a safety backup of damaged data brings its own.
            if side.exists():
                _rename(side, self._data_dir / side.relative_to(source))

    def _ready(self, change: Change) -> Path | None:
        """Return where the wanted file or folder lies in the box, None where it is live or none is wanted.

        Raise RestoreFailed where neither its number nor the box tells: it may be live or not.
        """
        live, wanted = self._data_dir / change.name, change.new if self._is_forward else change.old
        here, there = self.new / change.name, self.old / change.name
        if not self._is_forward:
            here, there = there, here
        if wanted is None:
            return None
        if self.journal.box in (None, inode(self._box)):
            if inode(live) == wanted:
                return None
            # An exchange may have left it in the other half of the box.
            for place in (here, there):
                if inode(place) == wanted:
                    return place
        # A copy has another number, and many disks number all files anew when they are connected.
        return self._by_name(change, live, here, there)

    def _by_name(self, change: Change, live: Path, here: Path, there: Path) -> Path | None:
        """Do as `_ready` by the box alone: what lies `here` goes when it is put in place, and comes only when whole.

        Not so where folders change places, for that leaves the other one under the same name.
        """
        boxed = here if inode(here) is not None else there
        if live.is_dir() and boxed.is_dir():
            is_wanted = self._is_wanted(change, boxed)
            if is_wanted is not None:
                return boxed if is_wanted else None
            if self._can_exchange():
                raise self._cannot(_("it cannot be told whether %(name)s was replaced", name=change.name), change)
        elif boxed is there and inode(live) is None:
            raise self._cannot(_("%(name)s is gone", name=change.name), change)
        # Two names of one file: the step before the last.
        return here if boxed is here and inode(here) != inode(live) else None

    def _is_wanted(self, change: Change, folder: Path) -> bool | None:
        """Return whether a folder in the box, where nobody writes, is the wanted one; None if its time says nothing."""
        inside, own = (change.new_inside, change.old_inside), (change.new_time, change.old_time)
        for seen, times in ((_newest_in(folder), inside), (_time(folder), own)):
            is_new, is_old = (seen is not None and time is not None and abs(seen - time) <= _ROUNDED for time in times)
            if is_new != is_old:
                return is_new == self._is_forward
        return None

    def _can_exchange(self) -> bool:
        """Return whether two folders in the box can change places, so that those of the swap may have."""
        with tempfile.TemporaryDirectory(dir=self._box) as folder:
            return exchange(private_folder(Path(folder, "one")), private_folder(Path(folder, "other")))

    def _cannot(self, why: str, change: Change) -> RestoreFailed:
        told = self.journal
        return RestoreFailed(
            _("An interrupted restore could not be put right: %(why)s.", why=why),
            hint=_(
                "Restore %(archive)s by hand as OPEN-ME.txt in it says, and move the folder %(box)s elsewhere. Or ask "
                "for help before you go on.",
                archive=told.archive if self._is_forward else told.safety or told.archive,
                box=self._box,
            ),
            source=change.name,
        )

    def _put_in(self, ready: Path, live: Path, aside: Path) -> None:
        private_folder(live.parent, inside=self._data_dir)
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


def _time(path: Path) -> int | None:
    """Return when a file or folder was last written to, or None where there is nothing."""
    return path.lstat().st_mtime_ns if path.exists() else None


def _newest_in(folder: Path) -> int | None:
    """Return when the newest file directly in a folder was last written to, or None where there is none."""
    files_in = [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
    return max((path.lstat().st_mtime_ns for path in files_in), default=None)


def _rename(source: Path, target: Path) -> None:
    private_folder(target.parent)
    files.replace(source, target)
    sync_folder(source.parent)


def _link(path: Path, second: Path) -> None:
    private_folder(second.parent)
    try:
        os.link(path, second)
    except OSError:
        # Under its name in the box only when it is whole: from there it may be put back.
        part = _free(second.with_name(f"{second.name}.part"))
        shutil.copy2(path, part)
        files.sync_file(part)
        files.replace(part, second)
    sync_folder(second.parent)


def _free(path: Path) -> Path:
    """Return `path`, or the first like it that nothing has: nothing that appeared meanwhile is overwritten."""
    number, free = 1, path
    while os.path.lexists(free):
        number += 1
        free = path.with_name(f"{path.name}.{number}")
    return free
