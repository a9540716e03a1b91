"""Restore and the way back: one page with one decision, then its progress and its result."""

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from backup_core.errors import NothingToUndo
from backup_core.listing import Archive

from .comparison import compare
from .errors import NotConfirmed
from .parts import parts

bp = Blueprint("restores", __name__)


@bp.get("/backups/<name>/restore")
def confirm(name: str) -> str:
    """Show what the backup holds beside what the data holds now, and ask."""
    return _question("restores/confirm.html", parts().archive(name))


@bp.post("/backups/<name>/restore")
def restore(name: str) -> Response:
    """Start the restore."""
    archive = parts().archive(name)
    _require_tick()
    job = parts().desk.restore(
        archive.name, other_clinic="other_clinic" in request.form, with_settings="with_settings" in request.form
    )
    return redirect(url_for("restores.progress", name=archive.name, job_id=job.id), 303)


@bp.get("/backups/<name>/restore/<job_id>")
def progress(name: str, job_id: str) -> str:
    """Show how far the restore is, or what came of it."""
    archive, job = parts().archive(name), parts().jobs.get(job_id)
    if job is None:
        raise NotFound
    return render_template("restores/progress.html", archive=archive, job=job, undoable=parts().engine.undoable())


@bp.get("/undo")
def confirm_undo() -> str:
    """Show what going back to before the restore would bring, and ask."""
    return _question("restores/undo.html", _undoable())


@bp.post("/undo")
def undo() -> Response:
    """Start going back to before the restore."""
    archive = _undoable()
    _require_tick()
    job = parts().desk.undo()
    return redirect(url_for("restores.progress", name=archive.name, job_id=job.id), 303)


def _question(template: str, archive: Archive) -> str:
    comparison = compare(archive, parts().engine.holdings())
    return render_template(template, archive=archive, comparison=comparison, emr=parts().desk.emr_state())


def _undoable() -> Archive:
    """Return the backup that was made before the last restore; raise NothingToUndo if there is none."""
    archive = parts().engine.undoable()
    if archive is None:
        raise NothingToUndo("There is no restore to go back from.", hint="Choose a backup from the list instead.")
    return archive


def _require_tick() -> None:
    if "confirmed" not in request.form:
        raise NotConfirmed("Nothing was changed.", hint="Tick the sentence above the button first.")
