"""What lies in the backup folder, remembered for a minute: the icon asks more often than a slow disk would like."""

import logging
import threading
from dataclasses import dataclass
from datetime import datetime

from backup_core.clock import Clock
from backup_core.engine import BackupEngine
from backup_core.errors import BackupError
from backup_core.listing import Archive
from webadmin.protection import damage_in, good_ones, opened_at

logger = logging.getLogger(__name__)

#: Seconds after which the folder is looked at again although we have done nothing there.
_STALE = 60.0


@dataclass(frozen=True)
class View:
    """The newest good archive, and whether a restore can be undone."""

    newest: Archive | None = None
    can_undo: bool = False
    #: When a backup was last opened, else when the oldest was made (aware UTC); None where there is none.
    opened_at: datetime | None = None
    #: Which backup was found damaged, as a sentence, until it is deleted or found good; "" for none.
    damaged: str = ""
    #: Why the folder cannot be looked into, as a sentence; "" where it can.
    unreachable: str = ""


class Sight:
    """Looks into the backup folder; from any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._view = View()
        self._looked: float | None = None

    def view(self, engine: BackupEngine) -> View:
        """Return what the folder of `engine` holds, or held a moment ago; nothing where it cannot be read."""
        now = self._clock.monotonic()
        with self._guard:
            if self._looked is None or now - self._looked > _STALE:
                self._looked = now
                self._view = _look(engine)
            return self._view

    def forget(self) -> None:
        """Look again at the next question, because something was done there."""
        with self._guard:
            self._looked = None


def _look(engine: BackupEngine) -> View:
    try:
        archives, origin = engine.archives(), engine.origin
        opened = opened_at(good_ones(archives, origin))
        return View(engine.last_good(), engine.undoable() is not None, opened, damage_in(archives, origin))
    except (BackupError, OSError) as error:
        logger.warning("could not look into %s", engine.backup_dir, exc_info=True)
        return View(unreachable=str(error) if isinstance(error, BackupError) else "")
