"""What is worth knowing before a preference is saved: a word of advice, and which backups would go."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from backup_core.engine import BackupEngine
from backup_core.errors import BackupError
from backup_core.listing import Archive
from backup_core.preferences import Preferences, accepted
from backup_core.sources import check_extra
from backup_core.text import N_, _

#: The hours and the number that are advised.
HOURS, FEWEST = 4, 10
_FEW = N_("You may choose that. A mistake that is noticed late may then be in all of them: 10 or more is safer.")


@dataclass(frozen=True)
class Advice:
    """A sentence, "" for none; and the backups that would go, None where that is not asked or cannot be told."""

    sentence: str = ""
    going: Sequence[Archive] | None = None


def on_hours(hours: float) -> Advice:
    """Return the advice on a time between two backups."""
    if hours <= HOURS:
        return Advice()
    told = f"{hours:g}"
    return Advice(
        _("You may choose that. Up to %(hours)s hours of work could be lost: 4 or fewer is safer.", hours=told)
    )


def on_keeping(keep: int, engine: BackupEngine) -> Advice:
    """Return the advice on how many to keep, with the backups that the next tidying up would delete."""
    values, faults = accepted({"keep": keep})
    if faults:
        return Advice()
    sentence = _(_FEW) if keep < FEWEST else ""
    try:
        return Advice(sentence, engine.keeper.would_go(replace(Preferences(), **values).policy))
    except BackupError:
        # The backup folder is away: the page says that elsewhere.
        return Advice(sentence)


def missing_extras(extras: Sequence[str], engine: BackupEngine) -> list[str]:
    """Return which of the further files and folders are not there now."""
    return [name for name in extras if not (engine.data_dir / check_extra(name)).exists()]
