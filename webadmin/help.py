"""The Help page: how to get the records back, where everything is on this PC, the keys, and the self-test."""

from pathlib import Path
from typing import Any

from flask import Blueprint, render_template

from backup_core.errors import BackupError
from backup_core.files import PRIVATE
from backup_core.listing import Archive
from backup_core.logs import log_file
from backup_core.places import state_folder
from backup_core.progress import OnProgress, Progress, Stage
from backup_core.selftest import Tested, self_test

from .parts import parts

bp = Blueprint("help", __name__)


@bp.get("/help")
def index() -> str:
    """Show the help, with the places of this PC."""
    engine = parts().engine
    return render_template(
        "help/index.html",
        data_dir=engine.data_dir,
        backup_dirs=[engine.backup_dir, *engine.repository.older],
        copies=_places_of_copies(),
        log=log_file(),
        own=engine.data_dir / PRIVATE,
        command=parts().settings.read().emr_command,
        best=_best(),
        now=parts().now(),
        **_selftest(),
    )


@bp.post("/help/selftest")
def try_it() -> str:
    """Start the self-test, in a folder of its own, and show how far it is."""

    def work(on_progress: OnProgress) -> Tested:
        return self_test(state_folder(), lambda done, total: on_progress(Progress(Stage.SELF_TEST, done, total)))

    parts().jobs.start("selftest", work)
    return selftest()


@bp.get("/help/selftest")
def selftest() -> str:
    """Show how far the self-test is, or what came of it."""
    return render_template("help/selftest.html", **_selftest())


def _selftest() -> dict[str, Any]:
    """Return the self-test that runs, or the last one if it was the last job."""
    job = parts().jobs.current() or parts().jobs.last()
    tested = job if job is not None and job.kind == "selftest" else None
    return {"job": tested, "tested": tested.result if tested else None}


def _places_of_copies() -> list[Path]:
    """Return where copies were put; none where the drive of the data has failed, when this page is wanted most."""
    try:
        return list(dict.fromkeys(copy.path.parent for copy in parts().engine.copier.copies()))
    except BackupError:
        return []


def _best() -> Archive | None:
    """Return the backup that one would put back now; None where there is none, or the folder is away."""
    try:
        return parts().engine.best_archive()
    except BackupError:
        return None
