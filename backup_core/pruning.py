"""Carry out the policy: delete what it leaves out, and put aside what is kept longer than the newest."""

from collections.abc import Container
from datetime import datetime

from .listing import Archive
from .repository import Repository
from .retention import Candidate, Policy, plan, safeties_to_prune

#: Reasons to keep an archive that the EMR's own clean-up, which keeps the newest ten, does not know of.
_KEPT_LONGER = ("state", "daily", "weekly", "monthly")


def prune(
    repository: Repository, policy: Policy, origin: str | None, local: datetime, protected: Container[str]
) -> list[str]:
    """Delete what `policy` leaves out of the good archives of `origin`, and old safety backups; return their names.

    `protected` names archives that are kept in any case; `local` is the naive local time. The repository's lock is
    held by the caller. Raise RepositoryUnusable where a file cannot be deleted.
    """
    mine = {
        archive.name: archive
        for archive in repository.archives()
        if archive.is_ours and archive.manifest is not None and archive.manifest.origin == origin
    }
    ordinary = [_candidate(archive) for archive in mine.values() if not archive.safety]
    safeties = [_candidate(archive) for archive in mine.values() if archive.safety]
    planned = plan(ordinary, policy, never=protected)
    for name, reason in planned.keep.items():
        if reason in _KEPT_LONGER:
            repository.put_aside(mine[name])
    deleted = [*planned.prune, *safeties_to_prune(safeties, local, never=protected)]
    for name in deleted:
        repository.delete(mine[name])
    return deleted


def _candidate(archive: Archive) -> Candidate:
    return Candidate(archive.name, archive.order, archive.created_at, archive.contents)
