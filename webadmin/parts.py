"""What the views work with: the objects that `create_app` was given, behind one typed accessor."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from flask import current_app

from backup_core.clock import Clock
from backup_core.engine import BackupEngine
from backup_core.errors import UnknownArchive
from backup_core.jobs import JobRunner
from backup_core.listing import Archive
from backup_core.settings import Settings
from backup_core.text import _

from .access import Access
from .desk import Desk


@dataclass(frozen=True)
class Parts:
    """The launcher's objects that a page shows or sets to work."""

    engine: BackupEngine
    jobs: JobRunner
    access: Access
    desk: Desk
    settings: Settings
    clock: Clock
    sample: bool
    #: When this launcher began (aware UTC).
    since: datetime

    def now(self) -> datetime:
        """Return the present time, aware and in UTC."""
        return self.clock.now()

    def archive(self, name: str) -> Archive:
        """Return the archive of that name among those in the list, or the one that was taken in; raise UnknownArchive.

        A request never names a path: what is not in the list does not exist for the page.
        """
        for archive in self.engine.archives():
            if archive.name == name:
                return archive
        if (taken_in := self.engine.intake.find(name)) is not None:
            return taken_in
        raise UnknownArchive(
            _("This backup is not in the backup folder any more."), hint=_("Look at the list of backups.")
        )


def parts() -> Parts:
    """Return the parts of the application that handles this request."""
    return cast(Parts, current_app.extensions["backup"])
