"""Asks a program to close as its user would: it may refuse, or ask its user first, and is never ended unasked.

Where it has windows, they are closed, and nothing else is done while one is open: it may hold what is not saved.
"""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

import psutil

#: Seconds between two looks at the windows, and seconds after the last of them in which the program ends by itself.
_LOOK, _AFTERMATH = 0.5, 5.0
_SIGTERM = 15
#: Libraries by which a program shows windows on Linux.
_GRAPHICAL = ("libwayland-client.", "libX11.", "libxcb.", "libgtk-", "libQt")


class Asker:
    """Asks the processes of one program, again and again, until they have ended or nobody waits any more."""

    def __init__(self) -> None:
        self._asked: set[int] = set()
        self._asked_windows: set[int] = set()
        self._next = 0.0
        self._last_window = -_AFTERMATH

    def ask(self, processes: Iterable[psutil.Process]) -> None:
        """Do what can be done now to have `processes` end; to be called until they have."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _LOOK
        if sys.platform == "win32":
            for process in self._new(processes):
                _close_windows_of(process)
        elif sys.platform == "darwin":
            for process in self._new(processes):
                if not _quit_application(process):
                    terminate(process)
        else:
            self._ask_on_linux([*processes], now)

    def _ask_on_linux(self, processes: list[psutil.Process], now: float) -> None:
        from .x11 import close_windows

        if close_windows({process.pid for process in processes}, self._asked_windows):
            self._last_window = now
        elif now - self._last_window >= _AFTERMATH:
            for process in self._new(process for process in processes if may_be_signalled(process)):
                terminate(process)

    def _new(self, processes: Iterable[psutil.Process]) -> list[psutil.Process]:
        """Return the processes that were not asked yet; they count as asked."""
        new = [process for process in processes if process.pid not in self._asked]
        self._asked |= {process.pid for process in new}
        return new


def may_be_signalled(process: psutil.Process) -> bool:
    """Return whether SIGTERM is polite to a process on Linux: it listens to it, or shows nothing to anybody."""
    folder = Path("/proc") / str(process.pid)
    try:
        status = (folder / "status").read_text(encoding="utf-8", errors="replace")
        caught = int(status.partition("SigCgt:")[2].split()[0], 16)
        maps = (folder / "maps").read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError, IndexError):
        return False
    return bool(caught >> (_SIGTERM - 1) & 1) or not any(name in maps for name in _GRAPHICAL)


def terminate(process: psutil.Process) -> None:
    """Send SIGTERM to a process, if it still lives."""
    with contextlib.suppress(psutil.Error):
        process.terminate()


def _close_windows_of(process: psutil.Process) -> None:
    # Without /F this sends WM_CLOSE to the windows of the process: terminate() would kill it unasked.
    subprocess.run(
        ["taskkill", "/PID", str(process.pid)],  # noqa: S607 - a part of Windows
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


def _quit_application(process: psutil.Process) -> bool:
    """Ask an application of macOS to quit, as its menu does; return False for a process that is none."""
    running = import_module("AppKit").NSRunningApplication
    application = running.runningApplicationWithProcessIdentifier_(process.pid)
    return application is not None and bool(application.terminate())
