"""Opens archives in the background, one at a time, when that does not slow the clinic."""

import logging
import threading
import time
from collections.abc import Callable

from backup_core.clock import Clock
from backup_core.engine import BackupEngine
from backup_core.errors import BackupError, Cancelled
from backup_core.files import free_space
from backup_core.gentle import free_memory, give_back, step_back
from backup_core.history import Trigger
from backup_core.listing import Archive
from backup_core.progress import Progress
from backup_core.proofs import Proof
from backup_core.rotation import may_begin, next_to_prove, room_for
from backup_core.text import _

logger = logging.getLogger(__name__)

#: Seconds between two looks for an archive to open.
_LOOK_EVERY = 30.0
#: Seconds to leave alone an archive that could not be opened, and all of them where two in a row could not.
_PAUSE_AFTER_FAILURE = 3600.0
#: Work that somebody waits for, and that an archive which is just being opened makes way for.
_WAITED_FOR = ("restore", "undo", "prove")


class Prover:
    """Proves archives on a thread of its own; `on_proof` is told the result there.

    `at_work` returns the kind of job that this or another program does just now, "" for none.
    """

    def __init__(
        self, clock: Clock, on_proof: Callable[[Archive, Proof], None], at_work: Callable[[], str] = str
    ) -> None:
        self._clock = clock
        self._on_proof = on_proof
        self._at_work = at_work
        self._thread: threading.Thread | None = None
        self._is_ending = False
        self._look_at = 0.0
        self._wanted_since: float | None = None
        #: Until when an archive is left alone, by name.
        self._put_off: dict[str, float] = {}
        #: Those that could not be opened since one could, by name.
        self._failed: set[str] = set()

    def tick(self, engine: BackupEngine) -> None:
        """Begin to open an archive if one should be opened and the clinic is quiet."""
        now = self._clock.monotonic()
        if now < self._look_at or self._is_ending or (self._thread is not None and self._thread.is_alive()):
            return
        if self._at_work():
            # What that makes is looked for as soon as it has ended.
            return
        self._look_at = now + _LOOK_EVERY
        memory = free_memory()
        archive = self._next(engine, memory)
        if archive is None:
            self._wanted_since = None
            return
        self._wanted_since = self._wanted_since if self._wanted_since is not None else now
        has_room = free_space(engine.data_dir) >= room_for(archive)
        waited = now - self._wanted_since
        is_time = may_begin(waited=waited, quiet=_quiet(engine), free_memory=memory, has_room=has_room)
        if is_time:
            self._wanted_since = None
            self._thread = threading.Thread(target=self._prove, args=(engine, archive), name="prover", daemon=True)
            self._thread.start()

    def stop(self, patience: float) -> None:
        """Open nothing from now on, and end what is being opened; wait for that for so many seconds at most.

        The next start takes it up again.
        """
        self._is_ending = True
        if self._thread is not None:
            self._thread.join(patience)

    def _next(self, engine: BackupEngine, memory: int) -> Archive | None:
        now = self._clock.monotonic()
        self._put_off = {name: until for name, until in self._put_off.items() if until > now}
        try:
            archives, local = engine.archives(), self._clock.now()
        except BackupError:
            # The next backup into this folder fails too, and tells the user why.
            logger.warning("could not look for an archive to open", exc_info=True)
            return None
        return next_to_prove(archives, engine.origin, local, put_off=self._put_off, free_memory=memory)

    def _prove(self, engine: BackupEngine, archive: Archive) -> None:
        step_back()
        # Whatever comes of it, a fault of ours included: it is not tried again and again.
        self._put_off[archive.name] = self._clock.monotonic() + _PAUSE_AFTER_FAILURE
        try:
            proof = engine.prove(archive, trigger=Trigger.INTERVAL, on_progress=self._make_way)
        except Cancelled:
            self._put_off.pop(archive.name, None)
        except (BackupError, MemoryError):
            logger.warning("%s could not be opened now", archive.name, exc_info=True)
            self._failed.add(archive.name)
            if len(self._failed) > 1:
                # It is not the archives, then, and each that is tried is unpacked first.
                self._look_at = self._clock.monotonic() + _PAUSE_AFTER_FAILURE
        else:
            self._put_off.pop(archive.name, None)
            self._failed.clear()
            logger.info("opened %s: %s", archive.name, proof.problem or proof.remark or "it is whole")
            if proof.is_full and not self._is_ending:
                self._tidy_up(engine)
            self._on_proof(archive, proof)
        finally:
            # Unpacking took as much as a backup does.
            give_back()

    def _make_way(self, progress: Progress) -> None:
        """Raise Cancelled where the launcher ends, or somebody waits for what is done just now."""
        if self._is_ending or self._at_work() in _WAITED_FOR:
            raise Cancelled(_("It was put off, and is done later."))

    def _tidy_up(self, engine: BackupEngine) -> None:
        """Delete what may go now that a younger backup was opened; what cannot be deleted goes after the next."""
        try:
            engine.prune(trigger=Trigger.INTERVAL)
        except BackupError:
            logger.warning("old backups could not be tidied up now", exc_info=True)


def _quiet(engine: BackupEngine) -> float:
    """Return for how many seconds nobody has written to the stores; a clock that was set counts as long."""
    changed = engine.last_change()
    return abs(time.time() - changed) if changed else 0.0
