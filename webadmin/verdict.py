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


@dataclass(frozen=True)
class Evidence:
    """What the verdict rests on: the newest good backup as it was last made or confirmed, and the last run."""

    confirmed_at: datetime | None
    patients: int
    visits: int
    last_run: Run | None
    running: bool
    #: Whether that backup was also opened, as DocAssist would open it.
    opened: bool = False


@dataclass(frozen=True)
class Verdict:
    """A headline, a sentence of evidence, and what to do where something is to be done."""

    level: Level
    headline: str
    evidence: str
    advice: str = ""


def verdict_of(facts: Evidence, now: datetime) -> Verdict:
    """Return the verdict at `now` (aware)."""
    if facts.confirmed_at is None:
        last = "There is no backup yet."
    else:
        checked = "opened and checked" if facts.opened else "checked"
        held = f"{count(facts.patients, 'patient')}, {count(facts.visits, 'visit')}"
        last = f"Last backup {ago(now - facts.confirmed_at)}, {checked}: {held}."
    if facts.last_run is not None and facts.last_run.outcome is Outcome.FAILED and not facts.running:
        when = date_time(facts.last_run.started_at.astimezone())
        evidence = f"{when}: {facts.last_run.reason} {last.replace('Last backup', 'The last good one was')}"
        return Verdict(Level.FAILED, "The last backup did not work", evidence, _WHEN_FAILED)
    if facts.confirmed_at is None:
        coming = "The first one is being made." if facts.running else "Click Backup Now to make the first one."
        return Verdict(Level.NONE, "No backup yet", coming)
    if now - facts.confirmed_at > OLD_AFTER:
        return Verdict(Level.OLD, "Your last backup is getting old", last, "Click Backup Now.")
    return Verdict(Level.GOOD, "Protected on this PC", last)


_WHEN_FAILED = "It is tried again by itself. You can also click Backup Now."
