"""What the page refuses while another user's or another PC's launcher looks after the data: all that changes it."""

from flask import Flask, request

from backup_core.text import _

from .errors import LOOK_ONLY, LookedAfter
from .parts import parts

#: What may be sent all the same: it opens or locks the page, opens or closes DocAssist on this PC, or only reads. The
#: rest is refused, known here or not.
_ROOMS = frozenset({"idle", "session"})
_READING = frozenset({"backups.download", "helm.start", "helm.close"})


def install(app: Flask) -> None:
    """Ask before every request of the application, after its door."""
    app.before_request(_check)


def _check() -> None:
    if request.method in {"GET", "HEAD"} or request.blueprint in _ROOMS or request.endpoint in _READING:
        return
    sentence = parts().desk.caretaker()
    if sentence:
        raise LookedAfter(sentence, hint=_(LOOK_ONLY))
