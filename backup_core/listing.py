"""One archive as a look at it shows it: its state, its manifest, its place among the others."""

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from .archive import read_manifest
from .errors import ArchiveUnusable, RepositoryUnusable
from .files import is_online_only
from .manifest import Manifest, is_safety, time_of
from .proofs import Proof

#: Where archives go that are kept for another reason than being new: the EMR's own clean-up deletes beside them.
KEPT = "kept"
#: How the EMR's later code names a backup that only it can open.
_ENCRYPTED = ".encrypted.zip"
#: Seconds since its last change for which an unreadable ZIP is taken for one that is still being written.
_WRITING = 60


class State(StrEnum):
    """What is known of an archive from looking at its list of contents."""

    PROVEN = "proven"
    VERIFIED = "verified"
    LEGACY = "made-by-docassist"
    WRITING = "being-written"
    DAMAGED = "damaged"
    ENCRYPTED = "encrypted"
    #: By a later version of this product, in a way that this one does not know.
    NEWER = "made-by-newer-version"
    #: In a sync folder, and not on this PC: it is read only where somebody asks for this very one.
    ONLINE = "online-only"


@dataclass(frozen=True)
class Archive:
    """One archive in the repository; `manifest` is None where it cannot be read, and `problem` says why."""

    path: Path
    size: int
    modified_ns: int
    state: State
    manifest: Manifest | None = None
    problem: str = ""
    #: Its place among the others, oldest lowest: a legacy archive takes that of ours made before it.
    sequence: int = 0
    #: What opening it has shown, if it was opened since it last changed.
    proof: Proof | None = None
    #: Disk and number of its file, equal for two names of one file; None where nobody has looked.
    file: tuple[int, int] | None = None

    @cached_property
    def name(self) -> str:
        """The file name."""
        return self.path.name

    @property
    def safety(self) -> bool:
        """Whether it was made before a restore."""
        return is_safety(self.name)

    @property
    def kept(self) -> bool:
        """Whether it was put aside to be kept longer than the newest ones."""
        return self.path.parent.name == KEPT

    @property
    def is_ours(self) -> bool:
        """Whether this product made it and can read it."""
        return self.is_good and self.manifest is not None and self.manifest.members is not None

    @property
    def is_good(self) -> bool:
        """Whether it can be restored, as far as a look at it tells."""
        return self.state in (State.PROVEN, State.VERIFIED, State.LEGACY)

    @property
    def can_be_tried(self) -> bool:
        """Whether it may be restored when somebody asks for it: reading it then fetches what is not on this PC."""
        return self.is_good or self.state is State.ONLINE

    def is_made_of(self, origin: str | None) -> bool:
        """Whether it says that it was made of that data folder."""
        return self.manifest is not None and self.manifest.origin == origin

    def is_of(self, origin: str | None) -> bool:
        """Whether it was made of that data folder, or does not say of which, as the EMR's older ones."""
        return self.manifest is None or self.manifest.origin in (origin, None)

    @property
    def created_at(self) -> datetime:
        """Naive local time: by its manifest, else its name, else the file system."""
        if self.manifest is not None:
            return self._kept_again_at or self.manifest.created_at
        modified = datetime.fromtimestamp(self.modified_ns / 1e9, UTC).astimezone().replace(tzinfo=None)
        return time_of(self.name) or modified

    @cached_property
    def order(self) -> tuple[int, datetime, str]:
        """What decides which of two archives is newer: never a clock alone, for clocks lie."""
        utc = self.manifest.created_at_utc if self.manifest and not self._kept_again_at else None
        return self.sequence, utc or _as_utc(self.created_at), self.name

    @cached_property
    def _kept_again_at(self) -> datetime | None:
        """When a safety backup was made that has the very bytes of an older archive; None for any other archive."""
        named = time_of(self.name) if self.safety else None
        told = self.manifest.created_at if self.manifest else None
        return None if told is None or named == told.replace(microsecond=0) else named

    @cached_property
    def contents(self) -> str:
        """Equal for archives of equal contents; "" where the contents are not listed."""
        if self.manifest is None or self.manifest.members is None:
            return ""
        listed = "\n".join(f"{member.name} {member.sha256}" for member in self.manifest.members)
        return hashlib.sha256(listed.encode()).hexdigest()


def _as_utc(local: datetime) -> datetime:
    try:
        return local.astimezone(UTC)
    except (OverflowError, ValueError, OSError):
        # In the first or the last year of all, where a manifest or a name may say that it is.
        return local.replace(tzinfo=UTC)


def look(path: Path) -> Archive:
    """Return what the list of contents of any ZIP tells, wherever it lies; raise FileNotFoundError."""
    status = path.stat()
    size, modified = status.st_size, status.st_mtime_ns
    if is_online_only(status):
        return Archive(path, size, modified, State.ONLINE)
    if path.name.endswith(_ENCRYPTED):
        return Archive(path, size, modified, State.ENCRYPTED)
    file = (status.st_dev, status.st_ino)
    try:
        manifest = read_manifest(path)
    except (ArchiveUnusable, RepositoryUnusable) as error:
        if "newer_format" in error.facts:
            return Archive(path, size, modified, State.NEWER, problem=f"{error} {error.hint}", file=file)
        being_written = 0 <= time.time() - status.st_mtime < _WRITING
        state = State.WRITING if being_written else State.DAMAGED
        return Archive(path, size, modified, state, problem=str(error), file=file)
    state = State.LEGACY if manifest.members is None else State.VERIFIED
    return Archive(path, size, modified, state, manifest, sequence=manifest.sequence, file=file)


def with_proof(archive: Archive, proof: Proof) -> Archive:
    """Return the archive with what opening it has shown; one that could only be counted is what it was before."""
    opened = State.PROVEN if proof.is_full else archive.state
    state = opened if proof.ok else State.DAMAGED
    return replace(archive, state=state, proof=proof, problem=archive.problem or proof.problem)


def size_on_disk(archives: Iterable[Archive]) -> int:
    """Return the bytes that archives take together: a file that has two names takes them once."""
    return sum({archive.file or archive.path: archive.size for archive in archives}.values())


def is_archive_name(name: str) -> bool:
    """Return whether a file of this name belongs to the list of backups."""
    return time_of(name) is not None or name.endswith(_ENCRYPTED)
