"""One backup run: an archive made, or the newest one found to hold this very state."""

import logging
from collections.abc import Callable, Sequence

from .backup import BackupMaker
from .clock import Clock
from .datafolder import DataFolder
from .errors import BackupError, RepositoryFull, SourceDamaged
from .fingerprint import fingerprint
from .history import History
from .keeper import Baseline, Keeper, counts_of
from .listing import Archive, State
from .progress import OnProgress
from .recorder import Entry
from .repository import Repository
from .retention import Policy
from .runs import Action, Outcome, Run, Trigger
from .sources import Source
from .space import needed_on_disk_of
from .text import _
from .unchanged import holds_this_state, is_still_current
from .vanished import FOLDER

logger = logging.getLogger(__name__)

_RESTORES = (Action.RESTORE, Action.UNDO)


class Runner:
    """Runs backups of one data folder and notes what came of them; its lock is held by the caller.

    `peek` says that this process has no connection of its own to the live databases.
    """

    def __init__(
        self,
        data: DataFolder,
        repository: Repository,
        maker: BackupMaker,
        keeper: Keeper,
        history: History,
        clock: Clock,
        *,
        peek: bool,
    ) -> None:
        self._data = data
        self._repository = repository
        self._maker = maker
        self._keeper = keeper
        self._history = history
        self._clock = clock
        self._peek = peek

    def confirm(self, trigger: Trigger, sources: Sequence[Source], entry: Entry) -> bool:
        """Return whether the newest good archive holds this very state and may stand for this run, noted in `entry`."""
        newest, seen = self._repository.last_good(self._data.origin), self._look(sources)
        if newest is None or not is_still_current(newest, seen, self._history.runs(), trigger, self._clock):
            return False
        if self._data.damage():
            # Nothing was written to it, and yet it is no longer what was backed up: the full run says so.
            return False
        entry.outcome, entry.archive, entry.fingerprint = Outcome.UNCHANGED, newest.name, seen
        return True

    def holding(self, sources: Sequence[Source]) -> Archive | None:
        """Return the newest good archive if it holds this very state of `sources`, else None."""
        newest, seen = self._repository.last_good(self._data.origin), self._look(sources)
        if newest is None or not holds_this_state(newest, seen, self._history.runs()) or self._data.damage():
            return None
        return newest

    def make_with_room(
        self,
        trigger: Trigger,
        sources: list[Source],
        entry: Entry,
        on_progress: OnProgress,
        policy: Callable[[], Policy],
    ) -> Archive:
        """As `make`; on a full disk what the policy can spare goes first, and it is tried once more.

        `policy` is asked only then: where it cannot be read, the backup is made all the same.
        """
        try:
            return self.make(trigger, sources, entry, on_progress)
        except RepositoryFull:
            before = self._names()
            try:
                needed = needed_on_disk_of(self._repository.folder, self._maker.room_for(sources))
                self._keeper.prune(policy(), trigger, needed=needed)
            except BackupError:
                logger.exception("not all that was to make way for the backup of today could")
            if before <= self._names():
                raise
        return self.make(trigger, sources, entry, on_progress)

    def make(self, trigger: Trigger, sources: list[Source], entry: Entry, on_progress: OnProgress) -> Archive:
        """Return a new archive, noted in `entry`; raise what BackupMaker.make raises."""
        # Seen before the copy is made: what changes in between makes the next run a full one, never the other way.
        entry.fingerprint = self._look(sources)
        before = self._baseline()
        try:
            archive = self._maker.make(trigger, sources, on_progress, stages=entry.stages)
        except SourceDamaged as error:
            raise self._with_a_way_out(error) from error.__cause__
        entry.outcome, entry.archive = Outcome.MADE, archive.name
        self._keeper.release()
        if before is None and archive.manifest is not None and not archive.manifest.patient_count:
            before = self._beside()
        entry.reason = self._keeper.watch(before, archive)
        entry.facts |= {"size": archive.size, FOLDER: str(archive.path.parent)}
        if archive.manifest is not None:
            entry.facts |= {"patients": archive.manifest.patient_count, "visits": archive.manifest.visit_count}
        return archive

    def _with_a_way_out(self, error: SourceDamaged) -> SourceDamaged:
        """Return the error with the archive to restore: the newest that was opened and checked, if there is one."""
        best = self._repository.best(self._data.origin)
        error.facts["best"] = best.name if best else ""
        if best is not None:
            self._keeper.guard(best)
            told = {"when": f"{best.created_at:%d %b %Y, %H:%M}", "archive": best.name}
            if best.state is State.PROVEN:
                error.hint = _(
                    "Restore the backup of %(when)s (%(archive)s), which was opened and checked, or ask for help.",
                    **told,
                )
            else:
                error.hint = _("Restore the backup of %(when)s (%(archive)s), or ask for help.", **told)
        return error

    def _baseline(self) -> Baseline | None:
        """Return what a new backup should hold no less than: the last good one, or what was restored after it."""
        runs = self._history.runs()
        newest = self._last_compared(runs)
        # By the order of the history, and not by the clocks, which may have been wrong at the one or the other. It does
        # not know what the EMR's own code has made: that is taken to be as young as the last backup of ours.
        is_known = newest is not None and any(run.archive == newest.name and _has_compared(run) for run in runs)
        for run in runs:
            if newest is not None and _has_compared(run) and (run.archive == newest.name or not is_known):
                break
            if run.action in _RESTORES and run.outcome is Outcome.DONE:
                return self._restored_by(run) or _baseline_of(newest)
        return _baseline_of(newest)

    def _restored_by(self, run: Run) -> Baseline | None:
        """Return what a restore has put back, by its archive, or where that has gone by its record."""
        archive = next((one for one in self._repository.archives() if one.name == run.archive), None)
        if found := _baseline_of(archive):
            return found
        patients = run.facts.get("patients")
        return Baseline({"patients": patients}, None) if isinstance(patients, int) else None

    def _beside(self) -> Baseline | None:
        """Return what another data folder has put into this backup folder last: ours may be new in that one's place."""
        others = (one for one in self._repository.archives() if one.is_good and not one.safety)
        beside = _baseline_of(next((one for one in others if not one.is_of(self._data.origin)), None))
        # It is another clinic's as like as not, and nothing of it is ours to keep.
        return Baseline(beside.counts, None) if beside else None

    def _last_compared(self, runs: Sequence[Run]) -> Archive | None:
        """Return the newest good archive, but none of ours that was cut off before it was compared and recorded."""
        origin = self._data.origin
        good = [one for one in self._repository.archives() if one.is_good and not one.safety and one.is_of(origin)]
        recorded = {run.archive for run in runs if _has_compared(run)}
        if not any(one.name in recorded for one in good):
            # As on a new computer: the newest is all there is to go by.
            return good[0] if good else None
        return next(one for one in good if one.name in recorded or not one.is_ours)

    def _names(self) -> set[str]:
        return {archive.name for archive in self._repository.archives()}

    def _look(self, sources: Sequence[Source]) -> str:
        return fingerprint(sources) if self._peek else ""


def _has_compared(run: Run) -> bool:
    """Return whether a run has compared what it found with what was there before; a safety backup has not."""
    is_backup = run.action is Action.BACKUP and run.trigger is not Trigger.SAFETY
    return is_backup and run.outcome in (Outcome.MADE, Outcome.UNCHANGED)


def _baseline_of(archive: Archive | None) -> Baseline | None:
    if archive is None or archive.manifest is None:
        return None
    return Baseline(counts_of(archive.manifest), archive)
