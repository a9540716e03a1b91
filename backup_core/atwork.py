"""At work: what a process that is no launcher does with the data just now, told to the page of the launcher.

The note is for people only. Whether one may work is decided by the locks.
"""

import contextlib
import json
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from .files import PRIVATE, remove, write_own
from .progress import OnProgress, Progress, Stage

logger = logging.getLogger(__name__)

#: Seconds between two notes within one stage.
_NOTE_EVERY = 0.5


@dataclass(frozen=True)
class AtWork:
    """One operation of another process: `done` of `total` bytes of `stage`, total 0 where it is not known."""

    #: create, restore, undo or prove, as the kinds of jobs.
    kind: str
    trigger: str
    stage: Stage | None = None
    done: int = 0
    total: int = 0


@contextlib.contextmanager
def announced(data_dir: Path, kind: str, trigger: str) -> Iterator[OnProgress]:
    """Give a place to report to while this process works; what is reported can be read with `look`.

    A note that cannot be written is left out: it stops no backup.
    """
    path = _note(data_dir)
    mine = {"pid": os.getpid(), "born": psutil.Process().create_time(), "kind": kind, "trigger": trigger}
    noted: list[tuple[float, Stage | None]] = []

    def report(progress: Progress) -> None:
        now = time.monotonic()
        if noted and progress.stage is noted[-1][1] and now - noted[-1][0] < _NOTE_EVERY:
            return
        noted[:] = [(now, progress.stage)]
        _write(path, {**mine, "stage": progress.stage.value, "done": progress.done, "total": progress.total})

    _write(path, mine)
    try:
        yield report
    finally:
        with contextlib.suppress(OSError):
            remove(path)


def look(data_dir: Path) -> AtWork | None:
    """Return what another process does with the data folder, or None; one that has died does nothing any more."""
    try:
        document = json.loads(_note(data_dir).read_bytes())
        if document["pid"] == os.getpid() or psutil.Process(document["pid"]).create_time() != document["born"]:
            return None
        stage = Stage(document["stage"]) if "stage" in document else None
        kind, trigger = str(document["kind"]), str(document["trigger"])
        return AtWork(kind, trigger, stage, int(document.get("done", 0)), int(document.get("total", 0)))
    except (OSError, ValueError, TypeError, KeyError, psutil.Error):
        return None


def _note(data_dir: Path) -> Path:
    return data_dir / PRIVATE / "at-work.json"


def _write(path: Path, document: dict[str, object]) -> None:
    try:
        write_own(path, json.dumps(document).encode())
    except OSError:
        logger.info("the page is not told what is done", exc_info=True)
