"""Look into archives, and remember in the repository what was found: verify by reading, prove by opening."""

import dataclasses
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import snapshot
from .archive import extract, unpacked_size
from .clock import Clock
from .compare import Loss, compare
from .datafolder import LOOK_PATIENCE, DataFolder
from .errors import ArchiveUnusable, BackupError, RepositoryUnusable, SnapshotFailed
from .files import need_space, translating
from .listing import Archive
from .progress import OnProgress
from .proof import need_sandbox, prove, still_whole
from .proofs import Proof
from .recorder import Recorder
from .repository import Repository
from .rotation import newest_of
from .runs import Action, Outcome, Trigger
from .sources import CHROMA_DB, CLINIC_DB
from .space import size_of
from .stages import Step
from .text import _
from .verify import verify

logger = logging.getLogger(__name__)

#: Seconds for which a note waits for the backup folder, which a backup holds for a moment only.
_NOTE_PATIENCE = 10.0


class Inspector:
    """Inspects archives in a sandbox on the data's volume; it takes no lock that a backup would wait for."""

    def __init__(self, data: DataFolder, repository: Repository, recorder: Recorder, clock: Clock) -> None:
        self._data = data
        self._repository = repository
        self._recorder = recorder
        self._clock = clock
        #: What was found and could not be noted yet, by path of the archive.
        self._unnoted: dict[Path, tuple[Archive, Proof]] = {}

    def verify(self, archive: Archive, on_progress: OnProgress) -> None:
        """Read an archive again and check its databases; raise ArchiveUnusable saying what is wrong.

        Raise RepositoryFull without room for the databases.
        """
        _need_file(archive)
        with (
            translating(RepositoryUnusable, _("%(name)s cannot be read just now", name=archive.name)),
            self._data.staging() as folder,
        ):
            try:
                need_space(folder.parent, unpacked_size(archive.path, (CLINIC_DB, CHROMA_DB)), _("checking the backup"))
                verify(archive.path, folder, on_progress)
            except ArchiveUnusable as error:
                need_sandbox(folder)
                whole = still_whole(archive.path, folder, error)
                error.facts["recoverable"] = ", ".join(whole)
                self._note(archive, Proof(self._clock.now(), str(error), recoverable=whole))
                raise

    def prove(self, archive: Archive, trigger: Trigger, on_progress: OnProgress) -> Proof:
        """Open an archive as the EMR would and return what that showed; raise BackupError where it cannot be tried.

        One is opened at a time: raise RepositoryLocked where another program does it, at once for one of the rotation.
        """
        by_itself = trigger is Trigger.INTERVAL
        with self._recorder.record(Action.PROVE, trigger) as entry, self._data.proving(wait=not by_itself):
            entry.archive = archive.name
            _need_file(archive)
            if by_itself:
                # Else a backup folder that takes no note would have the same archive opened again and again.
                self._write_notes()
            started = self._clock.monotonic()
            with self._data.staging() as folder, entry.stages.measure(Step.PROVE):
                proof = prove(archive.path, folder, self._clock.now(), on_progress, behind=by_itself)
            duration, was_newest = self._clock.monotonic() - started, self._is_newest(archive)
            proof = dataclasses.replace(proof, duration=duration, was_newest=was_newest)
            self._note(archive, proof)
            entry.outcome, entry.reason = Outcome.DONE if proof.ok else Outcome.FAILED, proof.problem
        return proof

    def compare(self, archive: Archive, *, in_full: bool = False) -> list[Loss]:
        """Return what today's data would lose; raise ArchiveUnusable, or SnapshotFailed for data that is damaged.

        Raise RepositoryFull without room for two copies of clinic.db.
        """
        with self._beside_today(archive) as (today, backup):
            return compare(today, backup, in_full=in_full) if today else []

    def compare_both(self, archive: Archive) -> tuple[list[Loss], list[Loss]]:
        """Return what today's data would lose, and what it would gain; raise as `compare`, also without clinic.db."""
        with self._beside_today(archive) as (today, backup):
            if today is None:
                raise SnapshotFailed(
                    _("There is no %(clinic_db)s today.", clinic_db=CLINIC_DB),
                    hint=_("All that the backup holds comes back."),
                )
            return compare(today, backup), compare(backup, today)

    @contextmanager
    def _beside_today(self, archive: Archive) -> Iterator[tuple[Path | None, Path]]:
        """Give two folders, with a snapshot of today's clinic.db, None where there is none, and with the archive's."""
        source = self._data.clinic()
        with self._data.staging() as today, self._data.staging() as backup:
            if source.kind is not None:
                needed = size_of([source]) + unpacked_size(archive.path, (CLINIC_DB,))
                need_space(today.parent, needed, _("comparing the backup with today's data"))
                with self._data.lock(patience=LOOK_PATIENCE):
                    snapshot.take([source], today)
                extract(archive.path, backup, only=lambda name: name == CLINIC_DB)
            try:
                yield today if source.kind is not None else None, backup
            except sqlite3.Error as error:
                raise ArchiveUnusable(
                    _("The clinic's records in this backup cannot be read."), hint=_("Choose another backup.")
                ) from error

    def _is_newest(self, archive: Archive) -> bool:
        """Return whether no younger backup of this clinic is there, as far as the backup folder can be read."""
        try:
            newest = newest_of(self._repository.archives(), self._data.origin)
        except BackupError:
            logger.warning("whether %s is the newest is not known", archive.name, exc_info=True)
            return False
        return newest is not None and newest.name == archive.name

    def _note(self, archive: Archive, proof: Proof) -> None:
        """Remember a proof; one that the backup folder does not take now is told all the same, and noted later."""
        self._unnoted[archive.path] = archive, proof
        try:
            self._write_notes()
        except BackupError:
            logger.warning("what was found in %s could not be noted yet", archive.name, exc_info=True)

    def _write_notes(self) -> None:
        """Write down what is not noted yet of archives of the repository; raise BackupError where that cannot be."""
        for archive, proof in list(self._unnoted.values()):
            if self._repository.holds(archive):
                with self._repository.lock(at_least=_NOTE_PATIENCE):
                    self._repository.note_proof(archive, proof)
            self._unnoted.pop(archive.path, None)


def _need_file(archive: Archive) -> None:
    """Raise RepositoryUnusable where the file cannot even be opened now: that says nothing against what is in it."""
    hint = _("Look whether its drive is connected, then try again.")
    with translating(RepositoryUnusable, _("%(name)s cannot be opened just now", name=archive.name), hint=hint):
        archive.path.open("rb").close()
