"""What one can do with a backup besides restoring it: check it, compare it, keep it; and stop what is running."""

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from backup_core.progress import OnProgress
from backup_core.proofs import Proof
from backup_core.text import _

from .comparison import compare
from .errors import TooLate
from .parts import parts

bp = Blueprint("care", __name__)


@bp.post("/backups/<name>/check")
def check(name: str) -> Response:
    """Start trying a restore of the backup in a sandbox: every byte read, both stores opened and asked."""
    engine, archive = parts().engine, parts().archive(name)

    def work(on_progress: OnProgress) -> Proof:
        return engine.prove(archive, on_progress=on_progress)

    parts().jobs.start("prove", work)
    return redirect(url_for("backups.index"), 303)


@bp.post("/backups/<name>/keep")
def keep(name: str) -> Response:
    """Keep a backup for ever, or no longer than the others."""
    parts().engine.keeper.keep_for_ever(parts().archive(name), keep=request.form.get("keep") == "yes")
    return redirect(url_for("backups.index", page=request.args.get("page", 1, type=int)), 303)


@bp.get("/backups/<name>/compare")
def comparison(name: str) -> str:
    """Show the backup beside today's data, and the first entries that it lacks or has in an older form."""
    archive, engine = parts().archive(name), parts().engine
    return render_template("care/comparison.html", archive=archive, comparison=compare(archive, engine.holdings()))


@bp.get("/backups/<name>/compare/all")
def to_print(name: str) -> str:
    """Show every entry that the backup lacks or has in an older form, with all that was written in it, for paper."""
    archive = parts().archive(name)
    losses = parts().engine.compare(archive, in_full=True)
    return render_template("care/to_print.html", archive=archive, losses=losses)


@bp.post("/jobs/<job_id>/cancel")
def cancel(job_id: str) -> tuple[str, int]:
    """Stop what is running, if everything can still be left as it was; the page that shows it tells the rest."""
    job = parts().jobs.get(job_id)
    if job is None:
        raise NotFound
    if not parts().jobs.cancel(job_id) and not job.stopping and job.state != "cancelled":
        raise TooLate(_("It is too late to cancel that."), hint=_("It is nearly done: go back and look."))
    return "", 204
