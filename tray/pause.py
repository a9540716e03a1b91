"""The user's pause of the automatic backups: kept in the data folder, so that a restart of the launcher keeps it."""

import json
import logging
from datetime import UTC, datetime
from pathlib import Path

from backup_core.clock import Clock, Moment, moment
from backup_core.due import Pause
from backup_core.files import PRIVATE, remove, write_own

logger = logging.getLogger(__name__)


class PauseNote:
    """The note of a pause, `pause.json`; what the disk refuses holds for this launcher's life only."""

    def __init__(self, data_dir: Path, clock: Clock) -> None:
        self._path = data_dir / PRIVATE / "pause.json"
        self._clock = clock

    def read(self) -> Pause | None:
        """Return the pause that was noted, over or not, or None."""
        try:
            note = json.loads(self._path.read_bytes())
            begun, until = (datetime.fromisoformat(note[name]).astimezone(UTC) for name in ("begun", "until"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError):
            logger.warning("could not read %s", self._path, exc_info=True)
            return None
        # What began before this process did so no later than now, by its running clock.
        return Pause(Moment(begun, self._clock.monotonic()), until)

    def write(self, until: datetime) -> Pause:
        """Note a pause from now to `until` (aware UTC), and return it."""
        pause = Pause(moment(self._clock), until)
        note = {"begun": pause.begun.utc.isoformat(), "until": until.isoformat()}
        try:
            write_own(self._path, json.dumps(note).encode())
        except OSError:
            logger.warning("the pause ends with this launcher", exc_info=True)
        return pause

    def clear(self) -> None:
        """Forget the pause."""
        try:
            remove(self._path)
        except OSError:
            logger.warning("could not remove %s", self._path, exc_info=True)
