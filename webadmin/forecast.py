"""How long a restore takes on this PC, learnt from what was done here before. Pure."""

from collections.abc import Sequence

from backup_core.history import Action, Outcome, Run
from backup_core.listing import Archive
from backup_core.text import _
from webadmin.words import count, lasted

_RESTORES = (Action.RESTORE, Action.UNDO)


def forecast(archive: Archive, runs: Sequence[Run]) -> str:
    """Return a sentence on how long putting back `archive` takes; `runs` are newest first."""
    restored = [(run.duration, _size(run)) for run in runs if _went_well(run, _RESTORES) and _size(run)]
    if restored:
        duration, size = min(restored, key=lambda one: abs(one[1] - archive.size))
        seconds = duration * max(1.0, archive.size / size)
        return _("On this PC it takes about %(time)s, as restores before it did.", time=_about(seconds))
    backed_up = [run.duration for run in runs if run.action is Action.BACKUP and run.outcome is Outcome.MADE]
    opened = [run.duration for run in runs if _went_well(run, (Action.PROVE,))]
    if archive.proof is not None and archive.proof.duration:
        opened = [archive.proof.duration]
    if backed_up and opened:
        # A restore keeps today's data first, as a backup does, and unpacks the other, as opening it does.
        time = _about(backed_up[0] + opened[0])
        return _(
            "On this PC it should take about %(time)s, as long as backing up and opening one took here.", time=time
        )
    return _("How long it takes is not known yet: none was tried on this PC. Checking the backup first tells.")


def _went_well(run: Run, actions: Sequence[Action]) -> bool:
    return run.action in actions and run.outcome is Outcome.DONE


def _size(run: Run) -> int:
    size = run.facts.get("size")
    return size if isinstance(size, int) else 0


def _about(seconds: float) -> str:
    """Return a duration that promises no more than is known: whole seconds, and tens of them above half a minute."""
    rounded = max(1, round(seconds))
    if rounded < 10:
        return count(rounded, "second")
    return lasted(rounded if rounded < 30 else -(-rounded // 10) * 10)
