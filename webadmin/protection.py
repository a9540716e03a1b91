"""How well the clinic is protected at this moment, gathered once for the page, the status bar and `/status`."""

from datetime import UTC, datetime

from backup_core.history import Outcome
from backup_core.listing import Archive, State

from .parts import parts
from .verdict import Evidence, Verdict, verdict_of

_TOLD = (Outcome.MADE, Outcome.UNCHANGED, Outcome.FAILED)


def made_at(archive: Archive) -> datetime:
    """Return when the archive was made (aware UTC); for one of an old EMR, its local time as this PC reads it."""
    known = archive.manifest.created_at_utc if archive.manifest else None
    return known or archive.created_at.astimezone(UTC)


def evidence() -> Evidence:
    """Return what the verdict rests on: the newest good archive, when it was last found current, the last run."""
    engine, jobs = parts().engine, parts().jobs
    newest, current = engine.last_good(), jobs.current()
    return Evidence(
        confirmed_at=engine.history.confirmations().get(newest.name, made_at(newest)) if newest else None,
        patients=newest.manifest.patient_count if newest and newest.manifest else 0,
        visits=newest.manifest.visit_count if newest and newest.manifest else 0,
        opened=newest is not None and newest.state is State.PROVEN,
        last_run=engine.history.last(outcomes=_TOLD),
        running=current is not None and current.kind == "create",
    )


def verdict() -> Verdict:
    """Return the verdict of this moment."""
    return verdict_of(evidence(), parts().now())
