"""The one line that says whether the clinic's data is safe. Pure: facts in, sentences out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from backup_core.due import CLOCK_TOLERANCE
from backup_core.history import Action, Outcome, Run
from backup_core.text import N_, _
from webadmin.words import ago, count, date_time, day

OLD_AFTER = timedelta(hours=24)
#: How long today's first run may take before anybody is alarmed: that a Sunday brought no backup is no fault.
GRACE = timedelta(minutes=10)
#: Without any backup opened for so long, it is time that somebody looks.
UNOPENED_AFTER = timedelta(days=7)

#: How a run fails where a live database is damaged.
DAMAGED_DATA = "source-damaged"


class Level(StrEnum):
    """How the verdict is coloured; its words say the same."""

    GOOD = "good"
    OLD = "old"
    FAILED = "failed"
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the verdict rests on: the newest good backup, the last run, and what keeps us from looking."""

    #: When the newest good backup was made, or last found to hold today's data (aware); None where there is none.
    confirmed_at: datetime | None = None
    patients: int = 0
    visits: int = 0
    #: Whether that backup was also opened, as DocAssist would open it.
    opened: bool = False
    #: When a backup was last opened, or the oldest one made if none ever was (aware); None where there is none.
    opened_at: datetime | None = None
    #: When a copy was last kept elsewhere (aware); None for never.
    copied_at: datetime | None = None
    #: How many backups there are, of whatever state.
    backups: int = 0
    last_run: Run | None = None
    #: When the first run of today began, or DocAssist Backup itself if there was none yet (aware).
    awake_since: datetime | None = None
    #: Whether a backup is being made.
    running: bool = False
    #: What looks wrong in the newest backup, until somebody says that all is well; "" where nothing does.
    alarm: str = ""
    #: Which backup was found damaged, as a sentence, until it is deleted or found good; "" for none.
    damaged: str = ""
    #: Why the backup folder cannot be read, and what to do; "" where it can.
    unreachable: str = ""


@dataclass(frozen=True)
class Verdict:
    """A headline, a sentence of evidence, and what to do where something is to be done."""

    level: Level
    headline: str
    evidence: str
    advice: str = ""


def verdict_of(facts: Evidence, now: datetime) -> Verdict:
    """Return the verdict at `now` (aware)."""
    if facts.unreachable:
        return Verdict(Level.FAILED, _("The backup folder cannot be reached"), facts.unreachable)
    if facts.last_run is not None and facts.last_run.outcome is Outcome.FAILED and not facts.running:
        return _failed(facts, facts.last_run, now)
    if facts.confirmed_at is None:
        coming = _("The first one is being made.") if facts.running else _("Click Backup Now to make the first one.")
        return Verdict(Level.NONE, _("No backup yet"), f"{facts.damaged} {coming}".strip())
    evidence = _(
        "Last backup %(held)s %(copied)s", held=_held(facts, facts.confirmed_at, now), copied=_copied(facts, now)
    )
    if facts.alarm:
        return Verdict(Level.OLD, _("Something looks wrong"), f"{facts.alarm} {evidence}")
    if facts.confirmed_at - now > CLOCK_TOLERANCE:
        return _clock_is_wrong(facts.confirmed_at, now)
    if now - facts.confirmed_at > OLD_AFTER:
        return _old(facts, evidence, now)
    if facts.damaged:
        return Verdict(Level.OLD, _("A backup is damaged"), f"{facts.damaged} {evidence}", _(_WHEN_ONE_IS_DAMAGED))
    if facts.opened_at is not None and is_unopened(facts.opened_at, now):
        unopened = _(
            "For %(days)s no backup was opened and looked into.", days=count((now - facts.opened_at).days, "day")
        )
        return Verdict(Level.OLD, _("Backed up, but not opened"), f"{evidence} {unopened}", _(_WHEN_UNOPENED))
    return Verdict(Level.GOOD, _("Protected on this PC"), evidence)


def is_old(confirmed_at: datetime, now: datetime, awake_since: datetime | None) -> bool:
    """Return whether the newest good backup calls for somebody: not while today's first one may still be coming."""
    if now - confirmed_at <= OLD_AFTER:
        return False
    return awake_since is None or not timedelta() <= now - awake_since < GRACE


def is_unopened(opened_at: datetime | None, now: datetime) -> bool:
    """Return whether backups have been made for long without one being opened."""
    return opened_at is not None and now - opened_at > UNOPENED_AFTER


def awake_since(runs: Iterable[Run], since: datetime, now: datetime) -> datetime:
    """Return when today's first attempt at a backup began; before it, `since`, when the launcher did (all aware)."""
    today, first = now.astimezone().date(), since
    # Newest first.
    for run in runs:
        if run.started_at.astimezone().date() != today:
            break
        if run.action is Action.BACKUP:
            first = run.started_at
    return first


def _old(facts: Evidence, evidence: str, now: datetime) -> Verdict:
    """Return the verdict on a backup of more than a day ago: no alarm while today's first one may still be coming."""
    if facts.running:
        return Verdict(Level.NONE, _("Today's backup is being made"), evidence)
    if facts.confirmed_at is not None and not is_old(facts.confirmed_at, now, facts.awake_since):
        return Verdict(Level.NONE, _("Today's backup comes in a moment"), evidence)
    return Verdict(Level.OLD, _("Your last backup is getting old"), evidence, _("Click Backup Now."))


def _clock_is_wrong(made: datetime, now: datetime) -> Verdict:
    evidence = _(
        "It says %(today)s, but your newest backup was made on %(day)s.",
        today=day(now.astimezone()),
        day=day(made.astimezone()),
    )
    return Verdict(Level.OLD, _("The clock of this PC looks wrong"), evidence, _(_WHEN_CLOCK_IS_WRONG))


def _failed(facts: Evidence, run: Run, now: datetime) -> Verdict:
    before = _("There is no backup yet.")
    if facts.confirmed_at is not None:
        before = _("The last good one was %(held)s", held=_held(facts, facts.confirmed_at, now))
    evidence = f"{date_time(run.started_at.astimezone())}: {run.reason} {before}"
    if run.code == DAMAGED_DATA:
        return Verdict(Level.FAILED, _("DocAssist's data is damaged"), evidence, _(_WHEN_DAMAGED))
    return Verdict(Level.FAILED, _("The last backup did not work"), evidence, _(_WHEN_FAILED))


def _held(facts: Evidence, confirmed_at: datetime, now: datetime) -> str:
    checked = _("opened and checked") if facts.opened else _("checked, not yet opened")
    held = f"{count(facts.patients, 'patient')}, {count(facts.visits, 'visit')}"
    return f"{ago(now - confirmed_at)}, {checked}: {held}."


def _copied(facts: Evidence, now: datetime) -> str:
    return _("Last copy elsewhere: %(ago)s.", ago=ago(now - facts.copied_at) if facts.copied_at else _("never"))


_WHEN_FAILED = N_("It is tried again by itself. You can also click Backup Now.")
_WHEN_DAMAGED = N_(
    "Your backups are not touched by this. Put back the newest good one, or ask for help before you go on."
)
_WHEN_ONE_IS_DAMAGED = N_(
    "Your other backups are not touched by this. Choose Check in its menu to try it once more, or delete it."
)
_WHEN_UNOPENED = N_("Choose Check in the menu of the newest backup. It changes nothing.")
_WHEN_CLOCK_IS_WRONG = N_("Set the date and time of this PC. Backups go on meanwhile.")
