"""Setting, changing and removing the PIN of the page."""

from collections.abc import Mapping

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from backup_core.errors import BackupError, SettingInvalid
from backup_core.pin import WrongPin
from backup_core.text import _

from .gate import sent_key
from .idle import pin
from .parts import parts

bp = Blueprint("pin", __name__)

Answer = Response | tuple[str, int]


@bp.get("/pin")
def index() -> str:
    """Show what the PIN is for, and where to type one."""
    return _page({})


@bp.post("/pin")
def save() -> Answer:
    """Set the PIN, or change it for whoever knows the one until now."""
    new = request.form.get("pin", "")
    if new != request.form.get("again", ""):
        return _page({"again": SettingInvalid(_("The two are not the same."), field="again")}), 422
    try:
        pin().check(request.form.get("current", ""))
        pin().set(new)
        parts().access.unlock(sent_key(), by_pin=True)
    except WrongPin as error:
        return _page({"current": error}), 422
    except SettingInvalid as error:
        return _page({"pin": error}), 422
    return redirect(url_for("preferences.index", saved="yes"), 303)


@bp.post("/pin/remove")
def remove() -> Answer:
    """Remove the PIN for whoever knows it."""
    try:
        pin().check(request.form.get("old", ""))
    except WrongPin as error:
        return _page({"old": error}), 422
    pin().remove()
    return redirect(url_for("preferences.index", saved="yes"), 303)


def _page(wrong: Mapping[str, BackupError]) -> str:
    return render_template("pin/index.html", wrong=wrong, has_pin=pin().is_set())
