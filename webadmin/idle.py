"""The page while nobody is at the desk: the verdict stays, names are hidden, and what is dangerous wants unlocking.

Closed by default: after a while without a click only what is named here is shown and done. The page says with a
request whether somebody has clicked since the last one, so that what it asks for by itself keeps nothing open.
"""

from urllib.parse import urlsplit

from flask import Blueprint, Flask, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from backup_core.pin import Pin, WrongPin
from backup_core.text import _
from webadmin.errors import Locked
from webadmin.gate import sent_key
from webadmin.parts import parts

bp = Blueprint("idle", __name__)

#: Sent by the page with the first request after a click or a key.
CLICKED = "X-Clicked"

#: What goes on without unlocking: it names no patient, and changes nothing but that there is one backup more.
_SHOWN = frozenset(
    {
        "activity.index",
        "away.leaving",
        "away.look",
        "backups.back_up_now",
        "backups.index",
        "backups.overview",
        "backups.picture",
        "backups.fetch",
        "copies.progress",
        "restores.progress",
        "static",
        "status.bar",
        "status.status",
        "uploads.progress",
    }
)
_ROOMS = frozenset({"help", "idle", "session", "setup"})


def install(app: Flask, pin: Pin) -> None:
    """Ask before every request of the application, after its door."""
    app.extensions["pin"] = pin
    app.before_request(_check)
    app.context_processor(lambda: {"is_locked": is_locked()})
    app.register_blueprint(bp)


def pin() -> Pin:
    """Return the PIN of the page."""
    kept: Pin = current_app.extensions["pin"]
    return kept


def is_locked() -> bool:
    """Return whether the page that asks is locked."""
    return parts().access.is_locked(sent_key(), wants_pin=pin().is_set())


@bp.get("/unlock")
def ask() -> str:
    """Ask to unlock the page."""
    return unlocking(here())


@bp.post("/unlock")
def unlock() -> Response | tuple[str, int]:
    """Unlock the page, and go on to where the user wanted to go."""
    wanted = _own(request.form.get("to", ""))
    try:
        by_pin = pin().check(request.form.get("pin", ""))
    except WrongPin as error:
        return unlocking(wanted, error), 403
    parts().access.unlock(sent_key(), by_pin=by_pin)
    return redirect(wanted, 303)


@bp.post("/lock")
def lock() -> Response:
    """Lock every page that is open, for whoever leaves the desk now."""
    parts().access.lock()
    return redirect(url_for("backups.index"), 303)


def unlocking(wanted: str, wrong: WrongPin | None = None) -> str:
    """Return the page that asks to unlock, and leads on to `wanted`."""
    return render_template("idle/unlock.html", wanted=wanted, wrong=wrong, has_pin=pin().is_set())


def here() -> str:
    """Return the page that was asked for; where something was sent, the page from which it was."""
    return _own(request.full_path if request.method == "GET" else request.headers.get("HX-Current-URL", ""))


def _check() -> None:
    if CLICKED in request.headers:
        parts().access.click(sent_key())
    if request.endpoint in (None, *_SHOWN) or request.blueprint in _ROOMS:
        return
    if is_locked():
        raise Locked(_("This part of the page is locked."), hint=_("Unlock it first."))


def _own(address: str) -> str:
    """Return the path and the query of an address: it leads to this page and nowhere else."""
    try:
        split = urlsplit(address)
    except ValueError:
        return url_for("backups.index")
    path = "/" + split.path.lstrip("/\\")
    if path == url_for("idle.ask"):
        return url_for("backups.index")
    return f"{path}?{split.query}" if split.query else path
