"""What the icon and the rounds work with: the launcher as the other rooms of the tray see it."""

from datetime import datetime
from pathlib import Path
from typing import Protocol

from backup_core.clock import Clock
from backup_core.engine import BackupEngine
from backup_core.jobs import JobRunner
from backup_core.preferences import Preferences

from .desk import LauncherDesk
from .emr import Emr
from .notices import Notices
from .plan import Plan
from .sight import Sight


class Hands(Protocol):
    """The launcher's parts; `engine` and `desk` are others after a change of the preferences."""

    data_dir: Path
    engine: BackupEngine
    #: What the user has chosen, as it was at the last look.
    preferences: Preferences
    jobs: JobRunner
    desk: LauncherDesk
    plan: Plan
    sight: Sight
    emr: Emr
    notices: Notices
    is_sample: bool
    is_ending: bool

    @property
    def clock(self) -> Clock:
        """The clocks by which all is decided."""

    def look(self) -> None:
        """Take up what the preferences and the history say now."""

    def awake_since(self) -> datetime:
        """Return since when a backup might have been made today (aware UTC)."""

    def open_page(self, path: str = "/") -> None:
        """Open the admin page in the browser, at `path`."""

    def quit(self) -> None:
        """Begin the end of the launcher."""
