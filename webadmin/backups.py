"""The Backups page: am I safe, since when, where is it, how do I get back."""

from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request, send_file, url_for
from werkzeug.wrappers import Response as AnyResponse

from backup_core.errors import RepositoryUnusable
from backup_core.files import translating
from backup_core.text import _

from .errors import NotConfirmed
from .paging import page_of
from .parts import parts
from .protection import verdict

bp = Blueprint("backups", __name__)

#: How many backups a page lists.
PER_PAGE = 25
#: Seconds for which a short job is waited for before its progress is shown.
QUICK = 10.0


@bp.get("/")
def index() -> str:
    """Show the verdict and the list of backups."""
    return render_template("backups/index.html", **_overview())


@bp.get("/overview")
def overview() -> str:
    """Show again the part of the Backups page that changes by itself."""
    return render_template("backups/overview.html", **_overview())


@bp.get("/backups/outside")
def outside() -> str:
    """Show what lies in the data folder and is in no backup."""
    return render_template("backups/outside.html", outside=parts().engine.unprotected())


@bp.post("/backups")
def back_up_now() -> AnyResponse:
    """Start a backup."""
    parts().desk.back_up_now()
    return redirect(url_for("backups.index"), 303)


@bp.post("/all-is-well")
def all_is_well() -> AnyResponse:
    """End the alarm: what looked wrong was meant."""
    parts().engine.keeper.all_is_well()
    return redirect(url_for("backups.index"), 303)


@bp.post("/backups/<name>/download")
def download(name: str) -> Response:
    """Send the browser to a link that gives the ZIP once: a download cannot carry the key."""
    token = parts().access.new_download(parts().archive(name).name)
    answer = make_response("", 204)
    answer.headers["HX-Redirect"] = url_for("backups.fetch", token=token)
    return answer


@bp.get("/download/<token>")
def fetch(token: str) -> Response:
    """Send the ZIP that the one-time token stands for."""
    archive = parts().archive(parts().access.spend_download(token))
    with translating(RepositoryUnusable, _("%(archive)s cannot be read", archive=archive.name)):
        return send_file(archive.path, "application/zip", True, archive.name, conditional=False, etag=False)


@bp.get("/backups/<name>/delete")
def confirm_delete(name: str) -> str:
    """Ask before a backup is deleted."""
    return render_template("backups/delete.html", archive=parts().archive(name))


@bp.post("/backups/<name>/delete")
def delete(name: str) -> AnyResponse:
    """Delete a backup."""
    engine, jobs, archive = parts().engine, parts().jobs, parts().archive(name)
    if "confirmed" not in request.form:
        raise NotConfirmed(_("Nothing was deleted."), hint=_("Tick the sentence above the button first."))
    job = jobs.start("delete", lambda on_progress: engine.delete(archive))
    jobs.wait(job.id, QUICK)
    return redirect(url_for("backups.index"), 303)


def _overview() -> dict[str, Any]:
    """Return what the changing part of the page shows: verdict, job, and one page of the list."""
    engine, jobs = parts().engine, parts().jobs
    archives = engine.archives()
    return {
        "verdict": verdict(),
        "job": jobs.current() or jobs.last(),
        "page": page_of(archives, request.args.get("page", 1, type=int), PER_PAGE),
        "confirmed": engine.history.confirmations(),
        "undoable": engine.undoable(),
        "alarm": engine.keeper.alarm(),
        "origin": engine.origin,
        "count": len(archives),
        "total_size": sum(archive.size for archive in archives),
        "folder": engine.backup_dir,
    }
