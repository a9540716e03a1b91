"""How well the clinic is protected at this moment, gathered once for the page, the status bar and `/status`."""

from collections.abc import Sequence
from datetime import datetime

from backup_core.atwork import look
from backup_core.errors import RepositoryUnusable
from backup_core.history import Action, Outcome, Run
from backup_core.listing import Archive, State

from .parts import parts
from .verdict import Evidence, Verdict, verdict_of

_TOLD = (Outcome.MADE, Outcome.UNCHANGED, Outcome.FAILED)


def made_at(archive: Archive) -> datetime:
    """Return when the archive was made (aware UTC); for one of an old EMR, its local time as this PC reads it."""
    _, utc, _ = archive.order
    return utc


def evidence() -> Evidence:
    """Return what the verdict rests on: the newest good archive, when it was last found current, the last run.

    A backup folder that cannot be reached is part of it: the bar stands on every page, also on the one where another
    folder can be chosen.
    """
    try:
        return evidence_of(parts().engine.archives())
    except RepositoryUnusable as error:
        return Evidence(last_run=_last_run(), running=_is_running(), unreachable=f"{error} {error.hint}".strip())


def evidence_of(archives: Sequence[Archive]) -> Evidence:
    """Return the same for archives, newest first, that were just listed."""
    engine = parts().engine
    origin = engine.origin
    mine = [archive for archive in archives if archive.is_good and not archive.safety and archive.is_of(origin)]
    alarm = engine.keeper.alarm()
    newest = next((archive for archive in mine if archive.manifest is not None), None)
    if newest is None or newest.manifest is None:
        return Evidence(last_run=_last_run(), running=_is_running(), backups=len(archives))
    return Evidence(
        confirmed_at=engine.history.confirmations().get(newest.name, made_at(newest)),
        patients=newest.manifest.patient_count,
        visits=newest.manifest.visit_count,
        opened=newest.state is State.PROVEN,
        opened_at=max((one.proof.at for one in mine if one.proof), default=made_at(mine[-1])),
        copied_at=next((copy.at for copy in engine.copier.copies()), None),
        backups=len(archives),
        last_run=_last_run(),
        awake_since=_awake_since(),
        running=_is_running(),
        alarm=alarm.reason if alarm else "",
    )


def verdict() -> Verdict:
    """Return the verdict of this moment."""
    return verdict_of(evidence(), parts().now())


def _is_running() -> bool:
    current = parts().jobs.current() or look(parts().engine.data_dir)
    return current is not None and current.kind == "create"


def _last_run() -> Run | None:
    return parts().engine.history.last(outcomes=_TOLD)


def _awake_since() -> datetime:
    """Return when today's first attempt began; before it, when this launcher did."""
    today = parts().now().astimezone().date()
    first = parts().since
    for run in parts().engine.history.runs():
        if run.started_at.astimezone().date() != today:
            break
        if run.action is Action.BACKUP:
            first = run.started_at
    return first
