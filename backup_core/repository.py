"""The folder of archives: list, publish, delete, sweep. What is not ours in it is never deleted, counted or swept."""

import bisect
import dataclasses
import itertools
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from .errors import RepositoryUnusable
from .files import (
    PRIVATE,
    is_online_only,
    own_folder,
    remove,
    rename_new,
    replace,
    sync_folder,
    total_size,
    translating,
)
from .listing import KEPT, Archive, State, is_archive_name, look, with_proof
from .locks import locked
from .manifest import MOST, Manifest, archive_name
from .proofs import Proof, ProofBook
from .rulebook import RuleBook
from .text import _

#: By how many an archive's number is ahead where others may have been made that cannot be read now.
_AS_MANY_UNSEEN = 10_000

#: How the folders begin that the EMR's own code makes: backups of later versions, and its work folders.
_EMRS_FOLDERS = ("backup_", "temp_", "restore_temp_")


class Repository:
    """The archives of one backup folder, and of those before it as far as they are there."""

    def __init__(
        self, folder: Path, patience: float, older: Sequence[Path] = (), given: Callable[[], set[str]] = set
    ) -> None:
        """Give no archive a name that is in `given`: what is told of one that has gone must not seem told of it."""
        self.folder = folder
        self._given = given
        #: The backup folders of before, in which nothing new is put.
        self.older = tuple(other for other in older if other != folder)
        self._patience = patience
        self._guard = threading.Lock()
        self._seen: dict[Path, Archive] = {}
        self.rules = RuleBook(folder / PRIVATE / "rules.json", lambda: filter(is_archive_name, self._names_of_files()))
        self._proofs = ProofBook(folder / PRIVATE / "proofs.json")

    def archives(self) -> list[Archive]:
        """Return all archives, newest first; a file that changed is read anew. Raise RepositoryUnusable."""
        with (
            translating(RepositoryUnusable, _("The backup folder %(folder)s cannot be read", folder=self.folder)),
            self._guard,
        ):
            if not self.folder.parent.is_dir():
                raise RepositoryUnusable(
                    _("The backup folder %(folder)s is not there.", folder=self.folder),
                    hint=_("Connect its drive, or choose another backup folder in the preferences."),
                )
            found = {path: self._look(path) for path in self._paths()}
            self._seen = {path: archive for path, archive in found.items() if archive is not None}
            archives = _proven(_in_sequence(self._first_of_each_name()), self._read_proofs())
            return sorted(archives, key=lambda archive: archive.order, reverse=True)

    def last_good(self, origin: str | None) -> Archive | None:
        """Return the newest good archive of a data folder, the EMR's own included and safety backups not, or None."""
        good = (one for one in self.archives() if one.is_good and not one.safety)
        return next((one for one in good if one.is_of(origin)), None)

    def there(self, archive: Archive) -> Archive:
        """Return an archive where it lies now: tidying up or a pin may have moved it since it was looked at."""
        # Not Path.exists: it raises where a drive fails, and whoever opens the file tells that better.
        return archive if os.path.exists(archive.path) else self._same(archive) or archive  # noqa: PTH110

    def holds(self, archive: Archive) -> bool:
        """Return whether an archive lies in one of the backup folders, or has lain there and was moved within it."""
        places = {place for folder in (self.folder, *self.older) for place in (folder, folder / KEPT)}
        return archive.path.parent in places and self._same(archive) is not None

    def _same(self, archive: Archive) -> Archive | None:
        mark = (archive.name, archive.size, archive.modified_ns)
        return next((one for one in self.archives() if (one.name, one.size, one.modified_ns) == mark), None)

    def moved(self, path: Path) -> Archive | None:
        """Return the archive that has lain at `path` in one of the backup folders, and lies elsewhere in it now."""
        if path.parent not in (self.folder, *self.older):
            return None
        return next((one for one in self.archives() if one.name == path.name), None)

    def best(self, origin: str | None) -> Archive | None:
        """Return the newest archive of a data folder that was opened and checked, else the newest good one, or None."""
        good = [one for one in self.archives() if one.is_good and not one.safety and one.is_of(origin)]
        return next((one for one in good if one.state is State.PROVEN), good[0] if good else None)

    def note_proof(self, archive: Archive, proof: Proof) -> None:
        """Remember what opening an archive has shown, until the archive changes; the lock is held by the caller."""
        with translating(RepositoryUnusable, _("The backup folder %(folder)s cannot be written", folder=self.folder)):
            among = {other.name: other for other in self.archives()}
            self._proofs.write(archive.name, archive.size, archive.modified_ns, proof, among=among)

    @contextmanager
    def lock(self, *, at_least: float = 0.0) -> Iterator[None]:
        """Hold the repository; raise RepositoryLocked or RepositoryUnusable where that cannot be.

        `at_least` in seconds lengthens the wait of somebody who otherwise only looks.
        """
        self.prepare()
        with locked(self.folder, max(self._patience, at_least), RepositoryUnusable):
            yield

    def prepare(self) -> None:
        """Make the backup folder if the one above it is there: a drive that is not connected is not made up for."""
        with translating(
            RepositoryUnusable,
            _("The backup folder %(folder)s is not there or cannot be written", folder=self.folder),
            hint=_("Connect its drive, or choose another backup folder in the preferences."),
        ):
            if not self.folder.is_dir():
                self.folder.mkdir(mode=0o700, exist_ok=True)
                sync_folder(self.folder.parent)
            own_folder(self.folder)

    def part(self, origin: str, run_id: str) -> Path:
        """Return where a data folder may write an archive before it is published."""
        return self.folder / PRIVATE / f"{origin}-{run_id}.part"

    def publish(self, part: Path, local: datetime, *, safety: bool) -> Path:
        """Give a verified archive its final name, one that no other has, and return its path."""
        with self.lock(), translating(RepositoryUnusable, _("The backup could not be put into its folder")):
            while True:
                target = self.folder / archive_name(local, safety=safety, taken=self.names())
                # Between the two, DocAssist's own code, which knows no lock, may have taken the name.
                with suppress(FileExistsError):
                    rename_new(part, target)
                    return target

    def publish_again(self, archive: Archive, part: Path, local: datetime) -> Path:
        """Give the same bytes a second name, that of a safety backup made now, and return its path.

        Deleting one leaves the other. Raise RepositoryUnusable where the disk cannot do that.
        """
        with translating(RepositoryUnusable, _("The backup could not be put into its folder")):
            part.hardlink_to(archive.path)
        return self.publish(part, local, safety=True)

    def delete(self, archive: Archive) -> None:
        """Delete an archive for good; the lock is held by the caller."""
        with translating(RepositoryUnusable, _("%(archive)s could not be deleted", archive=archive.name)):
            remove(archive.path)
            sync_folder(archive.path.parent)

    def put_aside(self, archive: Archive) -> None:
        """Move an archive among those that are kept longer, if it is not there; the lock is held by the caller."""
        target = archive.path.parent / KEPT / archive.name
        if not archive.kept and not target.exists():
            with translating(RepositoryUnusable, _("%(archive)s could not be moved", archive=archive.name)):
                if not target.parent.is_dir():
                    target.parent.mkdir(mode=0o700, exist_ok=True)
                    # Else a power cut could take the new folder with what has moved into it.
                    sync_folder(archive.path.parent)
                replace(archive.path, target)
                sync_folder(archive.path.parent)

    def left_alone(self) -> list[tuple[str, int]]:
        """Return name and size in bytes of the folders that the EMR's own code has made here, which nothing counts."""
        with translating(RepositoryUnusable, _("The backup folder %(folder)s cannot be read", folder=self.folder)):
            if not self.folder.is_dir():
                return []
            made = [path for path in self.folder.iterdir() if path.name.startswith(_EMRS_FOLDERS) and path.is_dir()]
            return sorted((path.name, total_size(path)) for path in made)

    def sweep(self, origin: str) -> None:
        """Remove what cut-off runs of a data folder have left; with its lock held, so that none is running."""
        with translating(RepositoryUnusable, _("The backup folder %(folder)s cannot be tidied up", folder=self.folder)):
            for part in (self.folder / PRIVATE).glob(f"{origin}-*.part"):
                remove(part)

    def names(self) -> set[str]:
        """Return the names that a new archive may not have."""
        return self._names_of_files() | self._given()

    def _names_of_files(self) -> set[str]:
        folders = [place for folder in (self.folder, *self.older) for place in (folder, folder / KEPT)]
        return {path.name for folder in folders for path in folder.glob("*")}

    def _paths(self) -> list[Path]:
        found = _archives_in(self.folder)
        for folder in self.older:
            # A drive that is not connected, or no longer for us to read, stops nothing.
            with suppress(OSError):
                found += _archives_in(folder)
        return found

    def _first_of_each_name(self) -> list[Archive]:
        """Return what was seen; of two with one name, as while archives are moved here, the one in our own folder.

        But nothing that cannot be used hides a good one: a copy that somebody began by hand may have been cut short.
        """
        named: dict[str, Archive] = {}
        for archive in self._seen.values():
            other = named.setdefault(archive.name, archive)
            if archive.is_good and not other.can_be_tried:
                named[archive.name] = archive
        return list(named.values())

    def _read_proofs(self) -> dict[str, tuple[int, int, Proof]]:
        found: dict[str, tuple[int, int, Proof]] = {}
        for folder in reversed(self.older):
            with suppress(OSError):
                found |= ProofBook(folder / PRIVATE / "proofs.json").read()
        return found | self._proofs.read()

    def _look(self, path: Path) -> Archive | None:
        """Return what is known of one file, read anew only if it has changed; None where it has gone or is a folder."""
        try:
            status = path.stat()
        except FileNotFoundError:
            return None
        known = self._seen.get(path)
        if is_online_only(status):
            manifest = known.manifest if known else None
            return Archive(path, status.st_size, status.st_mtime_ns, State.ONLINE, manifest)
        if known and (known.size, known.modified_ns) == (status.st_size, status.st_mtime_ns) and known.is_good:
            return known
        return None if path.is_dir() else look(path)


def next_sequence(newest_first: Sequence[Archive]) -> int:
    """Return a number higher than that of every archive of a repository, as long as there is one."""
    highest = max((archive.sequence for archive in newest_first), default=0)
    # Of one that is in the cloud only nobody knows the number, but by its name that it is the newest here.
    unread = newest_first[:1] and newest_first[0].state is State.ONLINE and newest_first[0].manifest is None
    return min(highest + (_AS_MANY_UNSEEN if unread else 1), MOST)


def newest_manifest(archives: Iterable[Archive], origin: str) -> Manifest | None:
    """Return what the newest archive of a data folder says of itself, also where nothing else of it can be used."""
    told = [one.manifest for one in archives if one.manifest is not None and one.is_made_of(origin)]
    return max(told, key=lambda manifest: manifest.sequence, default=None)


def _archives_in(folder: Path) -> list[Path]:
    # Not glob: it takes a folder that may not be read for an empty one.
    places = [place for place in (folder, folder / KEPT) if place.is_dir()]
    return [path for place in places for path in place.iterdir() if is_archive_name(path.name)]


def _proven(archives: Iterable[Archive], proofs: Mapping[str, tuple[int, int, Proof]]) -> Iterator[Archive]:
    """Yield the archives, each with its proof if it has not changed since."""
    for archive in archives:
        size, modified_ns, proof = proofs.get(archive.name, (0, 0, None))
        unchanged = (size, modified_ns) == (archive.size, archive.modified_ns)
        yield with_proof(archive, proof) if unchanged and proof is not None and archive.is_good else archive


def _in_sequence(archives: Iterable[Archive]) -> list[Archive]:
    """Return the archives, those that have no number of their own put behind ours that were made before them."""
    ours = sorted((archive.created_at, archive.sequence) for archive in archives if archive.is_ours)
    highest = list(itertools.accumulate((sequence for _, sequence in ours), max))

    def number(archive: Archive) -> int:
        before = bisect.bisect_right(ours, archive.created_at, key=lambda item: item[0])
        return highest[before - 1] if before else 0

    return [
        archive if archive.is_ours else dataclasses.replace(archive, sequence=number(archive)) for archive in archives
    ]
