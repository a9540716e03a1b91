"""What an undo would do, told before it happens."""

from dataclasses import dataclass

from .compare import Loss
from .errors import ArchiveUnusable, RepositoryFull, RepositoryUnusable, SnapshotFailed
from .inspector import Inspector
from .listing import Archive
from .text import _


@dataclass(frozen=True)
class Undoing:
    """The safety backup that an undo puts back, and what that does to the entries of today."""

    archive: Archive
    #: The name of the archive whose restore is taken back.
    restored: str
    #: What comes back: entries that today's data lacks, or has otherwise.
    brings: tuple[Loss, ...] = ()
    #: What was entered or changed since, and is kept in a safety backup of its own.
    puts_aside: tuple[Loss, ...] = ()
    #: A sentence where the two cannot be compared, else "".
    problem: str = ""


def foresee(inspector: Inspector, archive: Archive, restored: str) -> Undoing:
    """Return what putting back the safety backup `archive` would do; raise RepositoryLocked while the data is in use.

    What is damaged cannot be compared, and may be brought back all the same.
    """
    try:
        puts_aside, brings = inspector.compare_both(archive)
    except RepositoryFull:
        raise
    except (ArchiveUnusable, RepositoryUnusable, SnapshotFailed) as error:
        return Undoing(archive, restored, problem=_("The entries cannot be compared. %(why)s", why=error))
    return Undoing(archive, restored, tuple(brings), tuple(puts_aside))
