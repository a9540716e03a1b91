"""One launcher for each data folder, and what the one before left behind: `launcher.lock` and `launcher.json`.

The lock decides wherever it can be seen, and a process that has died holds none. On some network drives one PC does
not see the locks of another. So the note also gets a sign of life now and then, and a launcher that finds one from
another PC waits for as long as they go on. It compares no clocks: only whether the sign has changed.
"""

import getpass
import json
import logging
import os
import platform
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from backup_core.clock import SYSTEM_CLOCK, Clock
from backup_core.errors import BackupError, Fact, SourceMissing
from backup_core.files import PRIVATE, own_folder, translating, write_atomically
from backup_core.text import _
from webadmin.errors import LOOK_ONLY

logger = logging.getLogger(__name__)

#: Seconds between two signs of life.
BEAT = 60.0
#: Seconds without one after which the launcher of another PC is gone; network drives show a file's time late.
SILENCE = 200.0


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
    #: Whether it came to its end at all; one that was killed did not.
    has_ended: bool = False

    def is_same(self, other: "Life") -> bool:
        """Return whether this is a note of the same life, perhaps an older one."""
        return (self.pc, self.user, self.pid, self.started_at) == (other.pc, other.user, other.pid, other.started_at)


class Instance:
    """The claim of this process to be the launcher of a data folder. For one thread."""

    def __init__(self, data_dir: Path, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._data_dir = data_dir
        self._clock = clock
        self._path = data_dir / PRIVATE / "launcher.json"
        self._lock: FileLock | None = None
        self._life = _new_life()
        self._beaten = 0.0
        #: The newest sign of life from another PC, and when it was first seen.
        self._heard: tuple[int, float] | None = None

    @property
    def is_claimed(self) -> bool:
        """Whether this process is the launcher of the data folder."""
        return self._lock is not None

    def previous(self) -> Life | None:
        """Return the newest life that has begun here, or None where there is none that can be read."""
        try:
            return Life(**json.loads(self._path.read_bytes()))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError, TypeError):
            logger.warning("could not read %s", self._path, exc_info=True)
            return None

    def claim(self) -> Life | None:
        """Become the launcher of the data folder and return the life before this one, if any.

        Raise LauncherRunning if there is another one, SourceMissing where there is no data folder: it is never made.
        """
        if not self._data_dir.is_dir():
            raise SourceMissing(
                _("The data folder %(data_dir)s is not there.", data_dir=self._data_dir), folder=str(self._data_dir)
            )
        self._give_way()
        with translating(BackupError, _("The data folder cannot be written."), hint=_("Check its permissions.")):
            lock = FileLock(own_folder(self._data_dir) / "launcher.lock", mode=0o600, thread_local=False)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                raise self._running(self.previous()) from None
        try:
            before = self._give_way()
        except LauncherRunning:
            lock.release()
            raise
        self._lock = lock
        self._write()
        return before

    def beat(self) -> bool:
        """Give a sign of life if it is time to, and return True.

        Return False, and let go, where a launcher on another PC has taken the folder over: it could not see our lock,
        and nothing of us for long, as when this PC was asleep.
        """
        now = self._clock.monotonic()
        if now - self._beaten < BEAT:
            return True
        newest = self.previous()
        if newest is not None and not newest.is_same(self._life):
            logger.warning("%s on %s has taken the data folder over", newest.user, newest.pc)
            self._let_go()
            return False
        self._beaten = now
        try:
            os.utime(self._path)
        except FileNotFoundError:
            self._write()
        except OSError:
            logger.warning("could not give a sign of life in %s", self._path, exc_info=True)
        return True

    def serves_on(self, port: int) -> None:
        """Remember the port of the admin page."""
        self._life = replace(self._life, port=port)
        if self.is_claimed:
            self._write()

    def release(self, *, cleanly: bool) -> None:
        """End this life; `cleanly` says that its last backup was made. Do nothing where there is no claim."""
        if self._lock is None:
            return
        self._life = replace(self._life, ended_cleanly=cleanly, has_ended=True)
        if self._data_dir.is_dir():
            self._write()
        self._let_go()

    def _let_go(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _give_way(self) -> Life | None:
        """Return the life before this one; raise LauncherRunning while it gives signs of life on another PC."""
        before = self.previous()
        if before is None or before.has_ended or before.pc == self._life.pc:
            return before
        try:
            sign = self._path.stat().st_mtime_ns
        except OSError:
            return before
        now = self._clock.monotonic()
        if self._heard is None or self._heard[0] != sign:
            self._heard = (sign, now)
        if now - self._heard[1] < SILENCE:
            raise self._running(before)
        return before

    def _write(self) -> None:
        self._beaten = self._clock.monotonic()
        try:
            write_atomically(self._path, json.dumps(asdict(self._life), indent=1).encode())
        except OSError:
            # The next start then takes this ending for an unclean one, and backs up: nothing is lost.
            logger.warning("could not write %s", self._path, exc_info=True)

    def _running(self, other: Life | None) -> LauncherRunning:
        if other is None or (other.pc, other.user) == (self._life.pc, self._life.user):
            return LauncherRunning(
                _("DocAssist Backup is already running for this data folder."),
                is_ours=True,
                hint=_("Use its tray icon, or quit it first."),
            )
        return LauncherRunning(
            _("%(user)s's account on %(pc)s looks after this data.", user=other.user, pc=other.pc),
            is_ours=False,
            hint=_(LOOK_ONLY),
            pc=other.pc,
            user=other.user,
        )


def _new_life() -> Life:
    return Life(platform.node(), _user(), os.getpid(), datetime.now(UTC).isoformat())


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return _("an unknown user")
