"""How long the steps of an operation took, for whoever asks where the time goes."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum


class Step(StrEnum):
    """What the time of an operation goes into, in the order in which it begins."""

    COPY = "copy"
    #: The part of the copying during which the EMR's writers wait.
    FREEZE = "freeze"
    #: SQLite's own check of the copied databases, and the counting of their rows.
    CHECK = "check"
    COMPRESS = "compress"
    HASH = "hash"
    WRITE = "write"
    VERIFY = "verify"
    PUBLISH = "publish"
    EXTRACT = "extract"
    SAFETY = "safety"
    SWAP = "swap"
    PROVE = "prove"


class Stages:
    """Seconds by step. Steps on two threads at once both count, so the sum may be more than the whole took."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._seconds: dict[Step, float] = {}

    def add(self, step: Step, seconds: float) -> None:
        """Count `seconds` more for a step."""
        with self._guard:
            self._seconds[step] = self._seconds.get(step, 0.0) + seconds

    @contextmanager
    def measure(self, step: Step) -> Iterator[None]:
        """Count the time that the block takes, however it ends."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.add(step, time.perf_counter() - started)

    def seconds(self) -> dict[str, float]:
        """Return the seconds of each step that was done, to the tenth of a millisecond, in their usual order."""
        with self._guard:
            return {step.value: round(self._seconds[step], 4) for step in Step if step in self._seconds}


#: Where nobody asks.
UNWATCHED = Stages()
