"""The Activity page: everything that was done, newest first, what others removed, and when nobody was there."""

import os
from collections.abc import Mapping
from pathlib import Path

from flask import Blueprint, render_template, request

from backup_core.diagnostics import diagnostics
from backup_core.errors import BackupError
from backup_core.gaps import gaps
from backup_core.history import Action, Outcome, Run
from backup_core.logs import last_lines, log_file
from backup_core.text import N_
from backup_core.vanished import vanished

from .paging import page_of
from .parts import parts

bp = Blueprint("activity", __name__)

PER_PAGE = 50
#: How many lines of the log are shown.
LINES = 300

#: What can be asked for, with its words; "" is everything.
KINDS: Mapping[str, tuple[str, frozenset[Action]]] = {
    "": (N_("Everything"), frozenset(Action)),
    "backups": (N_("Backups"), frozenset({Action.BACKUP, Action.POSTPONE})),
    "restores": (N_("Restores"), frozenset({Action.RESTORE, Action.UNDO, Action.RECOVER})),
    "checks": (N_("Checks"), frozenset({Action.PROVE})),
    "places": (N_("Tidying up, copies, moves"), frozenset({Action.PRUNE, Action.DELETE, Action.COPY, Action.MOVE})),
}


@bp.get("/activity")
def index() -> str:
    """Show one page of the runs of a kind, or of those that failed."""
    runs = parts().engine.history.runs()
    kind, failed = request.args.get("kind", ""), "failed" in request.args
    _words, actions = KINDS.get(kind, KINDS[""])
    wanted = [run for run in runs if run.action in actions and (not failed or run.outcome is Outcome.FAILED)]
    return render_template(
        "activity/index.html",
        page=page_of(wanted, request.args.get("page", 1, type=int), PER_PAGE),
        kinds={name: words for name, (words, _actions) in KINDS.items()},
        kind=kind if kind in KINDS else "",
        failed=failed,
        is_empty=not runs,
        gaps={gap.before: gap for gap in gaps(runs)},
        removed=_removed(runs),
    )


@bp.get("/activity/log")
def log() -> str:
    """Show the end of the log file."""
    return render_template("activity/log.html", lines=last_lines(LINES), path=log_file())


@bp.get("/activity/diagnostics")
def diagnose() -> str:
    """Show what somebody who helps needs to know, to be copied."""
    text = diagnostics(parts().engine, parts().settings.read())
    return render_template("activity/diagnostics.html", text=text)


def _removed(runs: list[Run]) -> list[Run]:
    """Return the runs whose backups have gone although nobody of ours deleted them; none where nobody can look."""
    engine = parts().engine
    # Not Path.is_dir: it raises where a drive has failed, and the look at the archives tells that better.
    known = (engine.backup_dir, *engine.repository.older)
    folders: set[Path] = {folder for folder in known if os.path.isdir(folder)}  # noqa: PTH112
    try:
        present = {archive.name for archive in engine.archives()}
    except BackupError:
        return []
    return vanished(runs, present, folders)
