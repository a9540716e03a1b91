"""BackupService: the EMR's own backup interface over the engine. It starts no process and peeks at no live file."""

import logging
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from .atwork import announced
from .engine import BackupEngine
from .errors import BackupError
from .listing import Archive
from .logs import start_package_logging
from .retention import Policy
from .runs import Trigger
from .settings import Settings

logger = logging.getLogger(__name__)


class BackupService:
    """Backs up and restores the clinic from inside the EMR: answers None or False where the engine raises BackupError.

    The reason is in our log file and on stderr. A programming error is not swallowed. Threads may share an instance:
    one works, the others wait.
    """

    def __init__(
        self, data_dir: Path | str | None = None, backup_dir: Path | str | None = None, max_backups: int = 10
    ) -> None:
        """Take the folders, making those that are not there, and how many archives to keep.

        `data_dir` defaults to the environment's DOCASSIST_DATA_DIR, then to `data`; `backup_dir` to `backups` in it.
        Raise ValueError for `max_backups` below 1.
        """
        if max_backups < 1:
            raise ValueError(f"max_backups must be at least 1, not {max_backups}")
        self.data_dir = Path(data_dir if data_dir is not None else os.environ.get("DOCASSIST_DATA_DIR") or "data")
        self.backup_dir = Path(backup_dir) if backup_dir is not None else self.data_dir / "backups"
        self.max_backups = max_backups
        start_package_logging()
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.backup_dir.mkdir(parents=True, exist_ok=True)
        # The EMR has its own connections to the live databases in this process.
        self._engine = BackupEngine(self.data_dir, self.backup_dir, policy=Policy(newest=max_backups), peek=False)
        self._recovered = False

    def create_backup(self) -> Path | None:
        """Return the path of a new, verified archive; None if it could not be made."""
        try:
            self._prepare()
            with announced(self.data_dir, "create", Trigger.API) as on_progress:
                return self._engine.create(Trigger.API, on_progress).path
        except BackupError:
            logger.exception("the backup failed")
            return None

    def auto_backup(self) -> bool:
        """Return True as soon as a new archive exists, after tidying up old ones; False if none could be made."""
        made = self.create_backup() is not None
        if made:
            self.cleanup_old_backups()
        return made

    def restore_backup(self, path: Path | str) -> bool:
        """Return True if the data is that of the archive, or will be at the next start; False if nothing changed.

        Today's data is kept in a safety backup first. Restart the application to use the restored data.
        """
        try:
            self._prepare()
            self._engine.restore(self._engine.find(path), trigger=Trigger.API, inside_emr=True)
        except BackupError:
            logger.exception("the restore failed")
            return False
        return True

    def list_backups(self) -> list[dict[str, Any]]:
        """Return the good archives, newest first, safety backups not among them; an empty list if there is none."""
        try:
            archives = self._engine.archives()
        except BackupError:
            logger.exception("the backups could not be listed")
            return []
        return [_described(archive) for archive in archives if archive.is_good and not archive.safety]

    def cleanup_old_backups(self) -> None:
        """Delete all but the newest `max_backups` archives of this clinic; what cannot be deleted stays.

        Where the launcher has put its own rule into the backup folder, that one is obeyed instead: it keeps more.
        """
        try:
            self._engine.prune(trigger=Trigger.API)
        except BackupError:
            logger.exception("old backups could not be tidied up")

    def get_last_backup_time(self) -> datetime | None:
        """Return when the newest good archive of this clinic was made, as naive local time; None if there is none."""
        try:
            newest = self._engine.last_good()
        except BackupError:
            logger.exception("the backups could not be listed")
            return None
        return newest.created_at if newest else None

    def _prepare(self) -> None:
        """Finish what an interrupted restore has left, once, and take up what else the preferences protect."""
        if not self._recovered:
            self._engine.recover(inside_emr=True)
            self._recovered = True
        self._engine.protect(Settings(self.data_dir).read().extras)


def _described(archive: Archive) -> dict[str, Any]:
    manifest = archive.manifest
    return {
        "path": archive.path,
        "filename": archive.name,
        "created_at": archive.created_at.isoformat(),
        "size_bytes": archive.size,
        "patient_count": manifest.patient_count if manifest else 0,
        "visit_count": manifest.visit_count if manifest else 0,
        "app_version": manifest.app_version if manifest else "",
        "version": manifest.version if manifest else "",
        "is_encrypted": False,
    }
