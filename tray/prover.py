"""Opens archives in the background, one at a time, when that does not slow the clinic."""

import logging
import threading
import time
from collections.abc import Callable

from backup_core.clock import Clock
from backup_core.engine import BackupEngine
from backup_core.errors import BackupError
from backup_core.files import free_space
from backup_core.gentle import free_memory, step_back
from backup_core.history import Trigger
from backup_core.listing import Archive
from backup_core.proofs import Proof
from backup_core.rotation import may_begin, next_to_prove, room_for

logger = logging.getLogger(__name__)

#: Seconds between two looks for an archive to open.
_LOOK_EVERY = 30.0
#: Seconds to leave alone an archive that could not be opened for want of room or memory.
_PAUSE_AFTER_FAILURE = 3600.0


class Prover:
    """Proves archives on a thread of its own; `on_proof` is told the result there."""

    def __init__(self, clock: Clock, on_proof: Callable[[Archive, Proof], None]) -> None:
        self._clock = clock
        self._on_proof = on_proof
        self._thread: threading.Thread | None = None
        self._look_at = 0.0
        self._wanted_since: float | None = None

    def tick(self, engine: BackupEngine) -> None:
        """Begin to open an archive if one should be opened and the clinic is quiet."""
        now = self._clock.monotonic()
        if now < self._look_at or (self._thread is not None and self._thread.is_alive()):
            return
        self._look_at = now + _LOOK_EVERY
        archive = self._next(engine)
        if archive is None:
            self._wanted_since = None
            return
        self._wanted_since = self._wanted_since if self._wanted_since is not None else now
        has_room = free_space(engine.data_dir) >= room_for(archive)
        waited = now - self._wanted_since
        if may_begin(waited=waited, quiet=_quiet(engine), free_memory=free_memory(), has_room=has_room):
            self._wanted_since = None
            self._thread = threading.Thread(target=self._prove, args=(engine, archive), name="prover", daemon=True)
            self._thread.start()

    def _next(self, engine: BackupEngine) -> Archive | None:
        try:
            return next_to_prove(engine.archives(), engine.origin, self._clock.now())
        except BackupError:
            # The next backup into this folder fails too, and tells the user why.
            logger.warning("could not look for an archive to open", exc_info=True)
            return None

    def _prove(self, engine: BackupEngine, archive: Archive) -> None:
        step_back()
        try:
            proof = engine.prove(archive, trigger=Trigger.INTERVAL)
        except BackupError:
            logger.warning("%s could not be opened now", archive.name, exc_info=True)
            self._look_at = self._clock.monotonic() + _PAUSE_AFTER_FAILURE
        else:
            logger.info("opened %s: %s", archive.name, proof.problem or "it is whole")
            self._on_proof(archive, proof)


def _quiet(engine: BackupEngine) -> float:
    """Return for how many seconds nobody has written to the stores; a clock that was set counts as long."""
    changed = engine.last_change()
    return abs(time.time() - changed) if changed else 0.0
