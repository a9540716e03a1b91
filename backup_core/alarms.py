"""The alarm of a data folder: what looks wrong, until a person says that it is right or what was lost is back."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from .files import remove, write_own


@dataclass(frozen=True)
class Alarm:
    """What looks wrong: a sentence, the archive in which it was first seen, and since when (aware UTC)."""

    reason: str
    archive: str
    at: datetime
    #: What the last good backup held, by table; empty in an alarm of an older version.
    good: Mapping[str, int] = field(default_factory=dict)


class AlarmBook:
    """At most one alarm at a time: the first, for what follows is compared with a state that is wrong already."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Alarm | None:
        """Return the alarm, or None."""
        try:
            document = json.loads(self._path.read_bytes())
            at = datetime.fromisoformat(document["at"]).astimezone(UTC)
            good = {str(table): int(rows) for table, rows in document.get("good", {}).items()}
            return Alarm(str(document["reason"]), str(document["archive"]), at, good)
        except (FileNotFoundError, NotADirectoryError, ValueError, TypeError, KeyError, AttributeError):
            return None

    def write(self, alarm: Alarm) -> None:
        """Raise the alarm, unless there is one."""
        if self.read() is None:
            document = {**asdict(alarm), "at": alarm.at.isoformat()}
            write_own(self._path, json.dumps(document, ensure_ascii=False).encode())

    def clear(self) -> None:
        """End the alarm."""
        remove(self._path)
