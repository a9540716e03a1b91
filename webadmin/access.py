"""Who may talk to the page: tickets, session keys, the control key and download tokens, made for each run of the
launcher and held in memory only.

Nothing here knows Flask; `gate.py` asks it about every request.
"""

import hashlib
import logging
import secrets
import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from backup_core.clock import SYSTEM_CLOCK, Clock
from backup_core.text import N_, _
from webadmin.errors import Refused

logger = logging.getLogger(__name__)

#: Seconds for which a ticket can be used, and for which a spent one is remembered.
TICKET_LIFE = 60.0
#: Seconds for which a download token can be used.
DOWNLOAD_LIFE = 60.0
#: How long a session stays unlocked without a click.
IDLE = timedelta(minutes=15)
#: How many sessions are open at most; the oldest one ends for a new one.
MOST_SESSIONS = 32

CLICK_THE_TRAY = N_("Click the DocAssist Backup icon in the tray to open this page again.")


def new_secret() -> str:
    """Return 256 random bits that can stand in a URL."""
    return secrets.token_urlsafe(32)


def _digest(secret: str) -> str:
    """Return what is stored of a secret, so that looking it up takes the same time whatever was guessed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class _Ticket:
    """A ticket: usable from `since` on; once spent, `since` is that moment and `session` what it was exchanged for."""

    since: float
    session: str | None = None


@dataclass(frozen=True)
class _Download:
    """One file that may be fetched once."""

    since: float
    name: str


@dataclass(frozen=True)
class _Session:
    """An open session: whether somebody unlocked it, and by the PIN; when there was last a click, by both clocks.

    A computer that sleeps stands still for one of them, and the other one can be set.
    """

    unlocked: bool
    by_pin: bool
    monotonic: float
    clicked: datetime


class Access:
    """The secrets of one run. All methods may be called from any thread."""

    def __init__(self, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.control_key = new_secret()
        self._clock = clock
        self._port = 0
        self._lock = threading.Lock()
        self._tickets: dict[str, _Ticket] = {}
        self._downloads: dict[str, _Download] = {}
        self._sessions: dict[str, _Session] = {}

    def set_port(self, port: int) -> None:
        """Say on which port the page is served: it is part of the only Host and Origin that are accepted."""
        self._port = port

    @property
    def hosts(self) -> frozenset[str]:
        """The exact values of the Host header under which the page may be asked for."""
        return frozenset({f"127.0.0.1:{self._port}", f"localhost:{self._port}"})

    def new_ticket(self) -> str:
        """Return a ticket that opens one session within 60 seconds."""
        ticket = new_secret()
        with self._lock:
            self._forget_old()
            self._tickets[_digest(ticket)] = _Ticket(self._clock.monotonic())
        return ticket

    def open_session(self, ticket: str, *, unlocked: bool = True) -> str:
        """Return the key of a new session for a fresh ticket; one that is not `unlocked` begins as after a long idle.

        Raise Refused for any other. A ticket that is used twice within a minute was seen by somebody else: then the
        session that it opened ends too.
        """
        with self._lock:
            self._forget_old()
            known = self._tickets.get(_digest(ticket))
            if known is None:
                raise Refused(_("This link has already been used, or it is too old."), hint=_(CLICK_THE_TRAY))
            if known.session is not None:
                self._sessions.pop(known.session, None)
                logger.warning("a link to the page was used twice; the session that it had opened was ended")
                raise Refused(
                    _("This link was opened twice, so the page was locked to be safe."), hint=_(CLICK_THE_TRAY)
                )
            key = new_secret()
            self._tickets[_digest(ticket)] = _Ticket(self._clock.monotonic(), session=_digest(key))
            self._sessions[_digest(key)] = self._clicked(unlocked, by_pin=False)
            while len(self._sessions) > MOST_SESSIONS:
                del self._sessions[next(iter(self._sessions))]
            return key

    def is_session(self, key: str) -> bool:
        """Return whether this is the key of an open session."""
        with self._lock:
            return _digest(key) in self._sessions

    def is_locked(self, key: str, *, wants_pin: bool) -> bool:
        """Return whether this open session has to be unlocked: nobody has done so, or there was no click for long.

        Where a PIN is asked for, one that was unlocked when there was none yet is locked: the data folder, and the PIN
        with it, may have been on a drive that was pulled out for that.
        """
        with self._lock:
            session = self._sessions.get(_digest(key))
            return session is not None and not (self._is_awake(session) and (session.by_pin or not wants_pin))

    def click(self, key: str) -> None:
        """Note that somebody clicked in this session; one that is locked stays so."""
        with self._lock:
            session = self._sessions.get(_digest(key))
            if session is not None and self._is_awake(session):
                self._sessions[_digest(key)] = self._clicked(True, by_pin=session.by_pin)

    def unlock(self, key: str, *, by_pin: bool) -> None:
        """Unlock this session if it is open; `by_pin` says whether the PIN was given for it."""
        with self._lock:
            if _digest(key) in self._sessions:
                self._sessions[_digest(key)] = self._clicked(True, by_pin=by_pin)

    def lock(self) -> None:
        """Lock every session that is open, as after a long idle."""
        with self._lock:
            self._sessions = {key: replace(one, unlocked=False) for key, one in self._sessions.items()}

    def is_control(self, key: str) -> bool:
        """Return whether this is the key that the command line reads from the control file."""
        return secrets.compare_digest(_digest(key), _digest(self.control_key))

    def new_download(self, name: str) -> str:
        """Return a token with which the archive of that name can be fetched once, within 60 seconds."""
        token = new_secret()
        with self._lock:
            self._forget_old()
            self._downloads[_digest(token)] = _Download(self._clock.monotonic(), name)
        return token

    def spend_download(self, token: str) -> str:
        """Return the name of the archive that the token stands for, once; raise Refused for any other token."""
        with self._lock:
            self._forget_old()
            download = self._downloads.pop(_digest(token), None)
        if download is None:
            raise Refused(
                _("This download link has already been used, or it is too old."),
                hint=_("Go back to the list of backups and click Download again."),
            )
        return download.name

    def _clicked(self, unlocked: bool, *, by_pin: bool) -> _Session:
        return _Session(unlocked, by_pin, self._clock.monotonic(), self._clock.now())

    def _is_awake(self, session: _Session) -> bool:
        passed = self._clock.monotonic() - session.monotonic
        return session.unlocked and passed < IDLE.total_seconds() and self._clock.now() - session.clicked < IDLE

    def _forget_old(self) -> None:
        """Drop what can no longer be used; the caller holds the lock."""
        now = self._clock.monotonic()
        self._tickets = {k: t for k, t in self._tickets.items() if now - t.since < TICKET_LIFE}
        self._downloads = {k: d for k, d in self._downloads.items() if now - d.since < DOWNLOAD_LIFE}
