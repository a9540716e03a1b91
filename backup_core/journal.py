"""The journal of a swap: what is to become of each source, so that a swap that was cut off can be gone on with."""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from .errors import RestoreFailed
from .files import PRIVATE, write_atomically
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
    #: When each was last written to, in nanoseconds. Of a folder some disks (XFS) note so that it has changed places.
    new_time: int | None = None
    old_time: int | None = None
    #: The same of the newest file in a folder, which no change of places touches.
    new_inside: int | None = None
    old_inside: int | None = None


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
    #: The inode of the box, which is never renamed: where it has changed, the other numbers have too.
    box: int | None = None


def journal_path(data_dir: Path) -> Path:
    """Return where the journal of a data folder lies."""
    return data_dir / PRIVATE / "journal.json"


def read(data_dir: Path) -> Journal | None:
    """Return the journal of a swap that was begun and not ended, or None; raise RestoreFailed if it cannot be read."""
    try:
        document = json.loads(journal_path(data_dir).read_bytes())
        changes = tuple(Change(**change) for change in document.pop("changes"))
        phase = Phase(document.pop("phase"))
        return Journal(phase=phase, changes=changes, **document)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise RestoreFailed(
            _("A restore was interrupted, and its notes cannot be read."),
            rolled_back=False,
            hint=_("Restore a backup by hand as OPEN-ME.txt in it says, or ask for help."),
        ) from error


def write(data_dir: Path, journal: Journal) -> None:
    """Make the journal of a data folder last."""
    write_atomically(journal_path(data_dir), json.dumps(asdict(journal)).encode())
