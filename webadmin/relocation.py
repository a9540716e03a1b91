"""Backups in earlier backup folders: listed where they are, moved on request, or no longer looked at."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from backup_core.errors import BackupError
from backup_core.history import Trigger
from backup_core.listing import Archive, size_on_disk
from backup_core.progress import OnProgress

from .parts import parts

bp = Blueprint("relocation", __name__)


@dataclass(frozen=True)
class Earlier:
    """One earlier folder: what lies in it, how much of that is ours to move, and whether it is there now."""

    folder: str
    count: int
    size: int
    movable: int
    is_there: bool


@bp.get("/preferences/earlier")
def show() -> str:
    """Show again what lies in earlier folders, and how far a move is."""
    return render_template(
        "preferences/earlier.html", earlier=earlier(), job=parts().jobs.current() or parts().jobs.last()
    )


@bp.post("/preferences/earlier/move")
def move() -> Response:
    """Start moving the backups of earlier folders into the present one."""
    engine, settings, desk = parts().engine, parts().settings, parts().desk

    def work(on_progress: OnProgress) -> int:
        moved = engine.mover.move(Trigger.MANUAL, on_progress)
        empty = {str(folder) for folder in engine.repository.older if _is_empty(folder, engine.archives())}
        before = settings.read()
        settings.save(replace(before, older_dirs=tuple(one for one in before.older_dirs if one not in empty)))
        desk.preferences_changed()
        return moved

    parts().jobs.start("move", work)
    return redirect(url_for("preferences.index"), 303)


@bp.post("/preferences/earlier/forget")
def forget() -> Response:
    """Look no longer at one earlier folder; nothing in it is touched."""
    before, folder = parts().settings.read(), request.form.get("folder", "")
    if folder not in before.older_dirs:
        raise NotFound
    parts().settings.save(replace(before, older_dirs=tuple(one for one in before.older_dirs if one != folder)))
    parts().desk.preferences_changed()
    return redirect(url_for("preferences.index"), 303)


def earlier() -> list[Earlier]:
    """Return the earlier folders of the preferences; without a backup folder, none."""
    engine = parts().engine
    try:
        archives, waiting = engine.archives(), engine.mover.waiting()
    except BackupError:
        return []
    return [
        Earlier(
            folder,
            len(inside := _inside(Path(folder), archives)),
            size_on_disk(inside),
            len(_inside(Path(folder), waiting)),
            Path(folder).is_dir(),
        )
        for folder in parts().settings.read().older_dirs
    ]


def _inside(folder: Path, archives: Sequence[Archive]) -> list[Archive]:
    return [archive for archive in archives if archive.path.is_relative_to(folder)]


def _is_empty(folder: Path, archives: Sequence[Archive]) -> bool:
    return folder.is_dir() and not _inside(folder, archives)
