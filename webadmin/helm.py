"""What the icon's menu can do and the page can too: pause the automatic backups, start DocAssist, ask it to close."""

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from .parts import parts

bp = Blueprint("helm", __name__)


@bp.get("/helm")
def controls() -> str:
    """Show what can be done now."""
    desk = parts().desk
    return render_template(
        "helm/controls.html",
        emr=desk.emr_state(),
        automatic=desk.next_due() is not None,
        paused_until=desk.paused_until(),
        caretaker=desk.caretaker(),
    )


@bp.post("/pause/hour")
def pause_for_an_hour() -> Response:
    """Pause the automatic backups for an hour."""
    parts().desk.pause("hour")
    return _home()


@bp.post("/pause/tomorrow")
def pause_until_tomorrow() -> Response:
    """Pause the automatic backups until tomorrow."""
    parts().desk.pause("tomorrow")
    return _home()


@bp.post("/resume")
def resume() -> Response:
    """End the pause."""
    parts().desk.resume()
    return _home()


@bp.post("/docassist/start")
def start() -> Response:
    """Start DocAssist."""
    parts().desk.start_emr()
    return _home()


@bp.post("/docassist/close")
def close() -> Response:
    """Ask DocAssist to close."""
    parts().desk.close_emr()
    return _home()


def _home() -> Response:
    return redirect(url_for("backups.index"), 303)
