"""The status bar at the foot of every page, and the same facts as JSON."""

from typing import Any

from flask import Blueprint, Response, jsonify, render_template

from backup_core.jobs import Job

from .parts import parts
from .protection import evidence
from .verdict import Evidence, verdict_of

bp = Blueprint("status", __name__)


@bp.get("/status")
def status() -> Response:
    """Return the state of the backups as JSON."""
    return jsonify(report())


@bp.get("/bar")
def bar() -> str:
    """Return the status bar."""
    return render_template("status/bar.html")


def bar_facts() -> dict[str, Any]:
    """Return what the status bar shows, on whatever page it stands."""
    desk = parts().desk
    return {
        "protection": evidence(),
        "job": parts().jobs.current(),
        "due": desk.next_due(),
        "hold": desk.hold(),
        "emr": desk.emr_state(),
        "caretaker": desk.caretaker(),
    }


def report() -> dict[str, Any]:
    """Return last backup, next due, running job, EMR state and counts; times are ISO 8601 in UTC."""
    facts, desk, job = evidence(), parts().desk, parts().jobs.current()
    due, paused = desk.next_due(), desk.paused_until()
    return {
        "verdict": verdict_of(facts, parts().now()).level.value,
        "last_backup": facts.confirmed_at and facts.confirmed_at.isoformat(),
        "next_due": due and due.isoformat(),
        "hold": desk.hold(),
        "paused_until": paused and paused.isoformat(),
        "job": job and _job(job),
        "emr": desk.emr_state(),
        "counts": _counts(facts),
        "caretaker": desk.caretaker(),
        "sample": parts().sample,
        "notices": desk.notices(),
    }


def _job(job: Job) -> dict[str, Any]:
    """Return a running job as plain values; `done` and `total` are bytes of its stage, `total` 0 if not known."""
    return {
        "id": job.id,
        "kind": job.kind,
        "trigger": job.trigger,
        "started_at": job.started_at.isoformat(),
        "stage": job.stage and job.stage.value,
        "done": job.done,
        "total": job.total,
    }


def _counts(facts: Evidence) -> dict[str, int]:
    """Return what the newest good backup holds, and how many backups there are."""
    return {"patients": facts.patients, "visits": facts.visits, "backups": facts.backups}
