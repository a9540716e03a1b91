"""Have a copied Chroma store opened and asked in a child process, and tell its faults from those of this PC."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from .children import ROOT, command
from .errors import BackupError
from .files import translating
from .progress import OnProgress, Progress, Stage
from .text import _

#: Seconds until a child is given up.
_PATIENCE = 900.0
#: Seconds between two looks whether somebody wants it stopped.
_LOOK_EVERY = 0.1
#: How a process ends that a damaged index has brought down. All other signals come from elsewhere: somebody logs off,
#: memory is needed.
_CRASHES = {
    -getattr(signal, name) for name in ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE") if getattr(signal, name, None)
}
#: The same for Windows, the other way: Ctrl+C, the end of the session (twice), and no memory (twice).
_ENDED_BY_WINDOWS = {0xC000013A, 0x40010004, 0xC0000142, 0xC0000017, 0xC000012D}
#: And how a crash ends one there: abort (twice), access violation, divisions by zero, stack overflow, spoilt heap, and
#: a C++ exception that nobody caught.
_CRASHES_OF_WINDOWS = {3, 0xC0000409, 0xC0000005, 0xC000008E, 0xC0000094, 0xC00000FD, 0xC0000374, 0xE06D7363}
#: What the last words of a child say where the PC, and not the index, was at fault: the system's own error numbers
#: for memory, files and disks, and SQLite's words for the same.
_PASSING = re.compile(
    r"memory allocation of|bad_alloc|out of memory|MemoryError|ImportError|ModuleNotFoundError|OSError|PermissionError"
    r"|os error (4|5|11|12|13|16|23|24|26|28|32|33|112|1450|1455)\b"
    r"|disk I/O error|unable to open database file|database or disk is full|database is locked",
    re.I,
)
#: What Chroma, its index library and SQLite say of a store whose files are damaged. Whatever else they refuse may be
#: the work of another version of Chroma. Seen with each file cut, emptied, lost or overwritten at random.
_DAMAGE = re.compile(
    r"Error loading hnsw index|Error getting embedding|Error querying knn|Error finding id"
    r"|Error (opening|deserializing) pickle file|unresolved global reference|Index seems to be corrupted"
    r"|database disk image is malformed|file is not a database|malformed database schema",
    re.I,
)


class StoreUnusable(Exception):
    """The store could not be opened and asked, for it is damaged; `str` says how it ended."""

    def __init__(self, words: str, status: int) -> None:
        super().__init__(words)
        self.status = status


class StoreNotUnderstood(Exception):
    """The store was refused for a reason that does not speak against its files; `str` is what was said."""


def ask(store: Path, on_progress: OnProgress, *, behind: bool) -> list[dict[str, Any]]:
    """Return what each collection of the copied store answers; what `on_progress` raises ends the child.

    `behind` puts it behind everything else. Raise StoreUnusable where the child died of it or found it damaged,
    StoreNotUnderstood where it refused it for another reason, and BackupError where it could not be tried: memory,
    disk, a missing library, somebody who ended it.
    """
    question = json.dumps({"folder": str(store), "behind": behind}).encode() + b"\n"
    with (
        translating(BackupError, _("The check of the search index could not be started")),
        subprocess.Popen(
            command("backup_core.chromaprobe"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            # Ctrl+C is for whoever asked, who ends the child then.
            start_new_session=True,
            creationflags=_WINDOWS_FLAGS,
        ) as child,
    ):
        try:
            said, complained = _told_by(child, question, on_progress)
        finally:
            # It reads a copy that nobody else uses, so it may be stopped anywhere.
            child.kill()
    return _understood(said, complained.decode(errors="replace").strip(), child.returncode)


_WINDOWS_FLAGS = getattr(subprocess, "CREATE_NO_WINDOW", 0) | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)


def _told_by(child: "subprocess.Popen[bytes]", question: bytes, on_progress: OnProgress) -> tuple[bytes, bytes]:
    """Return what the child says to the question on stdout and stderr; raise BackupError where it takes too long."""
    asking, deadline = child.stdin, time.monotonic() + _PATIENCE
    if asking is None:
        return b"", b""
    # It stays open as long as we wait: its end tells the child that nobody does any more.
    child.stdin = None
    with asking:
        # Where it has ended already, how is told below.
        with suppress(BrokenPipeError):
            os.write(asking.fileno(), question)
        while True:
            try:
                return child.communicate(timeout=_LOOK_EVERY)
            except subprocess.TimeoutExpired:
                on_progress(Progress(Stage.PROVE))
            if time.monotonic() > deadline:
                raise BackupError(
                    _("The check of the search index took too long."), hint=_("It is tried again by itself.")
                )


def _understood(said: bytes, complained: str, status: int) -> list[dict[str, Any]]:
    """Return the answer of a child that ended with `status`; raise as `ask`."""
    is_ready = False
    for line in said.splitlines():
        try:
            document = json.loads(line)
        except ValueError:
            continue
        if isinstance(document, dict) and "collections" in document:
            answer: list[dict[str, Any]] = document["collections"]
            return answer
        is_ready = is_ready or isinstance(document, dict) and "ready" in document
    words = complained.splitlines()[-1] if complained else ""
    if not is_ready or _was_stopped(status, complained) or _PASSING.search(complained):
        raise BackupError(
            _("The search index could not be opened just now (%(words)s).", words=words or _ended(status)),
            hint=_("It is tried again by itself."),
            status=status,
        )
    if _has_crashed(status) or _DAMAGE.search(words):
        raise StoreUnusable(words or _ended(status), status)
    raise StoreNotUnderstood(words or _ended(status))


def _was_stopped(status: int, complained: str) -> bool:
    """Return whether somebody else has ended the child: one that is ended by Windows' own means says nothing."""
    if sys.platform == "win32":
        return status in _ENDED_BY_WINDOWS or (status == 1 and not complained)
    return status < 0 and status not in _CRASHES


def _has_crashed(status: int) -> bool:
    """Return whether the child was brought down, and has not ended by itself."""
    return status in (_CRASHES_OF_WINDOWS if sys.platform == "win32" else _CRASHES)


def _ended(status: int) -> str:
    return _("it ended with %(status)s", status=status)
