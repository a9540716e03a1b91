"""Which archives stay: policy, pins, pruning and deleting, and the alarm that pins the last good ones."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from .alarms import Alarm, AlarmBook
from .clock import Clock
from .datafolder import DataFolder
from .errors import BackupError, RepositoryFull, RepositoryUnusable, UnknownArchive
from .files import translating
from .leaps import believed
from .listing import Archive, State
from .manifest import Manifest
from .pruning import prune, reasons
from .recorder import Recorder
from .repository import Repository
from .retention import Policy
from .rulebook import BY_ALARM, BY_HAND
from .runs import Action, Trigger
from .text import _
from .tripwire import alarm, is_back
from .vanished import GONE

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Baseline:
    """What a new backup should hold no less than, and the archive that still holds it, if there is one."""

    counts: Mapping[str, int]
    archive: Archive | None


class Keeper:
    """Keeps the archives of one data folder in one repository; `undoable` names the one that undo would put back."""

    def __init__(
        self,
        data: DataFolder,
        repository: Repository,
        recorder: Recorder,
        clock: Clock,
        undoable: Callable[[], str | None],
    ) -> None:
        self._data = data
        self._repository = repository
        self._recorder = recorder
        self._clock = clock
        self._undoable = undoable
        self._alarms = AlarmBook(data.private / "alarm.json")

    def set_policy(self, policy: Policy) -> None:
        """Have everybody who uses this backup folder obey `policy`."""
        if self._repository.rules.policy != policy:
            with self._repository.lock(), translating(RepositoryUnusable, _("The backup folder cannot be written")):
                self._repository.rules.policy = policy

    def mend(self) -> str:
        """Write rules that are spoilt anew, so that nothing is lost by it; return a sentence if they were, or ""."""
        with self._repository.lock():
            return self._repository.rules.mend()

    def prune(self, policy: Policy, trigger: Trigger, *, needed: int = 0) -> list[str]:
        """Delete what `policy` leaves out, but never a pinned archive nor the newest proven one; return the names.

        On a full disk more goes, until there is the usual room and that for `needed` bytes. Raise RepositoryUnusable
        where one could not be deleted, after all others that could be in the time for that.
        """
        with self._recorder.record(Action.PRUNE, trigger) as entry, self._repository.lock():
            entry.reason = self._mended_rules()
            archives = self._repository.archives()
            protected, today = self._protected(archives), self._today(archives)
            gone: list[str] = []
            try:
                result = prune(
                    self._repository, policy, self._data.origin, today, protected, gone.append, needed=needed
                )
            finally:
                entry.facts[GONE] = "\n".join(gone)
            entry.facts["deleted"] = len(result.deleted)
            if result.thinned:
                thinned = _("The disk is nearly full, so older backups were deleted sooner than usual.")
                entry.reason = f"{entry.reason} {thinned}".strip()
            if result.refused:
                raise result.refused
            if not result.deleted and not entry.reason:
                entry.discard()
            return result.deleted

    def _mended_rules(self) -> str:
        """Mend the rules, and return a sentence if they were spoilt; on a full disk that waits until there is room.

        Rules that are spoilt keep everything, so nothing is deleted by it.
        """
        try:
            return self._repository.rules.mend()
        except RepositoryFull:
            logger.warning("there is no room to write the rules of this folder anew", exc_info=True)
            return ""

    def reasons(self, policy: Policy, archives: Sequence[Archive] | None = None) -> dict[str, str]:
        """Return why each archive of this clinic is kept, by name; those that `policy` leaves out have no reason.

        `archives`, newest first, saves another look into the backup folder.
        """
        archives = self._repository.archives() if archives is None else archives
        protected = self._protected(archives)
        found = reasons(archives, policy, self._data.origin, self._today(archives), protected)
        pins = {name: "alarm" if why == BY_ALARM else "pinned" for name, why in self.pins.items() if name in found}
        return found | pins

    def would_go(self, policy: Policy) -> list[Archive]:
        """Return the archives that the next tidying up would delete under `policy`, newest first."""
        archives, origin = self._repository.archives(), self._data.origin
        kept = self.reasons(policy, archives)
        mine = [one for one in archives if one.is_ours and one.is_made_of(origin)]
        return [archive for archive in mine if archive.name not in kept]

    def take_over(self, earlier: Path) -> None:
        """Have what was kept for ever in the backup folder `earlier` kept for ever from here too.

        Raise RepositoryUnusable where this backup folder cannot be written.
        """
        with self._repository.lock(), translating(RepositoryUnusable, _("The backup folder cannot be written")):
            rules = self._repository.rules
            rules.pins = Repository(earlier, 0.0).rules.pins | rules.pins

    def delete(self, archive: Archive, trigger: Trigger) -> None:
        """Delete one archive; raise BackupError for the only good one, UnknownArchive if it has gone."""
        with self._recorder.record(Action.DELETE, trigger) as entry, self._repository.lock():
            entry.archive = archive.name
            # Tidying up may have moved it since it was looked at.
            there = next((one for one in self._repository.archives() if one.name == archive.name), None)
            if there is None:
                raise UnknownArchive(_("%(archive)s is no longer there.", archive=archive.name), name=archive.name)
            mine = [other for other in self._mine(self._repository.archives()) if other.is_good and not other.safety]
            if [other.name for other in mine] == [archive.name]:
                raise BackupError(
                    _("This is the only good backup, so it is not deleted."), hint=_("Make a new one first.")
                )
            if [other.name for other in mine if other.is_ours] == [archive.name]:
                raise BackupError(
                    _("This is the only checked backup, so it is not deleted."), hint=_("Make a new one first.")
                )
            self._repository.delete(there)

    def pin(self, name: str, *, reason: str | None) -> None:
        """Keep an archive for ever, for `reason`, or with None no longer."""
        with self._repository.lock(), translating(RepositoryUnusable, _("The backup folder cannot be written")):
            pins = {other: why for other, why in self._repository.rules.pins.items() if other != name}
            self._repository.rules.pins = pins | ({name: reason} if reason else {})
            if reason:
                self._put_aside(name)

    def _put_aside(self, name: str) -> None:
        """Move what was just pinned to where the EMR's own clean-up does not look; what fails is logged."""
        for archive in self._repository.archives():
            if archive.name == name and archive.is_ours and archive.is_made_of(self._data.origin):
                try:
                    self._repository.put_aside(archive)
                except RepositoryUnusable:
                    logger.warning("%s is pinned, and was not moved", name, exc_info=True)

    @property
    def pins(self) -> dict[str, str]:
        """The archives that are kept for ever or until an alarm ends, by name, with BY_HAND or BY_ALARM."""
        return self._repository.rules.pins

    def _protected(self, archives: Sequence[Archive]) -> set[str | None]:
        """Return the names that no policy prunes: pins, the newest proven one, and what undo would put back."""
        proven = next((one.name for one in self._mine(archives) if one.state is State.PROVEN and not one.safety), None)
        return {proven, self._undoable(), *self._repository.rules.pins}

    def _today(self, archives: Sequence[Archive]) -> datetime:
        """Return the naive local time by which safety backups are old: a clock that leaps makes none of them so."""
        return believed((one.created_at for one in reversed(self._mine(archives)) if one.is_ours), self._clock.local())

    def _mine(self, archives: Sequence[Archive]) -> list[Archive]:
        """Return the archives of this clinic, newest first, those of the EMR's own code included."""
        origin = self._data.origin
        return [one for one in archives if one.is_of(origin)]

    def alarm(self) -> Alarm | None:
        """Return what looks wrong, or None; raise BackupError where that cannot be read."""
        with translating(BackupError, _("The note of the alarm cannot be read")):
            return self._alarms.read()

    def watch(self, before: Baseline | None, made: Archive) -> str:
        """Compare a new archive with what was there before it; pin what holds that and raise the alarm if it shrank.

        Return the sentence, "" if all is well; what cannot be noted is logged, for the archive is good all the same.
        """
        if before is None or made.manifest is None:
            return ""
        reason = alarm(before.counts, made.manifest.counts)
        if reason:
            try:
                self._raise_alarm(Alarm(reason, made.name, self._clock.now(), dict(before.counts)), before.archive)
            except BackupError:
                logger.exception("%s", reason)
        else:
            self._end_if_back(made)
        return reason

    def _raise_alarm(self, told: Alarm, before: Archive | None) -> None:
        """Pin the last good archives and note the alarm, unless there is one."""
        if self.alarm() is None:
            for name in self._last_good_ones(before):
                self.pin(name, reason=self.pins.get(name, BY_ALARM))
            with translating(BackupError, _("The alarm could not be noted")):
                self._alarms.write(told)

    def _end_if_back(self, made: Archive) -> None:
        """End the alarm if all that was lost is there again at once; a clinic that slowly grows has lost it still."""
        with _ending_the_alarm():
            told = self.alarm()
            if told is None or made.manifest is None or not told.good:
                return
            ordinary = (one for one in self._mine(self._repository.archives()) if one.is_good and not one.safety)
            last = next((one.manifest for one in ordinary if one.name != made.name and one.manifest), None)
            if last and alarm(told.good, counts_of(last)) and is_back(told.good, counts_of(made.manifest)):
                self.all_is_well()

    def restored(self, archive: Archive) -> None:
        """End the alarm if a person has put back an archive that holds what was lost."""
        with _ending_the_alarm():
            told = self.alarm()
            if told and told.good and archive.manifest and not alarm(told.good, counts_of(archive.manifest)):
                self.all_is_well()

    def _last_good_ones(self, before: Archive | None) -> set[str]:
        """Return the archive that is taken for good, if there is one, and the newest one that was opened."""
        mine = self._mine(self._repository.archives())
        proven = next((one for one in mine if one.state is State.PROVEN and not one.safety), None)
        return {one.name for one in (before, proven) if one is not None}

    def guard(self, archive: Archive) -> None:
        """Pin what damaged data is to be restored from, until a backup can be made again."""
        try:
            self.pin(archive.name, reason=self.pins.get(archive.name, BY_ALARM))
        except BackupError:
            logger.exception("%s could not be pinned", archive.name)

    def release(self) -> None:
        """Keep what `guard` has pinned no longer than other archives, unless there is an alarm."""
        try:
            if self.alarm() is None:
                self._unpin_alarmed()
        except BackupError:
            logger.exception("what was pinned for an alarm that is over stays pinned")

    def all_is_well(self) -> None:
        """End the alarm, and what it pinned is kept no longer than other archives."""
        self._alarms.clear()
        self._unpin_alarmed()

    def _unpin_alarmed(self) -> None:
        # Another clinic's alarm is its own. What cannot be read now may be another clinic's.
        mine = {one.name for one in self._mine(self._repository.archives()) if one.manifest is not None}
        for name, reason in self.pins.items():
            if reason == BY_ALARM and name in mine:
                self.pin(name, reason=None)

    def keep_for_ever(self, archive: Archive, *, keep: bool) -> None:
        """Pin an archive by the user's wish, or end that."""
        self.pin(archive.name, reason=BY_HAND if keep else None)


@contextmanager
def _ending_the_alarm() -> Iterator[None]:
    """Let the alarm go on where its notes cannot be read or written: the backup or the restore is done all the same."""
    try:
        with translating(BackupError, _("The alarm could not be ended")):
            yield
    except BackupError:
        logger.exception("the alarm goes on until somebody ends it")


def counts_of(manifest: Manifest) -> dict[str, int]:
    """Return the counts of a manifest; one of the EMR's older code has two."""
    return dict(manifest.counts) or {"patients": manifest.patient_count, "visits": manifest.visit_count}
