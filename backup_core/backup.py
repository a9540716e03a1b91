"""Make one archive: snapshot, manifest, pack, verify, publish. Any failure leaves both folders as they were."""

import platform
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from . import archive, openme, snapshot
from .archive import check_seal
from .clock import Clock
from .datafolder import DataFolder, clear
from .errors import ArchiveUnusable, SnapshotFailed, SourceDamaged
from .files import remove, translating
from .history import History
from .leaps import clock_resets
from .listing import Archive, look
from .manifest import Manifest
from .pipeline import beside
from .progress import OnProgress, Progress
from .repository import Repository, newest_manifest, next_sequence
from .runs import Trigger
from .snapshot import Copy, Snapshot
from .sources import CLINIC_DB, Source
from .space import Need, need_room, size_of
from .stages import UNWATCHED, Stages, Step
from .text import N_, _

_NO_ROOM = N_("There is not enough room for a backup: %(needed)s needed (%(listed)s), %(free)s free.")


class BackupMaker:
    """Makes archives of one data folder in one repository; the data folder's lock is held by the caller."""

    def __init__(self, data: DataFolder, repository: Repository, history: History, clock: Clock) -> None:
        self._data = data
        self._repository = repository
        self._history = history
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
        with translating(SnapshotFailed, _("The data could not be read")):
            need_room(_NO_ROOM, self.room_for(sources))
        if not raw_if_damaged or _has_database(sources):
            try:
                with (
                    self._data.staging() as folder,
                    snapshot.copying(sources, folder, on_progress, stages) as copied,
                ):
                    return self._archive(copied, trigger, check, on_progress, stages)
            except SourceDamaged:
                if not raw_if_damaged:
                    raise
        with self._data.staging() as folder:
            return self._archive(snapshot.copy_raw(sources, folder), trigger, check, on_progress, stages)

    def _archive(
        self,
        copied: Copy,
        trigger: Trigger,
        check: Callable[[Snapshot], None],
        on_progress: OnProgress,
        stages: Stages,
    ) -> Archive:
        """Return a new archive of a copy, which is looked into while it is packed: what is found ends the packing."""
        origin = self._data.claim_origin()
        part = self._repository.part(origin, uuid.uuid4().hex)
        manifest = self._describe(copied, trigger, origin)

        def examine() -> Manifest:
            taken = snapshot.examine(copied, stages, manifest.created_at.date())
            check(taken)
            return self._counted(manifest, taken)

        def report(progress: Progress) -> None:
            if examined.done():
                examined.result()
            on_progress(progress)

        (copied.folder / openme.NAME).write_text(openme.page(is_raw=copied.is_raw), encoding="utf-8", newline="\r\n")
        try:
            with beside(examine) as examined, _as_a_fault_of_the_disk():
                archive.pack(
                    copied.folder,
                    part,
                    lambda members: replace(examined.result(), members=members),
                    report,
                    stages,
                    when_packed=partial(clear, copied.folder),
                )
            with stages.measure(Step.PUBLISH):
                path = self._repository.publish(part, manifest.created_at, safety=trigger is Trigger.SAFETY)
        finally:
            remove(part)
        return look(path)

    def keep_again(self, archive: Archive) -> Archive:
        """Return a safety backup of the very bytes of one of the archives, after a look at each of them.

        Raise ArchiveUnusable where it is not as it was made, RepositoryUnusable where a file cannot have two names.
        """
        check_seal(archive.path)
        part = self._repository.part(self._data.claim_origin(), uuid.uuid4().hex)
        try:
            return look(self._repository.publish_again(archive, part, self._clock.local()))
        finally:
            remove(part)

    def room_for(self, sources: Sequence[Source]) -> list[Need]:
        """Return what making an archive of `sources` takes on the disks, and opening it afterwards to check it."""
        size = size_of(sources)
        return [
            Need(self._data.path, size, N_("%(size)s for copying the data and later opening the backup")),
            Need(self._repository.folder, size, N_("%(size)s for the backup itself")),
        ]

    def _describe(self, copied: Copy, trigger: Trigger, origin: str) -> Manifest:
        """Return the manifest of a copy that is packed now, but for its members and what is counted in it."""
        # Read before the clock: a run that ends in between would seem to be of later.
        archives, runs = self._repository.archives(), self._history.runs()
        now = self._clock.now()
        return Manifest(
            created_at=self._clock.local(),
            created_at_utc=now,
            sequence=next_sequence(archives),
            clock_resets=clock_resets(newest_manifest(archives, origin), runs, trigger, now),
            origin=origin,
            trigger=trigger.value,
            state="raw" if copied.is_raw else "",
            sources=copied.sources,
            sqlite_version=sqlite3.sqlite_version,
            host=platform.node(),
        )

    @staticmethod
    def _counted(manifest: Manifest, taken: Snapshot) -> Manifest:
        """Return the manifest with what was counted in the snapshot, and with what else takes a while to find out."""
        contents = taken.contents
        return replace(
            manifest,
            patient_count=contents.patient_count,
            visit_count=contents.visit_count,
            visits_today=contents.visits_of_day,
            schema_version=contents.schema_version,
            counts=contents.counts,
            app_version=_version("docassist-backup"),
            chroma_version=_version("chromadb"),
        )


@contextmanager
def _as_a_fault_of_the_disk() -> Iterator[None]:
    """Raise what is not as it was written as SnapshotFailed: it was written just now, and is thrown away."""
    try:
        yield
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
    # 20 ms, which only a backup needs.
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
