"""One launcher for each data folder, and what the one before left behind: `launcher.lock` and `launcher.json`."""

import getpass
import json
import logging
import os
import platform
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from backup_core.errors import BackupError, Fact, SourceMissing
from backup_core.files import PRIVATE, private_folder, translating, write_atomically

logger = logging.getLogger(__name__)


class LauncherRunning(BackupError):
    """Another launcher looks after the data folder; `is_ours` says whether it is this user's, on this PC."""

    code = "launcher-running"

    def __init__(self, sentence: str, *, is_ours: bool, hint: str = "", **facts: Fact) -> None:
        super().__init__(sentence, hint=hint, **facts)
        self.is_ours = is_ours


@dataclass(frozen=True)
class Life:
    """One life of a launcher, from its start to its end."""

    pc: str
    user: str
    pid: int
    #: ISO 8601 in UTC.
    started_at: str
    #: The port of its admin page, which the next life takes again if it can.
    port: int | None = None
    #: Whether it came to its end in order, with its last backup made.
    ended_cleanly: bool = False


class Instance:
    """The claim of this process to be the launcher of a data folder. For one thread."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._path = data_dir / PRIVATE / "launcher.json"
        self._lock: FileLock | None = None
        self._life = _new_life()

    @property
    def is_claimed(self) -> bool:
        """Whether this process is the launcher of the data folder."""
        return self._lock is not None

    def previous(self) -> Life | None:
        """Return the newest life that has begun here, or None where there is none that can be read."""
        try:
            return Life(**json.loads(self._path.read_bytes()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError):
            logger.warning("could not read %s", self._path, exc_info=True)
            return None

    def claim(self) -> Life | None:
        """Become the launcher of the data folder and return the life before this one, if any.

        Raise LauncherRunning if there is another one, SourceMissing where there is no data folder: it is never made.
        """
        if not self._data_dir.is_dir():
            raise SourceMissing(f"The data folder {self._data_dir} is not there.", folder=str(self._data_dir))
        with translating(BackupError, "The data folder cannot be written.", hint="Check its permissions."):
            lock = FileLock(private_folder(self._path.parent) / "launcher.lock", mode=0o600, thread_local=False)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                raise self._running() from None
        before = self.previous()
        self._lock = lock
        self._write()
        return before

    def serves_on(self, port: int) -> None:
        """Remember the port of the admin page."""
        self._life = replace(self._life, port=port)
        if self.is_claimed:
            self._write()

    def release(self, *, cleanly: bool) -> None:
        """End this life; `cleanly` says that its last backup was made. Do nothing where there is no claim."""
        if self._lock is None:
            return
        self._life = replace(self._life, ended_cleanly=cleanly)
        if self._data_dir.is_dir():
            self._write()
        self._lock.release()
        self._lock = None

    def _write(self) -> None:
        try:
            write_atomically(self._path, json.dumps(asdict(self._life), indent=1).encode())
        except OSError:
            # The next start then takes this ending for an unclean one, and backs up: nothing is lost.
            logger.warning("could not write %s", self._path, exc_info=True)

    def _running(self) -> LauncherRunning:
        other = self.previous()
        where = f" on {other.pc} by {other.user}" if other else ""
        return LauncherRunning(
            f"DocAssist Backup is already running for this data folder{where}.",
            is_ours=other is None or (other.pc, other.user) == (self._life.pc, self._life.user),
            hint="Use its tray icon, or quit it first.",
            pc=other.pc if other else None,
            user=other.user if other else None,
        )


def _new_life() -> Life:
    return Life(platform.node(), _user(), os.getpid(), datetime.now(UTC).isoformat())


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "an unknown user"
