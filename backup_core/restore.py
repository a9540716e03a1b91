"""Put an archive's sources back: verify it, keep today's data in a safety backup, then swap."""

import contextlib
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from . import archive, contents
from .backup import BackupMaker
from .datafolder import DataFolder
from .errors import (
    ArchiveUnusable,
    EmrRunning,
    NewerData,
    OtherClinic,
    RepositoryUnusable,
    RestoreFailed,
    SnapshotFailed,
    SourceDamaged,
)
from .files import private_folder, translating
from .holders import find_holders
from .journal import Journal, Phase
from .listing import Archive
from .manifest import Manifest
from .progress import OnProgress, Progress, Stage, ignore
from .runs import Trigger
from .snapshot import Snapshot
from .sources import CHROMA, CLINIC_DB, SETTINGS, Source, check_extra
from .space import Need, need_room
from .stages import UNWATCHED, Stages, Step
from .swap import Swap
from .swapper import Swapper
from .text import N_, _
from .verify import unpack

#: What a ZIP of the EMR's older code may bring; anything else in it is left alone.
_LEGACY_SOURCES = (CLINIC_DB, CHROMA, "prescriptions", SETTINGS)

_NO_ROOM = N_(
    "There is not enough room for a restore and the safety backup before it: %(needed)s needed (%(listed)s), "
    "%(free)s free."
)


@dataclass(frozen=True)
class Restored:
    """What a restore has done; the counts are read from the data that is in place now."""

    archive: str
    #: The archive that keeps the data as it was before; None where there was nothing to keep.
    safety: str | None
    patient_count: int
    visit_count: int
    #: True where a program's open files forbade the swap: it is done before the data is next opened.
    armed: bool = False


@dataclass(frozen=True)
class Wish:
    """How a restore is meant."""

    #: Whether it undoes another restore.
    undoes: bool = False
    #: Whether the user has said that another clinic's records are meant.
    other_clinic: bool = False
    #: Whether the user knows that a newer version of the EMR made the archive.
    newer: bool = False
    #: Whether settings.json comes back though there is one.
    with_settings: bool = False
    #: Whether the EMR itself calls, with its own connections open.
    inside_emr: bool = False


class Restorer:
    """Restores into one data folder; its lock is held by the caller."""

    def __init__(
        self,
        data: DataFolder,
        maker: BackupMaker,
        emr_command: str,
        holding: Callable[[Sequence[Source]], Archive | None],
        last_good: Callable[[], Archive | None],
    ) -> None:
        """`holding` gives the archive that holds the very state of some sources, `last_good` the newest good one."""
        self._data = data
        self._holding = holding
        self._last_good = last_good
        self._maker = maker
        self._emr_command = emr_command
        self._swapper = Swapper(data)

    def restore(self, wanted: Archive, wish: Wish, on_progress: OnProgress, stages: Stages = UNWATCHED) -> Restored:
        """Replace today's data by that of `wanted`, after it was verified and today's data was kept.

        Raise ArchiveUnusable, EmrRunning, OtherClinic, NewerData, or what making a backup raises, with nothing changed;
        RestoreFailed where the swap itself failed.
        """
        if not wish.inside_emr:
            self._refuse_if_open()
        if (abandoned := Swap.pending(self._data.path)) is not None:
            abandoned.end()
        swap = Swap(self._data.path, Journal(uuid.uuid4().hex, Phase.FORWARD, wanted.name, None, wish.undoes, None, ()))
        try:
            with translating(partial(RestoreFailed, rolled_back=True), _("The backup could not be unpacked")):
                with stages.measure(Step.EXTRACT):
                    manifest = self._unpack(wanted, swap, on_progress)
                patients, visits = _counts(manifest, swap)
            names = self._names(manifest, swap, with_settings=wish.with_settings)
            on_progress(Progress(Stage.SAFETY))
            swap.note(safety=None, origin=manifest.origin)
            try:
                with stages.measure(Step.SAFETY):
                    swap.note(safety=self._keep_today(manifest, swap, wish, names, stages), origin=manifest.origin)
            except SourceDamaged:
                if not wish.inside_emr:
                    raise
                # Only a plain copy could keep it, and that would drop the EMR's own locks: it is done without them.
                self._swapper.arm(swap, names)
                done = False
            else:
                on_progress(Progress(Stage.SWAP))
                with stages.measure(Step.SWAP):
                    done = self._swapper.do(swap, names, may_arm=wish.inside_emr)
        except BaseException:
            # Where not even the notes can be read, the next sweep has the box.
            with contextlib.suppress(OSError, RestoreFailed):
                if Swap.pending(self._data.path) is None:
                    swap.clear()
            raise
        return Restored(wanted.name, swap.journal.safety, patients, visits, armed=not done)

    def recover(self, *, inside_emr: bool) -> str | None:
        """Finish or take back an interrupted swap, do an armed one, and return a sentence saying so, or None.

        From inside the EMR an armed one stays armed. Raise EmrRunning where a program has the data open.
        """
        swap = Swap.pending(self._data.path)
        if swap is None:
            Swap.sweep(self._data.path)
        if swap is None or (swap.journal.phase is Phase.ARMED and inside_emr):
            return None
        if not inside_emr:
            self._refuse_if_open()
        names = [change.name for change in swap.journal.changes]
        return self._swapper.recover(swap, lambda: self._make_safety(names))

    def is_interrupted(self) -> bool:
        """Return whether a restore was begun that neither ended nor waits for its turn."""
        swap = Swap.pending(self._data.path)
        return swap is not None and swap.journal.phase is not Phase.ARMED

    def armed(self) -> str | None:
        """Return the name of the archive whose restore waits for its turn, or None."""
        swap = Swap.pending(self._data.path)
        return swap.journal.archive if swap is not None and swap.journal.phase is Phase.ARMED else None

    def next_undo(self) -> str | None:
        """Return the name of the safety backup that an undo would put back, or None."""
        stack = self._swapper.undo_stack()
        return stack[-1]["safety"] if stack else None

    def undoes(self) -> str:
        """Return the name of the archive whose restore an undo would take back, "" where there is none."""
        stack = self._swapper.undo_stack()
        return stack[-1]["archive"] if stack else ""

    def undo_brings_settings(self) -> bool:
        """Return whether the restore that an undo would take back had replaced settings.json."""
        stack = self._swapper.undo_stack()
        return bool(stack and stack[-1].get("changed"))

    def _refuse_if_open(self) -> None:
        stores = [self._data.path / name for name in (CLINIC_DB, CHROMA)]
        holders = find_holders(stores, stores[0], self._emr_command)
        if holders:
            raise EmrRunning(
                _("The data is in use by %(holders)s.", holders=", ".join(holders)),
                hint=_("Close DocAssist, then try again."),
                programs=", ".join(holders),
            )

    def _unpack(self, wanted: Archive, swap: Swap, on_progress: OnProgress) -> Manifest:
        """Extract into the box; raise ArchiveUnusable where a byte or a database is not as it should be."""
        with translating(SnapshotFailed, _("The data could not be read")):
            safety = self._maker.room_for(self._data.sources())
        unpacked = Need(
            self._data.path, archive.unpacked_size(wanted.path), N_("%(size)s for the data that comes back")
        )
        need_room(_NO_ROOM, [unpacked, *safety])
        with translating(SnapshotFailed, _("The folder %(path)s cannot be written", path=self._data.path)):
            private_folder(swap.new.parent, inside=self._data.path)
        return unpack(wanted.path, swap.new, on_progress, to_stay=True)

    def _names(self, manifest: Manifest, swap: Swap, *, with_settings: bool) -> list[str]:
        """Return the sources that change: what the archive has, and what it says was absent."""
        listed = dict.fromkeys(_LEGACY_SOURCES, True) if manifest.sources is None else manifest.sources
        names = [check_extra(name) for name, there in listed.items() if (swap.new / name).exists() or not there]
        if CLINIC_DB not in names:
            raise ArchiveUnusable(
                _("There is no %(clinic_db)s in this backup.", clinic_db=CLINIC_DB), hint=_("Choose another backup.")
            )
        bring_settings = with_settings or not (self._data.path / SETTINGS).exists()
        if not bring_settings or not (swap.new / SETTINGS).exists():
            names = [name for name in names if name != SETTINGS]
        return names

    def _keep_today(
        self, manifest: Manifest, swap: Swap, wish: Wish, names: Sequence[str], stages: Stages
    ) -> str | None:
        """Make the safety backup and return its name; raise OtherClinic where the user should be asked first."""
        origin = self._data.origin
        same = self._holding(self._data.sources(names)) if wish.other_clinic or manifest.origin == origin else None
        if same is not None and same.manifest is not None:
            if not wish.newer:
                _refuse_if_newer(manifest.schema_version, same.manifest.schema_version)
            # Nothing was written since it was made: what takes seconds would make the same again.
            with contextlib.suppress(ArchiveUnusable, RepositoryUnusable):
                return self._maker.keep_again(same).name

        def check(today: Snapshot) -> None:
            if not wish.newer:
                _refuse_if_newer(manifest.schema_version, today.contents.schema_version or self._last_schema())
            patients = contents.patients_in(today.folder)
            if wish.other_clinic or not patients:
                return
            if manifest.origin is not None and origin is not None:
                same = manifest.origin == origin
            else:
                same = bool(patients & contents.patients_in(swap.new))
            if not same:
                raise _other_clinic(manifest)

        kept = self._make_safety(names, check, raw_if_damaged=not wish.inside_emr, stages=stages)
        if kept is None and not wish.newer:
            _refuse_if_newer(manifest.schema_version, self._last_schema())
        return kept

    def _last_schema(self) -> int | None:
        """Return the schema of the EMR that this PC last had, as the newest good archive tells, or None."""
        last = self._last_good()
        return last.manifest.schema_version if last and last.manifest else None

    def _make_safety(
        self,
        names: Sequence[str],
        check: Callable[[Snapshot], None] = lambda today: None,
        *,
        raw_if_damaged: bool = True,
        stages: Stages = UNWATCHED,
    ) -> str | None:
        """Return the name of a new safety backup of all sources, and of what `names` says will be replaced.

        None where there is nothing to keep. Raise SourceDamaged for damaged data unless `raw_if_damaged`.
        """
        sources = self._data.sources(names)
        if all(source.kind is None or (source.name == SETTINGS and SETTINGS not in names) for source in sources):
            return None
        make = partial(self._maker.make, check=check, raw_if_damaged=raw_if_damaged, stages=stages)
        return make(Trigger.SAFETY, sources, ignore).name


def _refuse_if_newer(backup: int | None, today: int | None) -> None:
    if backup is not None and today is not None and backup > today:
        raise NewerData(
            _("This backup was made by a newer version of DocAssist than the one on this PC."),
            hint=_("Update DocAssist first, or confirm that you want it all the same."),
            backup=backup,
            today=today,
        )


def _counts(manifest: Manifest, swap: Swap) -> tuple[int, int]:
    """Return how many patients and visits came out of an archive."""
    if manifest.members is not None:
        # Counted when it was made, in the very bytes that were unpacked: each has the SHA-256 of its member.
        return manifest.patient_count, manifest.visit_count
    found = contents.read_contents(swap.new)
    return found.patient_count, found.visit_count


def _other_clinic(manifest: Manifest) -> OtherClinic:
    host = f", from PC {manifest.host}" if manifest.host else ""
    return OtherClinic(
        _(
            "These look like another clinic's records (%(patient_count)s patients%(host)s).",
            patient_count=format(manifest.patient_count, ","),
            host=host,
        ),
        hint=_("If they are the ones you want, confirm that they are."),
        patients=manifest.patient_count,
        host=manifest.host,
    )
