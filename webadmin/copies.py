"""Save a copy…: the drives found, a copy of the newest checked backup on one of them, and what came of it."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from backup_core.copies import Copy
from backup_core.drives import Drive, drives
from backup_core.errors import UnknownArchive
from backup_core.folders import drives as folder_drives
from backup_core.folders import home_places, list_folder, shown
from backup_core.history import Trigger
from backup_core.listing import Archive
from backup_core.text import _

from .errors import NotConfirmed
from .parts import parts

bp = Blueprint("copies", __name__)

#: After so much time without a copy elsewhere, the home page says so.
OLD_AFTER = timedelta(days=7)


@bp.get("/copies")
def index() -> str:
    """Show where a copy could go."""
    engine = parts().engine
    found = drives(apart_from=(engine.data_dir, engine.backup_dir))
    copies = engine.copier.copies()
    return render_template(
        "copies/index.html",
        archive=_chosen(),
        drives=found,
        others=_other_folders(copies, found),
        last={drive.path: _last_on(drive.path, copies) for drive in found},
        copies=copies,
        **_look_at(""),
    )


@bp.post("/copies/folders")
def folders() -> str:
    """Show what lies in a folder, or where one can begin to look."""
    archive = _chosen()
    if archive is None:
        raise UnknownArchive(_("There is no backup to copy yet."), hint=_("Click Backup Now first."))
    return render_template("copies/folders.html", archive=archive, **_look_at(request.form.get("at", "")))


@bp.post("/copies")
def save() -> Response:
    """Start copying."""
    archive, engine = _chosen(), parts().engine
    if archive is None:
        raise UnknownArchive(_("There is no backup to copy yet."), hint=_("Click Backup Now first."))
    place = request.form.get("folder", "").strip() or request.form.get("place", "")
    if not place:
        raise NotConfirmed(_("No drive was chosen."), hint=_("Choose one of the list, or type a folder."))
    job = parts().jobs.start(
        "copy", lambda on_progress: engine.copier.save(archive, Path(place), Trigger.MANUAL, on_progress)
    )
    return redirect(url_for("copies.progress", job_id=job.id), 303)


@bp.get("/copies/<job_id>")
def progress(job_id: str) -> str:
    """Show how far the copy is, or what came of it."""
    job = parts().jobs.get(job_id)
    if job is None or job.kind != "copy":
        raise NotFound
    return render_template("copies/progress.html", job=job)


def last_copy() -> Copy | None:
    """Return the copy that was made last, or None."""
    return next(iter(parts().engine.copier.copies()), None)


def is_due(first_backup: datetime | None, now: datetime) -> bool:
    """Return whether a copy elsewhere is overdue: the last one, or else the first backup, is over OLD_AFTER old."""
    last = last_copy()
    since = last.at if last else first_backup
    return since is not None and now - since > OLD_AFTER


def _chosen() -> Archive | None:
    """Return the backup that was asked for, else the newest that was opened and checked, or None without any."""
    name = request.values.get("name", "")
    return parts().archive(name) if name else parts().engine.best_archive()


def _look_at(place: str) -> dict[str, Any]:
    """Return the folders to choose from: those in `place`, or where one can begin; what is no text is left out."""
    folder = Path(place.replace("\0", ""))
    listing = list_folder(folder) if folder.is_absolute() else None
    found = (
        [(entry.path, entry.name) for entry in listing.folders]
        if listing
        else [(start.path, start.label) for start in [*home_places(), *folder_drives()]]
    )
    return {"listing": listing, "places": [(path, label) for path, label in found if shown(str(path)) == str(path)]}


def _other_folders(copies: list[Copy], found: list[Drive]) -> list[Path]:
    """Return the folders of earlier copies that are still there and on none of the drives found."""
    places = {copy.path.parent.parent: None for copy in copies}
    return [place for place in places if place.is_dir() and not any(place == drive.path for drive in found)]


def _last_on(place: Path, copies: list[Copy]) -> Copy | None:
    return next((copy for copy in copies if copy.path.is_relative_to(place)), None)
