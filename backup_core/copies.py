"""Where and when archives were copied to another drive, kept with the data folder."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from .files import write_own

#: How many copies are remembered.
REMEMBERED = 50


@dataclass(frozen=True)
class Copy:
    """One archive that was copied, and read again where it went."""

    #: The name of the archive in the backup folder.
    archive: str
    #: Where the copy was put.
    path: Path
    #: Aware UTC.
    at: datetime
    #: Bytes.
    size: int


class CopyBook:
    """The copies that were made of one data folder's archives."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> list[Copy]:
        """Return the copies, newest first; none where the file is not there or spoilt."""
        try:
            return [_from_json(entry) for entry in json.loads(self._path.read_bytes())]
        except (FileNotFoundError, NotADirectoryError, ValueError, TypeError, KeyError, AttributeError):
            return []

    def add(self, copy: Copy) -> None:
        """Remember a copy as the newest; what was known of the same place before is forgotten. Raise OSError."""
        others = [other for other in self.read() if other.path != copy.path]
        entries = [_to_json(one) for one in [copy, *others][:REMEMBERED]]
        write_own(self._path, json.dumps(entries, indent=1).encode())


def _to_json(copy: Copy) -> dict[str, object]:
    return {**asdict(copy), "path": str(copy.path), "at": copy.at.isoformat()}


def _from_json(entry: dict[str, object]) -> Copy:
    at = datetime.fromisoformat(str(entry["at"]))
    return Copy(str(entry["archive"]), Path(str(entry["path"])), at.astimezone(UTC), int(str(entry["size"])))
