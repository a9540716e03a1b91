"""History: the runs of a data folder, one line of JSON each, and nothing that decides about them."""

import logging
import os
import threading
from collections.abc import Container
from datetime import datetime
from pathlib import Path

from filelock import FileLock

from .files import own_folder, sync_folder, write_atomically
from .runs import Action, Outcome, Run, Trigger
from .vanished import GONE

__all__ = ["Action", "History", "Outcome", "Run", "Trigger"]

#: Lines that are kept; the file is cut back to them when it has a tenth more.
KEPT_RUNS = 5_000
#: Seconds for which another process may hold the file.
PATIENCE = 5.0

logger = logging.getLogger(__name__)


class History:
    """The recorded runs, shared by every process that works on the data folder.

    A run that cannot be written, on a full disk for one, is kept in memory and written with the next one: whoever
    asks this object still learns of it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.Lock()
        self._unwritten: list[Run] = []
        self._known: tuple[Run, ...] = ()
        self._signature: tuple[int, int] | None = None

    def append(self, run: Run) -> None:
        """Record a run; what the disk refuses is logged and tried again with the next run."""
        with self._guard:
            self._unwritten.append(run)
            try:
                self._write()
            except OSError:
                logger.warning("could not record a run in %s", self._path, exc_info=True)

    def runs(self, limit: int | None = None) -> list[Run]:
        """Return the newest `limit` runs, or all, in the order in which they were recorded, newest first.

        Lines that cannot be read are left out; where the file cannot be read at all, what was read last is used.
        """
        with self._guard:
            everything = [*self._unwritten[::-1], *self._read()]
        return everything[:limit]

    def last(self, *, action: Action = Action.BACKUP, outcomes: Container[Outcome] = tuple(Outcome)) -> Run | None:
        """Return the newest run of that action that ended in one of `outcomes`, or None."""
        return next((run for run in self.runs() if run.action == action and run.outcome in outcomes), None)

    def confirmations(self) -> dict[str, datetime]:
        """Return for each archive found still current when it was last found so (aware UTC): the end of that run."""
        unchanged = [run for run in self.runs() if run.outcome == Outcome.UNCHANGED]
        return {run.archive: run.ended_at for run in reversed(unchanged) if run.archive is not None}

    def archive_names(self) -> set[str]:
        """Return the names of all archives that the runs tell of, those that have gone since included."""
        runs = self.runs()
        told = [name for run in runs for name in (run.archive, run.facts.get("safety")) if name]
        gone = [name for run in runs for name in str(run.facts.get(GONE, "")).splitlines()]
        return {str(name) for name in (*told, *gone)}

    def _write(self) -> None:
        is_new = not self._path.exists()
        own_folder(self._path.parent.parent)
        with FileLock(self._path.with_suffix(".lock"), timeout=PATIENCE, mode=0o600):
            with open(self._path, "ab+", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
                file.seek(max(file.tell() - 1, 0))
                torn = file.read(1) not in (b"", b"\n")
                lines = b"".join(run.to_json() + b"\n" for run in self._unwritten)
                file.write(b"\n" + lines if torn else lines)
                file.flush()
                os.fsync(file.fileno())
            self._unwritten.clear()
            self._cut_back()
        if is_new:
            sync_folder(self._path.parent)

    def _cut_back(self) -> None:
        lines = self._path.read_bytes().splitlines(keepends=True)
        if len(lines) > KEPT_RUNS * 1.1:
            write_atomically(self._path, b"".join(lines[-KEPT_RUNS:]))

    def _read(self) -> tuple[Run, ...]:
        """Return the runs of the file, newest first; the lines are parsed again only when the file has changed."""
        try:
            status = self._path.stat()
            signature = (status.st_mtime_ns, status.st_size)
            if signature != self._signature:
                lines = self._path.read_bytes().splitlines()
                self._known = tuple(run for run in map(Run.from_json, reversed(lines)) if run is not None)
                self._signature = signature
        except FileNotFoundError:
            self._known, self._signature = (), None
        except OSError:
            logger.warning("could not read %s", self._path, exc_info=True)
        return self._known
