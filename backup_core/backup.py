"""Make one archive: snapshot, manifest, pack, verify, publish. Any failure leaves both folders as they were."""

import platform
import sqlite3
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path

from . import archive, openme, snapshot
from .clock import Clock
from .contents import visits_on
from .datafolder import DataFolder
from .errors import ArchiveUnusable, SnapshotFailed, SourceDamaged
from .files import remove, translating
from .listing import Archive, look
from .manifest import Manifest
from .progress import OnProgress
from .repository import Repository
from .runs import Trigger
from .snapshot import Snapshot
from .sources import CLINIC_DB, Source
from .space import Need, need_room, size_of
from .stages import UNWATCHED, Stages, Step
from .text import N_, _

_NO_ROOM = N_("There is not enough room for a backup: %(needed)s needed (%(listed)s), %(free)s free.")


class BackupMaker:
    """Makes archives of one data folder in one repository; the data folder's lock is held by the caller."""

    def __init__(self, data: DataFolder, repository: Repository, clock: Clock) -> None:
        self._data = data
        self._repository = repository
        self._clock = clock

    def make(
        self,
        trigger: Trigger,
        sources: list[Source],
        on_progress: OnProgress,
        *,
        check: Callable[[Snapshot], None] = lambda snapshot: None,
        raw_if_damaged: bool = False,
        stages: Stages = UNWATCHED,
    ) -> Archive:
        """Return a new verified archive of `sources` as of one instant.

        `check` sees the snapshot before it is packed and may raise. With `raw_if_damaged`, a database that cannot be
        read is kept byte for byte instead of raising SourceDamaged. Raise SnapshotFailed, RepositoryUnusable or
        RepositoryFull.
        """
        origin = self._data.claim_origin()
        part = self._repository.part(origin, uuid.uuid4().hex)
        with translating(SnapshotFailed, _("The data could not be read")):
            need_room(_NO_ROOM, self.room_for(sources))
        with self._data.staging() as folder:
            taken, state = self._take(sources, folder, on_progress, stages, raw_if_damaged=raw_if_damaged)
            check(taken)
            (folder / openme.NAME).write_text(openme.TEXT, encoding="utf-8", newline="\r\n")
            manifest = self._describe(taken, state, trigger, origin)
            try:
                archive.pack(folder, part, lambda members: replace(manifest, members=members), on_progress, stages)
                with stages.measure(Step.VERIFY):
                    self._verify(part, on_progress)
                with stages.measure(Step.PUBLISH):
                    path = self._repository.publish(part, manifest.created_at, safety=trigger is Trigger.SAFETY)
            finally:
                remove(part)
        return look(path)

    def room_for(self, sources: Sequence[Source]) -> list[Need]:
        """Return what making an archive of `sources` takes on the disks, and opening it afterwards to check it."""
        size = size_of(sources)
        return [
            Need(self._data.path, size, N_("%(size)s for copying the data and later opening the backup")),
            Need(self._repository.folder, size, N_("%(size)s for the backup itself")),
        ]

    def _describe(self, taken: Snapshot, state: str, trigger: Trigger, origin: str) -> Manifest:
        """Return the manifest of a snapshot that is packed now, but for its members."""
        return Manifest(
            created_at=self._clock.local(),
            created_at_utc=self._clock.now(),
            patient_count=taken.contents.patient_count,
            visit_count=taken.contents.visit_count,
            visits_today=visits_on(taken.folder, self._clock.local().date()),
            app_version=_version("docassist-backup"),
            sequence=self._repository.next_sequence(),
            origin=origin,
            trigger=trigger.value,
            schema_version=taken.contents.schema_version,
            state=state,
            counts=taken.contents.counts,
            sources=taken.sources,
            sqlite_version=sqlite3.sqlite_version,
            chroma_version=_version("chromadb"),
            host=platform.node(),
        )

    @staticmethod
    def _take(
        sources: list[Source], folder: Path, on_progress: OnProgress, stages: Stages, *, raw_if_damaged: bool
    ) -> tuple[Snapshot, str]:
        """Return the snapshot and the state that the manifest names: "raw" where SQLite could not read the data."""
        if raw_if_damaged and not _has_database(sources):
            return snapshot.take_raw(sources, folder), "raw"
        try:
            return snapshot.take(sources, folder, on_progress, stages), ""
        except SourceDamaged:
            if not raw_if_damaged:
                raise
            remove(folder)
            return snapshot.take_raw(sources, folder), "raw"

    @staticmethod
    def _verify(part: Path, on_progress: OnProgress) -> None:
        """Read again what was written; what is not as it was handed over is the disk's fault, not the reader's."""
        with translating(SnapshotFailed, _("The backup could not be read again")):
            try:
                archive.verify(part, on_progress)
            except ArchiveUnusable as error:
                raise SnapshotFailed(
                    _("The backup was not written correctly, so it was thrown away."),
                    hint=_("Try again. If it happens twice, check the disk of the backup folder."),
                ) from error


def _has_database(sources: list[Source]) -> bool:
    """Return whether there is a clinic.db with anything in it; else its side files are all that may be left of it."""
    with translating(SnapshotFailed, _("The data could not be read")):
        return any(source.name == CLINIC_DB and source.kind and source.path.stat().st_size for source in sources)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
