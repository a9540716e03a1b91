"""What stands in the place of the Backups page while the data folder is not there, and the way to choose another."""

import functools
import os
from collections.abc import Callable

from flask import Blueprint, Flask, Response, current_app, make_response, render_template, request, url_for

from backup_core.errors import BackupError

from .parts import parts

bp = Blueprint("away", __name__)

#: The first part of the set-up's addresses, which old tabs may still have; and its blueprint.
_SET_UP = "setup"
#: What would show an empty clinic instead.
_EMPTY_WITHOUT_DATA = frozenset({"backups.index"})


def install(app: Flask) -> None:
    """Ask before every request of the application, after its door."""
    app.before_request(_check)


@bp.get("/away")
def look() -> Response:
    """Answer whether the page should still say that the folder is away: nothing, or the way back."""
    return make_response("", 204) if is_away() else go_to(url_for("backups.index"))


@bp.get("/set-up")
def confirm() -> str:
    """Ask before the launcher leaves for the set-up."""
    return render_template("away/confirm.html", data_dir=parts().engine.data_dir)


@bp.post("/set-up")
def set_up_again() -> str:
    """Have the launcher leave its place to the set-up, and wait for that on a page of its own."""
    parts().desk.set_up_again()
    return render_template("away/leaving.html")


@bp.get("/set-up/leaving")
def leaving() -> Response:
    """Answer nothing: the set-up, once it is there, answers otherwise."""
    return make_response("", 204)


def is_away() -> bool:
    """Return whether the data folder is not there, or on a drive that does not answer."""
    return not os.path.isdir(parts().engine.data_dir)  # noqa: PTH112 - Path.is_dir raises where a drive has failed


def or_away(part: Callable[[], str]) -> Callable[[], str | Response]:
    """Have an open page that asks for a part of itself say that the data folder is away, also if it goes meanwhile."""

    @functools.wraps(part)
    def answer() -> str | Response:
        try:
            if not is_away():
                return part()
        except BackupError:
            if not is_away():
                raise
        return go_to(url_for("backups.index"))

    return answer


def go_to(address: str) -> Response:
    """Have the browser open another page as a whole, with a frame of its own."""
    answer = make_response("", 204)
    answer.headers["HX-Redirect"] = address
    return answer


def _check() -> str | Response | None:
    if _SET_UP in current_app.blueprints:
        # The set-up is built over no data at all, and has pages of its own for that.
        return None
    if request.path.startswith(f"/{_SET_UP}/"):
        return go_to(url_for("backups.index"))
    if request.endpoint in _EMPTY_WITHOUT_DATA and is_away():
        # It says itself what the notices say of it.
        return render_template("away/index.html", data_dir=parts().engine.data_dir, notices=[])
    return None
