"""The Backups page: am I safe, since when, where is it, how do I get back."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request, send_file, url_for
from werkzeug.wrappers import Response as AnyResponse

from backup_core.atwork import look
from backup_core.errors import RepositoryUnusable
from backup_core.files import translating
from backup_core.history import Action, Outcome, Run
from backup_core.jobs import Job
from backup_core.listing import Archive, size_on_disk
from backup_core.rulebook import BY_ALARM
from backup_core.text import _

from .away import or_away
from .copies import is_due
from .errors import NotConfirmed
from .paging import Page, page_of
from .parts import parts
from .picture import picture_of
from .protection import evidence, listed, made_at
from .rows import Row, row_of
from .summary import summary
from .verdict import DAMAGED_DATA, Evidence, verdict_of

bp = Blueprint("backups", __name__)

#: How many backups a page lists.
PER_PAGE = 25
#: Seconds for which a short job is waited for before its progress is shown.
QUICK = 10.0
#: For how long the page says what came of the job that ended last, and how an interrupted restore was settled.
NEWS = timedelta(minutes=10)
RECOVERED = timedelta(days=1)


@bp.get("/")
def index() -> str:
    """Show the verdict and the list of backups."""
    return render_template("backups/index.html", **_overview())


@bp.get("/overview")
@or_away
def overview() -> str:
    """Show again the parts of the Backups page that change by themselves."""
    return render_template("backups/changes.html", **_overview())


@bp.get("/picture")
@or_away
def picture() -> str:
    """Show the history as a picture."""
    engine, now = parts().engine, parts().now()
    origin, archives = engine.origin, _archives()
    drawn = picture_of(engine.history.runs(), [one for one in archives if one.is_of(origin)], now)
    return render_template("backups/picture.html", picture=drawn, summary=summary(drawn))


@bp.get("/backups/outside")
@or_away
def outside() -> str:
    """Show what lies in the data folder and is in no backup, and what DocAssist itself has left beside them."""
    engine = parts().engine
    others = engine.repository.left_alone()
    return render_template("backups/outside.html", outside=engine.unprotected(), others=others)


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
    """Return what the changing parts of the page show: verdict, what runs, what waits, and one page of the list."""
    engine, jobs, desk = parts().engine, parts().jobs, parts().desk
    facts, archives = evidence(), _archives()
    job, alarm = jobs.current() or jobs.last(), engine.keeper.alarm()
    return {
        "verdict": verdict_of(facts, parts().now()),
        "job": job,
        "news": _news(job),
        "elsewhere": None if job and job.state == "running" else look(engine.data_dir),
        "due": desk.next_due(),
        "hold": desk.hold(),
        "paused_until": desk.paused_until(),
        "page": _page(archives),
        "confirmed": engine.history.confirmations(),
        "undoable": engine.undoable(archives),
        "alarm": alarm,
        "before_alarm": _pinned_by_alarm(archives),
        "armed": engine.armed(),
        "recovered": _recovered(),
        "rescue": _rescue(facts),
        "copy_due": is_due(made_at(archives[-1]), parts().now()) if archives else False,
        "count": len(archives),
        "total_size": size_on_disk(archives),
        "folder": engine.backup_dir,
        "as_extra": False,
    }


def _archives() -> list[Archive]:
    """Return the archives, newest first; none where their folder cannot be reached, which the verdict says."""
    try:
        return listed()
    except RepositoryUnusable:
        return []


def _page(archives: list[Archive]) -> Page[Row]:
    """Return one page of the list, with what is said of each backup."""
    if not archives:
        return page_of([], 1, PER_PAGE)
    engine, local = parts().engine, parts().clock.local()
    shown = page_of(archives, request.args.get("page", 1, type=int), PER_PAGE)
    reasons, pins, origin = engine.keeper.reasons(engine.policy, archives), engine.keeper.pins, engine.origin
    rows = [
        row_of(one, origin=origin, reason=reasons.get(one.name), pin=pins.get(one.name), now=local)
        for one in shown.items
    ]
    return Page(rows, shown.number, shown.last)


def _news(job: Job | None) -> Job | None:
    """Return the job that ended last, as long as it is news."""
    if job is None or job.finished_at is None:
        return None
    return job if parts().now() - job.finished_at < NEWS else None


def _recovered() -> Run | None:
    """Return how an interrupted restore was settled, for a day; nothing where a restore was made after it."""
    restores = (Action.RESTORE, Action.UNDO, Action.RECOVER)
    last = next((run for run in parts().engine.history.runs(200) if run.action in restores), None)
    if last is None or last.action is not Action.RECOVER or parts().now() - last.started_at > RECOVERED:
        return None
    return last


def _pinned_by_alarm(archives: list[Archive]) -> Archive | None:
    """Return the last good backup before what looks wrong."""
    pins = parts().engine.keeper.pins
    return next((archive for archive in archives if pins.get(archive.name) == BY_ALARM), None)


def _rescue(facts: Evidence) -> Archive | None:
    """Return the backup to go back to where today's data is damaged, else None."""
    failed = facts.last_run is not None and facts.last_run.outcome is Outcome.FAILED
    if not failed or facts.last_run is None or facts.last_run.code != DAMAGED_DATA or facts.unreachable:
        return None
    return parts().engine.best_archive()
