"""How well the clinic is protected at this moment, gathered once for the page, the status bar and `/status`."""

from collections.abc import Sequence
from datetime import datetime

from flask import g

from backup_core.atwork import look
from backup_core.errors import RepositoryUnusable
from backup_core.history import Outcome, Run
from backup_core.listing import Archive, State
from backup_core.text import _

from .parts import parts
from .verdict import Evidence, Verdict, awake_since, verdict_of
from .words import date_time

_TOLD = (Outcome.MADE, Outcome.UNCHANGED, Outcome.FAILED)


def made_at(archive: Archive) -> datetime:
    """Return when the archive was made (aware UTC); for one of an old EMR, its local time as this PC reads it."""
    utc = archive.order[1]
    return utc


def good_ones(archives: Sequence[Archive], origin: str | None) -> list[Archive]:
    """Return of `archives` those that count as backups of the data folder `origin`."""
    return [archive for archive in archives if archive.is_good and not archive.safety and archive.is_of(origin)]


def damage_in(archives: Sequence[Archive], origin: str | None) -> str:
    """Return a sentence on the newest backup of a clinic that was looked into and found damaged; "" for none.

    It holds until that backup is deleted, or looked into again and found good.
    """
    mine = (one for one in archives if origin and one.is_made_of(origin))
    damaged = next((one for one in mine if one.state is State.DAMAGED and one.proof is not None), None)
    if damaged is None:
        return ""
    when = date_time(damaged.created_at)
    return _("The backup of %(when)s is damaged: %(problem)s", when=when, problem=damaged.problem)


def opened_at(mine: Sequence[Archive]) -> datetime | None:
    """Return when one of a clinic's good archives, newest first, was last opened (aware UTC).

    If none ever was, when the oldest of ours was made; None where there is none. What DocAssist itself has left from
    before our time is no reason for an alarm on the first day.
    """
    ours = [one for one in mine if one.is_ours]
    opened = (one.proof.at for one in mine if one.proof and one.proof.is_full)
    return max(opened, default=made_at(ours[-1]) if ours else None)


def listed() -> list[Archive]:
    """Return the archives, newest first, looked for once in each request; raise RepositoryUnusable."""
    if "listed" not in g:
        g.listed = parts().engine.archives()
    found: list[Archive] = g.listed
    return found


def evidence() -> Evidence:
    """Return what the verdict rests on: the newest good archive, when it was last found current, the last run.

    A backup folder that cannot be reached is part of it: the bar stands on every page, also on the one where another
    folder can be chosen. It is gathered once in each request.
    """
    if "evidence" not in g:
        try:
            g.evidence = _evidence_of(listed())
        except RepositoryUnusable as error:
            why = f"{error} {error.hint}".strip()
            g.evidence = Evidence(last_run=_last_run(), running=_is_running(), unreachable=why)
    found: Evidence = g.evidence
    return found


def _evidence_of(archives: Sequence[Archive]) -> Evidence:
    engine = parts().engine
    origin = engine.origin
    mine = good_ones(archives, origin)
    alarm = engine.keeper.alarm()
    newest = next((archive for archive in mine if archive.manifest is not None), None)
    if newest is None or newest.manifest is None:
        return Evidence(
            last_run=_last_run(), running=_is_running(), backups=len(archives), damaged=damage_in(archives, origin)
        )
    return Evidence(
        confirmed_at=engine.history.confirmations().get(newest.name, made_at(newest)),
        patients=newest.manifest.patient_count,
        visits=newest.manifest.visit_count,
        opened=newest.state is State.PROVEN,
        opened_at=opened_at(mine),
        copied_at=next((copy.at for copy in engine.copier.copies()), None),
        backups=len(archives),
        last_run=_last_run(),
        awake_since=awake_since(engine.history.runs(), parts().since, parts().now()),
        running=_is_running(),
        alarm=alarm.reason if alarm else "",
        damaged=damage_in(archives, origin),
    )


def verdict() -> Verdict:
    """Return the verdict of this moment."""
    return verdict_of(evidence(), parts().now())


def _is_running() -> bool:
    current = parts().jobs.current() or look(parts().engine.data_dir)
    return current is not None and current.kind == "create"


def _last_run() -> Run | None:
    return parts().engine.history.last(outcomes=_TOLD)
