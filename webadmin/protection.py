"""How well the clinic is protected at this moment, gathered once for the page, the status bar and `/status`."""

from datetime import datetime

from backup_core.errors import RepositoryUnusable
from backup_core.history import Outcome
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
    engine, current = parts().engine, parts().jobs.current()
    last_run = engine.history.last(outcomes=_TOLD)
    running = current is not None and current.kind == "create"
    try:
        count, newest = len(engine.archives()), engine.last_good()
    except RepositoryUnusable as error:
        return Evidence(last_run=last_run, running=running, unreachable=f"{error} {error.hint}".strip())
    alarm = engine.keeper.alarm()
    if newest is None or newest.manifest is None:
        return Evidence(last_run=last_run, running=running, backups=count)
    return Evidence(
        confirmed_at=engine.history.confirmations().get(newest.name, made_at(newest)),
        patients=newest.manifest.patient_count,
        visits=newest.manifest.visit_count,
        opened=newest.state is State.PROVEN,
        backups=count,
        last_run=last_run,
        running=running,
        alarm=alarm.reason if alarm else "",
    )


def verdict() -> Verdict:
    """Return the verdict of this moment."""
    return verdict_of(evidence(), parts().now())
