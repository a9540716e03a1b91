"""BackupEngine: every operation of the product, each recorded; raises BackupError and returns values."""

import contextlib
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from .backup import BackupMaker
from .clock import SYSTEM_CLOCK, Clock
from .compare import Loss
from .copier import Copier
from .datafolder import DataFolder
from .errors import (
    BackupError,
    EmrRunning,
    NothingToUndo,
    RepositoryLocked,
    RestoreFailed,
    UnknownArchive,
)
from .files import translating
from .history import History
from .holdings import Holdings, read_holdings
from .inspector import Inspector
from .intake import Intake
from .keeper import Keeper
from .listing import Archive, look
from .mover import Mover
from .progress import OnProgress, Progress, Stage, ignore
from .proofs import Proof
from .recorder import Recorder
from .repository import Repository
from .restore import Restored, Restorer, Wish
from .retention import Policy
from .runner import Runner
from .runs import Action, Run, Trigger
from .sources import unprotected
from .text import _
from .undoing import Undoing, foresee

logger = logging.getLogger(__name__)

#: Seconds for which a sweep that nobody has asked for waits for an operation.
_AT_ONCE = 0.01


class BackupEngine:
    """Backs up and restores one data folder, into and out of one backup folder.

    `peek` says that this process has no connection of its own to the live databases, so that their change counters
    may be read; inside the EMR it must be False. `patience` is for how many seconds an operation waits for another.
    `older_dirs` are backup folders of before, whose archives are listed too.
    """

    def __init__(
        self,
        data_dir: Path,
        backup_dir: Path | None = None,
        *,
        policy: Policy | None = None,
        extras: Sequence[str] = (),
        older_dirs: Sequence[str] = (),
        emr_command: str = "",
        clock: Clock = SYSTEM_CLOCK,
        patience: float = 600.0,
        peek: bool = True,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.backup_dir = (backup_dir or data_dir / "backups").absolute()
        self._policy = policy or Policy()
        self._clock = clock
        self._peek = peek
        self._data = DataFolder(self.data_dir, extras, patience)
        self.history = History(self._data.private / "history.jsonl")
        older = [Path(folder) for folder in older_dirs]
        self.repository = Repository(self.backup_dir, patience, older, self.history.archive_names)
        self._maker = BackupMaker(self._data, self.repository, self.history, clock)
        self._restorer = Restorer(
            self._data, self._maker, emr_command, lambda sources: self._runner.holding(sources), self.last_good
        )
        self._recorder = Recorder(self.history, clock, self.data_dir)
        self._inspector = Inspector(self._data, self.repository, self._recorder, clock)
        #: Copies of archives on other drives.
        self.copier = Copier(self._data, self.repository, self._recorder, clock)
        #: Archives in earlier backup folders.
        self.mover = Mover(self._data, self.repository, self._recorder)
        #: A backup that comes from elsewhere, as from a USB stick.
        self.intake = Intake(self._data)
        #: Policy, pins and alarm of the archives.
        self.keeper = Keeper(self._data, self.repository, self._recorder, clock, self._restorer.next_undo)
        self._runner = Runner(self._data, self.repository, self._maker, self.keeper, self.history, clock, peek=peek)

    def create(self, trigger: Trigger = Trigger.MANUAL, on_progress: OnProgress = ignore) -> Archive:
        """Return a new archive, verified and published; it never prunes."""
        with self._recorder.record(Action.BACKUP, trigger) as entry, self._at_work():
            return self._runner.make(trigger, self._data.sources_to_back_up(), entry, on_progress)

    def back_up(self, trigger: Trigger, on_progress: OnProgress = ignore) -> Run:
        """Return the run: an archive made, or the newest found to hold this very state; then prune.

        On a full disk what can be spared goes first, and it is tried once more. A failure to prune is recorded and
        logged, and does not make the run a failed one.
        """
        with self._recorder.record(Action.BACKUP, trigger) as entry, self._at_work():
            on_progress(Progress(Stage.CHECK))
            sources = self._data.sources_to_back_up()
            if not self._runner.confirm(trigger, sources, entry):
                self._runner.make_with_room(trigger, sources, entry, on_progress, lambda: self.policy)
        on_progress(Progress(Stage.PRUNE))
        # After a run that made nothing too: others fill the disk as well.
        try:
            self.prune(trigger=trigger)
        except BackupError:
            logger.exception("old backups could not be tidied up")
        assert entry.run is not None  # noqa: S101 - a recorded block that ended has its run
        return entry.run

    def archives(self) -> list[Archive]:
        """Return all archives, newest first, safety backups and the EMR's own included."""
        return self.repository.archives()

    def find(self, name_or_path: str | Path) -> Archive:
        """Return the archive of that name, one that was taken in included, or the ZIP at that path.

        Raise UnknownArchive.
        """
        wanted = str(name_or_path)
        named = next((archive for archive in self.archives() if archive.name == wanted), self.intake.find(wanted))
        with translating(UnknownArchive, _("There is no backup that can be read at %(wanted)s", wanted=wanted[:80])):
            if named is None:
                path = Path(wanted).absolute()
                named = look(path) if path.is_file() else self.repository.moved(path)
        if named is None:
            raise UnknownArchive(
                _("There is no backup named %(wanted)s.", wanted=wanted), hint=_("Choose one of the list."), name=wanted
            )
        return named

    def last_good(self) -> Archive | None:
        """Return the newest good archive of this clinic, the EMR's own included and safety backups not, or None."""
        return self.repository.last_good(self._data.origin)

    def best_archive(self) -> Archive | None:
        """Return what to restore where today's data is damaged: the newest proven archive, else the newest good one."""
        return self.repository.best(self._data.origin)

    def damage(self) -> str:
        """Return a sentence if a live database is damaged, as far as opening it and reading its schema tells, or ""."""
        return self._data.damage()

    def verify(self, archive: Archive, on_progress: OnProgress = ignore) -> Archive:
        """Read an archive again, check its databases, and return it; raise ArchiveUnusable saying what is wrong."""
        archive = self.repository.there(archive)
        self._inspector.verify(archive, on_progress)
        return archive

    def prove(self, archive: Archive, *, trigger: Trigger = Trigger.MANUAL, on_progress: OnProgress = ignore) -> Proof:
        """Open an archive in a sandbox as the EMR would, and return what that showed: see Inspector.prove."""
        return self._inspector.prove(self.repository.there(archive), trigger, on_progress)

    def compare(self, archive: Archive, *, in_full: bool = False) -> list[Loss]:
        """Return what today's data holds that the archive lacks or has in an older form, table by table."""
        return self._inspector.compare(self.repository.there(archive), in_full=in_full)

    def armed(self) -> str | None:
        """Return the name of the archive that waits to be put back until the data is next opened, or None."""
        return self._restorer.armed()

    def restore(
        self,
        archive: Archive,
        *,
        trigger: Trigger = Trigger.MANUAL,
        other_clinic: bool = False,
        newer: bool = False,
        with_settings: bool = False,
        inside_emr: bool = False,
        on_progress: OnProgress = ignore,
    ) -> Restored:
        """Replace today's data by an archive's, after keeping today's in a safety backup; see Restorer.restore."""
        wish = Wish(other_clinic=other_clinic, newer=newer, with_settings=with_settings, inside_emr=inside_emr)
        return self._restore(Action.RESTORE, trigger, archive, wish, on_progress)

    def undo(self, *, trigger: Trigger = Trigger.MANUAL, on_progress: OnProgress = ignore) -> Restored:
        """Put back the data as it was before the last restore that was not undone; raise NothingToUndo."""
        archive = self.undoable()
        if archive is None:
            raise NothingToUndo(_("There is no restore to go back from."))
        settings = self._restorer.undo_brings_settings()
        wish = Wish(undoes=True, other_clinic=True, newer=True, with_settings=settings)
        return self._restore(Action.UNDO, trigger, archive, wish, on_progress)

    def undoable(self, among: Sequence[Archive] | None = None) -> Archive | None:
        """Return the safety backup that `undo` would put back, or None; `among` saves another look into the folder."""
        wanted = self._restorer.next_undo()
        archives = self.archives() if among is None else among
        return next((archive for archive in archives if archive.name == wanted and archive.can_be_tried), None)

    def undoing(self) -> Undoing | None:
        """Return what `undo` would bring back and put aside, or None where there is nothing to undo; see foresee."""
        archive = self.undoable()
        return None if archive is None else foresee(self._inspector, archive, self._restorer.undoes())

    def recover(self, *, inside_emr: bool = False) -> str | None:
        """Finish what an interrupted restore has left and sweep; return a sentence if there was one, else None."""
        if not self._data.private.is_dir():
            return None
        with self._data.lock():
            self._sweep()
            return self._recover(inside_emr=inside_emr)

    def sweep(self) -> None:
        """Remove what runs that were cut off have left of the records; while another one is at work, leave it be."""
        if self._data.private.is_dir():
            with contextlib.suppress(RepositoryLocked), self._data.lock(patience=_AT_ONCE):
                self._sweep()

    @property
    def policy(self) -> Policy:
        """How many archives are kept: what lies in the backup folder, else what this engine was given."""
        return self.repository.rules.policy or self._policy

    def prune(self, keep: int | None = None, *, trigger: Trigger = Trigger.MANUAL) -> list[str]:
        """Delete the archives that the policy, or the `keep` newest, leaves out; return their names.

        Not while another operation holds the data folder: a restore reads one of them.
        """
        with self._data.lock() if self.data_dir.is_dir() else contextlib.nullcontext():
            return self.keeper.prune(self.policy if keep is None else Policy(newest=keep), trigger)

    def delete(self, archive: Archive, *, trigger: Trigger = Trigger.MANUAL) -> None:
        """Delete one archive; raise BackupError for the only good one."""
        self.keeper.delete(archive, trigger)

    def holdings(self) -> Holdings:
        """Return what the live data holds, read from a quick snapshot of clinic.db alone."""
        return read_holdings(self._data)

    def protect(self, extras: Sequence[str]) -> None:
        """Have these paths inside the data folder in the next archives too."""
        self._data.extras = tuple(extras)

    @property
    def origin(self) -> str | None:
        """The random id that tells this clinic's archives from others'; None before the first backup."""
        return self._data.origin

    def last_change(self) -> float | None:
        """Return when one of the live databases was last written to (seconds since 1970), or None if there is none."""
        return self._data.last_change()

    def unprotected(self) -> list[tuple[str, int]]:
        """Return name and size in bytes of what lies in the data folder and is in no backup, largest first.

        Raise SourceMissing without a data folder, BackupError where it cannot be read.
        """
        with translating(BackupError, _("The data folder cannot be read")):
            return unprotected(self.data_dir, self._data.sources(), self.backup_dir)

    def _sweep(self) -> None:
        self._data.sweep()
        try:
            if origin := self._data.origin:
                self.repository.sweep(origin)
        except BackupError:
            # On a drive that is not there, or not for us to write: the next backup needs it, and this does not.
            logger.warning("what a cut-off backup may have left in its folder stays there", exc_info=True)

    @contextlib.contextmanager
    def _at_work(self) -> Iterator[None]:
        """Hold the data folder, with both folders ready and cleared of what a run that was cut off has left."""
        self._data.keep_apart(self.backup_dir)
        with self._data.lock():
            self.repository.prepare()
            self._data.sweep()
            self.repository.sweep(self._data.claim_origin())
            # Where that cannot be, somebody works on half-restored data, and that work is backed up as it is.
            with contextlib.suppress(EmrRunning, RestoreFailed):
                if self._restorer.is_interrupted():
                    self._recover(inside_emr=not self._peek)
            yield

    def _restore(
        self, action: Action, trigger: Trigger, archive: Archive, wish: Wish, on_progress: OnProgress
    ) -> Restored:
        with self._recorder.record(action, trigger) as entry, self._at_work():
            entry.archive = archive.name
            self._recover(inside_emr=wish.inside_emr)
            archive = self.repository.there(archive)
            restored = self._restorer.restore(archive, wish, on_progress, entry.stages)
            entry.facts |= {"size": archive.size, "safety": restored.safety}
            entry.facts |= {"patients": restored.patient_count, "armed": restored.armed}
            if not restored.armed:
                self.keeper.restored(archive)
            return restored

    def _recover(self, *, inside_emr: bool) -> str | None:
        with self._recorder.record(Action.RECOVER, Trigger.STARTUP) as entry:
            decided = self._restorer.recover(inside_emr=inside_emr)
            entry.reason = decided or ""
            if decided is None:
                entry.discard()
            return decided
