"""A backup from a USB stick or another folder: sent in slices, checked, and then restored as any other."""

from flask import Blueprint, Response, jsonify, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from backup_core.errors import Busy
from backup_core.listing import Archive
from backup_core.progress import OnProgress
from backup_core.text import _

from .parts import parts

bp = Blueprint("uploads", __name__)

#: Bytes of a slice: a body is read whole before its door is asked, so it has to be small.
SLICE = 4 * 1024 * 1024
#: The kinds of jobs that may read what was sent before, which a new file takes the place of.
_IN_USE = frozenset({"intake", "restore"})


@bp.get("/uploads")
def index() -> str:
    """Ask for the file."""
    return render_template("uploads/index.html", slice=SLICE)


@bp.post("/uploads")
def begin() -> Response:
    """Make room for a file of `size` bytes and return the id under which its slices come."""
    running = parts().jobs.current()
    if running is not None and running.kind in _IN_USE:
        raise Busy(
            _("A backup from a file is being checked or restored just now."),
            hint=_("Wait until that has finished, then try again."),
        )
    return jsonify(id=parts().engine.intake.begin(request.form.get("size", 0, type=int)))


@bp.post("/uploads/<intake_id>/slices")
def take(intake_id: str) -> Response:
    """Take the slice that begins at `offset`, and return how many bytes have come."""
    offset = max(0, request.args.get("offset", 0, type=int))
    return jsonify(taken=parts().engine.intake.take(intake_id, offset, request.get_data()))


@bp.post("/uploads/<intake_id>/cancel")
def cancel(intake_id: str) -> Response:
    """Keep nothing of what has come."""
    parts().engine.intake.give_up(intake_id)
    return jsonify(taken=0)


@bp.post("/uploads/<intake_id>/check")
def check(intake_id: str) -> AnyResponse:
    """Start checking every byte of what has come."""
    engine = parts().engine

    def work(on_progress: OnProgress) -> Archive:
        return engine.intake.finish(intake_id, on_progress)

    job = parts().jobs.start("intake", work)
    return redirect(url_for("uploads.progress", job_id=job.id), 303)


@bp.get("/uploads/<job_id>")
def progress(job_id: str) -> str:
    """Show how far the check is, or what came of it."""
    job = parts().jobs.get(job_id)
    if job is None or job.kind != "intake":
        raise NotFound
    return render_template("uploads/progress.html", job=job, origin=parts().engine.origin)
