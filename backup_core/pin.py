"""The PIN of the page, which only the user sets: kept as a salted hash that is slow to try, never as itself.

It guards against people at the desk. Whoever can use this account's files needs no PIN to read the records.
"""

import contextlib
import hashlib
import json
import secrets
import threading
import unicodedata
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from .clock import SYSTEM_CLOCK, Clock
from .errors import BackupError, SettingInvalid
from .files import PRIVATE, translating, write_own
from .text import _

#: How short a PIN may be, and how long.
SHORTEST, LONGEST = 4, 64
#: After so many wrong ones in a row each further one has to wait: a second first, then twice as long each time.
FREE_TRIES = 3
LONGEST_WAIT = timedelta(hours=1)

# RFC 7914's parameters for interactive use: 16 MB of memory and some 50 ms for each try.
_COST = {"n": 2**14, "r": 8, "p": 1}


class WrongPin(BackupError):
    """This is not the PIN, or it is too early for another try."""

    code = "wrong-pin"


class Pin:
    """The PIN of one data folder; from any thread and any process, each of which sees what another one changed."""

    def __init__(self, data_dir: Path, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._path = data_dir / PRIVATE / "pin.json"
        self._clock = clock
        self._guard = threading.Lock()
        self._was_set = True

    def is_set(self) -> bool:
        """Return whether the page asks for a PIN; a file that cannot be read is no way around it.

        On a drive that has failed since, it is as it was at the last look, and never looked at it is asked for.
        """
        with contextlib.suppress(OSError):
            self._was_set = self._path.exists()
        return self._was_set

    def set(self, pin: str) -> None:
        """Ask for this PIN from now on; raise SettingInvalid for one that is too short or too long."""
        if not SHORTEST <= len(_plain(pin)) <= LONGEST:
            raise SettingInvalid(
                _("A PIN has from %(shortest)s to %(longest)s characters.", shortest=SHORTEST, longest=LONGEST),
                field="pin",
            )
        salt = secrets.token_bytes(16)
        with self._guard:
            self._write({"salt": salt.hex(), "hash": _hash(pin, salt).hex(), "failures": 0, "failed_at": ""})
            self._was_set = True

    def remove(self) -> None:
        """Ask for no PIN any more."""
        with self._guard, translating(BackupError, _("The PIN could not be removed")):
            self._path.unlink(missing_ok=True)

    def check(self, pin: str) -> bool:
        """Return True if this is the PIN, and False where none is set; raise WrongPin otherwise.

        A try is counted before it is looked at: whoever stops the program in between has used it up all the same.
        """
        with self._guard:
            if not self.is_set():
                return False
            kept = self._read()
            failures = int(kept["failures"])
            wait = self._wait(failures, str(kept["failed_at"]))
            if wait > timedelta():
                raise _too_early(wait)
            self._write({**kept, "failures": failures + 1, "failed_at": self._clock.now().isoformat()})
            if not secrets.compare_digest(_hash(pin, bytes.fromhex(kept["salt"])), bytes.fromhex(kept["hash"])):
                raise WrongPin(_("This is not the PIN."), hint=_("Try it once more."))
            self._write({**kept, "failures": 0, "failed_at": ""})
            return True

    def _wait(self, failures: int, failed_at: str) -> timedelta:
        """Return how long the next try has to wait; a clock that was set back makes it no longer than it was."""
        if failures < FREE_TRIES or not failed_at:
            return timedelta()
        pause = min(timedelta(seconds=2 ** min(failures - FREE_TRIES, 20)), LONGEST_WAIT)
        passed = self._clock.now() - datetime.fromisoformat(failed_at)
        return pause - passed if passed >= timedelta() else pause

    def _read(self) -> dict[str, Any]:
        with translating(BackupError, _("The PIN cannot be read")):
            data = self._path.read_bytes()
        with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError, OverflowError):
            kept = dict(json.loads(data))
            bytes.fromhex(kept["salt"]), bytes.fromhex(kept["hash"])
            if kept["failed_at"]:
                datetime.fromisoformat(kept["failed_at"]) - self._clock.now()
            return {**kept, "failures": int(kept["failures"])}
        raise WrongPin(
            _("The file with the PIN is damaged, so no PIN can be right."),
            hint=_("Type docassist-backup forget-pin in a terminal of this user, then choose a new one."),
        )

    def _write(self, kept: dict[str, Any]) -> None:
        if not self._path.parent.parent.is_dir():
            # On a drive that is not connected: the folder is never made, or the data would seem to be there.
            raise BackupError(_("The PIN could not be kept."), hint=_("Connect the drive of the data folder first."))
        with translating(BackupError, _("The PIN could not be kept")):
            write_own(self._path, json.dumps(kept).encode())


def _too_early(wait: timedelta) -> WrongPin:
    seconds = max(1, round(wait.total_seconds()))
    return WrongPin(
        _("There were too many wrong tries."),
        hint=_("Wait %(seconds)s seconds, then try it once more.", seconds=seconds),
        seconds=seconds,
    )


def _plain(pin: str) -> str:
    """Return the PIN as it is hashed: the same whichever keyboard made its letters."""
    return unicodedata.normalize("NFKC", pin.strip())


def _hash(pin: str, salt: bytes) -> bytes:
    return hashlib.scrypt(_plain(pin).encode("utf-8", "surrogatepass"), salt=salt, **_COST)
