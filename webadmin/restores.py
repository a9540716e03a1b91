"""Restore and the way back: one page with one decision, then its progress and its result."""

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from backup_core.errors import Busy, NothingToUndo
from backup_core.jobs import Job
from backup_core.listing import Archive, State
from backup_core.text import _

from .comparison import compare
from .errors import NotConfirmed
from .forecast import forecast
from .parts import parts

bp = Blueprint("restores", __name__)

#: What the user may tick beside the restore itself; kept in the address, so that a second question does not lose them.
WISHES = ("other_clinic", "newer", "with_settings")

_KINDS = ("restore", "undo")
#: Seconds for which the question waits for what is running: the counts of today's data wait for it too.
PATIENCE = 10.0


@bp.get("/backups/<name>/restore")
def confirm(name: str) -> str:
    """Show what the backup holds beside what the data holds now, and ask."""
    archive, engine = parts().archive(name), parts().engine
    return _question(
        "restores/confirm.html",
        archive,
        time=forecast(archive, engine.history.runs()),
        foreign=bool(archive.manifest and not archive.is_of(engine.origin)),
        best=_best_instead_of(archive),
    )


@bp.get("/backups/<name>/losses")
def losses(name: str) -> str:
    """Show whose entries a restore would remove."""
    archive = parts().archive(name)
    return render_template("restores/losses.html", archive=archive, losses=parts().engine.compare(archive))


@bp.post("/backups/<name>/restore")
def restore(name: str) -> Response:
    """Start the restore."""
    archive = parts().archive(name)
    _require_tick()
    wished = {wish: wish in request.form for wish in WISHES}
    job = parts().desk.restore(archive.name, **wished)
    return redirect(_address(archive, job, [wish for wish in WISHES if wished[wish]]), 303)


@bp.get("/backups/<name>/restore/<job_id>")
def progress(name: str, job_id: str) -> str:
    """Show how far the restore is, or what came of it."""
    archive, job = parts().archive(name), parts().jobs.get(job_id)
    if job is None or job.kind not in _KINDS:
        raise NotFound
    if job.state == "done" and parts().engine.intake.find(archive.name):
        parts().engine.intake.discard()
    wished = [wish for wish in WISHES if wish in request.args]
    return render_template(
        "restores/progress.html",
        archive=archive,
        job=job,
        wished=wished,
        here=_address(archive, job, wished),
        undoable=parts().engine.undoable(),
    )


@bp.get("/undo")
def confirm_undo() -> str:
    """Show what going back to before the restore would bring, and ask."""
    archive = _undoable()
    return _question("restores/undo.html", archive, time=forecast(archive, parts().engine.history.runs()))


@bp.get("/undo/entries")
def undo_entries() -> str:
    """Show what going back would bring back, and what entered since it would put aside."""
    _undoable()
    return render_template("restores/undo_entries.html", undoing=parts().engine.undoing())


@bp.post("/undo")
def undo() -> Response:
    """Start going back to before the restore."""
    archive = _undoable()
    _require_tick()
    job = parts().desk.undo()
    return redirect(_address(archive, job, []), 303)


def _address(archive: Archive, job: Job, wished: list[str]) -> str:
    """Return where the progress of a restore is shown."""
    query: dict[str, Any] = dict.fromkeys(wished, "yes")
    return url_for("restores.progress", name=archive.name, job_id=job.id, **query)


def _question(template: str, archive: Archive, **facts: object) -> str:
    job = parts().jobs.current()
    if job is not None and parts().jobs.wait(job.id, PATIENCE).state == "running":
        raise Busy(_("DocAssist Backup is busy."), hint=_("Wait until that has finished, then try again."))
    comparison = compare(archive, parts().engine.holdings())
    return render_template(template, archive=archive, comparison=comparison, emr=parts().desk.emr_state(), **facts)


def _best_instead_of(archive: Archive) -> Archive | None:
    """Return the newest backup that was opened and checked, where this one was not."""
    best = parts().engine.best_archive()
    wanted = archive.state is not State.PROVEN and not archive.safety
    return best if wanted and best is not None and best.state is State.PROVEN else None


def _undoable() -> Archive:
    """Return the backup that was made before the last restore; raise NothingToUndo if there is none."""
    archive = parts().engine.undoable()
    if archive is None:
        raise NothingToUndo(_("There is no restore to go back from."), hint=_("Choose a backup from the list instead."))
    return archive


def _require_tick() -> None:
    if "confirmed" not in request.form:
        raise NotConfirmed(_("Nothing was changed."), hint=_("Tick the sentence above the button first."))
