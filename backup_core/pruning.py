"""Carry out the policy: delete what it leaves out, and put aside what is kept longer than the newest."""

import logging
import shutil
import time
from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from .due import FIRST_DAY
from .errors import RepositoryUnusable
from .listing import Archive, State
from .repository import Repository
from .retention import Candidate, Policy, plan, safeties_to_prune, safeties_to_thin, thinning_order

#: How many of the damaged archives stay, the newest: much of what is in them may still be whole.
_FEWEST_DAMAGED = 3
#: What stays free on the disk of the backup folder, if thinning the tiers can do it: bytes, or a share if that is less.
_FREE_BYTES = 5_000_000_000
_FREE_SHARE = 0.1
#: Seconds for which what cannot be deleted may be tried in all: one that another program holds takes 10 s.
_PATIENCE = 60.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pruned:
    """The names of what was deleted, and whether the disk, not the policy, wanted some of it."""

    deleted: list[str]
    thinned: bool
    #: What the disk refused first, if anything: all else was done in the time for that.
    refused: RepositoryUnusable | None


class _Deletion:
    """Deletes archives; one that cannot be deleted is passed over, for the others are no less due."""

    def __init__(self, repository: Repository, on_deleted: Callable[[str], None]) -> None:
        self._repository = repository
        self._on_deleted = on_deleted
        self.deleted: list[str] = []
        self.refused: list[RepositoryUnusable] = []
        self._tried = 0.0

    def delete(self, archive: Archive) -> None:
        """Delete one archive, unless those that were refused before have taken too long."""
        if self._tried >= _PATIENCE:
            return
        begun = time.monotonic()
        try:
            self._repository.delete(archive)
        except RepositoryUnusable as error:
            logger.warning("%s", error, exc_info=True)
            self.refused.append(error)
            self._tried += time.monotonic() - begun
        else:
            self.deleted.append(archive.name)
            self._on_deleted(archive.name)


def prune(
    repository: Repository,
    policy: Policy,
    origin: str | None,
    local: datetime,
    protected: Container[str | None],
    on_deleted: Callable[[str], None],
    *,
    needed: int = 0,
) -> Pruned:
    """Delete what `policy` leaves out of the good archives of `origin`, and old safety backups.

    `protected` names archives that are kept in any case; `local` is the naive local time; `on_deleted` is told each
    name at once; `needed` bytes should be free. The repository's lock is held by the caller. Raise RepositoryUnusable
    where the folder cannot be read.
    """
    archives = repository.archives()
    mine, ordinary, safeties = _candidates(archives, origin)
    planned = plan(ordinary, policy, never=protected)
    due = [*planned.prune, *safeties_to_prune(safeties, local, never=protected)]
    deletion = _Deletion(repository, on_deleted)
    for name in due:
        deletion.delete(mine[name])
    as_ever = len(deletion.deleted)
    spare = [name for name in safeties_to_thin(safeties, never=protected) if name not in due]
    good = [mine[name] for name in (*thinning_order(ordinary, planned, never=protected), *spare)]
    left = [archive for archive in archives if archive.name not in deletion.deleted]
    for archive in _that_give_room(repository, [*_damaged(archives, origin, protected), *good], left):
        if _has_room(repository, needed):
            break
        deletion.delete(archive)
    newest_first = sorted(ordinary, key=lambda one: (one.order, one.name), reverse=True)
    newest, pins = {one.name for one in newest_first[: policy.newest]}, repository.rules.pins
    for name in planned.keep:
        # The EMR's own clean-up, which keeps the newest ten of its own and ours, does not know why others are kept.
        if (name not in newest or name in pins) and name not in deletion.deleted:
            try:
                repository.put_aside(mine[name])
            except RepositoryUnusable as error:
                deletion.refused.append(error)
                break
    return Pruned(deletion.deleted, len(deletion.deleted) > as_ever, next(iter(deletion.refused), None))


def _that_give_room(repository: Repository, wanted: Sequence[Archive], left: Iterable[Archive]) -> list[Archive]:
    """Return those of `wanted` that make room in the repository when all of them go; `left` is what is there now.

    What lies in an earlier backup folder on another disk does not, nor does a file of which another name stays.
    """
    names, going = (Counter(one.file for one in archives) for archives in (left, wanted))

    def gives_room(one: Archive) -> bool:
        if one.file is None:
            return True
        return one.file[0] == repository.folder.stat().st_dev and names[one.file] == going[one.file]

    return [one for one in wanted if gives_room(one)]


def reasons(
    archives: Sequence[Archive], policy: Policy, origin: str | None, local: datetime, protected: Container[str | None]
) -> dict[str, str]:
    """Return why each archive of `origin` is kept: a reason of `plan`, or "safety"; those to be pruned have none."""
    _, ordinary, safeties = _candidates(archives, origin)
    old = safeties_to_prune(safeties, local, never=protected)
    kept = {safety.name: "safety" for safety in safeties if safety.name not in old}
    return plan(ordinary, policy, never=protected).keep | kept


def _candidates(
    archives: Sequence[Archive], origin: str | None
) -> tuple[dict[str, Archive], list[Candidate], list[Candidate]]:
    """Return the archives of `origin` by name, and as candidates: the ordinary ones, and the safety backups."""
    mine = {archive.name: archive for archive in archives if archive.is_ours and archive.is_made_of(origin)}
    ordinary = [candidate(archive) for archive in mine.values() if not archive.safety]
    return mine, ordinary, [candidate(archive) for archive in mine.values() if archive.safety]


def _damaged(archives: Sequence[Archive], origin: str | None, protected: Container[str | None]) -> list[Archive]:
    """Return what a full disk takes before any good archive, oldest first: what opening has shown to be damaged.

    The newest few are not among them, nor is any safety backup.
    """
    found = [
        archive
        for archive in archives
        if archive.state is State.DAMAGED
        and archive.is_made_of(origin)
        and archive.manifest is not None
        and archive.manifest.members is not None
        and not archive.safety
    ]
    oldest_first = sorted(found, key=lambda archive: archive.order)[:-_FEWEST_DAMAGED]
    return [archive for archive in oldest_first if archive.name not in protected]


def _has_room(repository: Repository, needed: int) -> bool:
    usage = shutil.disk_usage(repository.folder)
    return usage.free >= max(needed, min(_FREE_BYTES, usage.total * _FREE_SHARE))


def candidate(archive: Archive) -> Candidate:
    """Return an archive as the rules of retention see it."""
    manifest = archive.manifest
    made = manifest.created_at_utc if manifest else None
    return Candidate(
        archive.name,
        archive.order,
        archive.created_at,
        archive.contents,
        opened=archive.state is State.PROVEN,
        clock_resets=manifest.clock_resets if manifest else 0,
        dateless=made is not None and made < FIRST_DAY,
    )
