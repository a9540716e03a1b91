"""The one line that says whether the clinic's data is safe. Pure: facts in, sentences out."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from backup_core.history import Outcome, Run
from webadmin.words import ago, count, date_time

OLD_AFTER = timedelta(hours=24)


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
    #: How many backups there are, of whatever state.
    backups: int = 0
    last_run: Run | None = None
    #: Whether a backup is being made.
    running: bool = False
    #: What looks wrong in the newest backup, until somebody says that all is well; "" where nothing does.
    alarm: str = ""
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
        return Verdict(Level.FAILED, "The backup folder cannot be reached", facts.unreachable)
    if facts.last_run is not None and facts.last_run.outcome is Outcome.FAILED and not facts.running:
        return _failed(facts, facts.last_run, now)
    if facts.confirmed_at is None:
        coming = "The first one is being made." if facts.running else "Click Backup Now to make the first one."
        return Verdict(Level.NONE, "No backup yet", coming)
    evidence = f"Last backup {_held(facts, facts.confirmed_at, now)}"
    if facts.alarm:
        return Verdict(Level.OLD, "Something looks wrong", f"{facts.alarm} {evidence}")
    if now - facts.confirmed_at > OLD_AFTER:
        return Verdict(Level.OLD, "Your last backup is getting old", evidence, "Click Backup Now.")
    return Verdict(Level.GOOD, "Protected on this PC", evidence)


def _failed(facts: Evidence, run: Run, now: datetime) -> Verdict:
    before = "There is no backup yet."
    if facts.confirmed_at is not None:
        before = f"The last good one was {_held(facts, facts.confirmed_at, now)}"
    evidence = f"{date_time(run.started_at.astimezone())}: {run.reason} {before}"
    return Verdict(Level.FAILED, "The last backup did not work", evidence, _WHEN_FAILED)


def _held(facts: Evidence, confirmed_at: datetime, now: datetime) -> str:
    checked = "opened and checked" if facts.opened else "checked"
    held = f"{count(facts.patients, 'patient')}, {count(facts.visits, 'visit')}"
    return f"{ago(now - confirmed_at)}, {checked}: {held}."


_WHEN_FAILED = "It is tried again by itself. You can also click Backup Now."
