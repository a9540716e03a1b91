"""The processes of a program: found, looked at and asked to close, as each operating system allows."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable

import psutil


def lives(process: psutil.Process) -> bool:
    """Return whether the process runs: one that has ended and was not yet collected by its parent does not."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def family(pid: int) -> set[psutil.Process]:
    """Return the process `pid` and all that it has started, as far as they live."""
    try:
        process = psutil.Process(pid)
        members = {process, *process.children(recursive=True)}
    except psutil.Error:
        return set()
    return {member for member in members if lives(member)}


def find(is_wanted: Callable[[psutil.Process], bool]) -> set[psutil.Process]:
    """Return the living processes that `is_wanted`, this one not among them; those that it may not ask are left out."""
    found = set()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and is_wanted(process) and lives(process):
                found.add(process)
    return found


def ask_to_close(process: psutil.Process) -> None:
    """Ask a program to close as its user would; it may refuse, or ask its user first."""
    if sys.platform == "win32":
        # Without /F this sends WM_CLOSE to the windows of the process: terminate() would kill it unasked.
        subprocess.run(
            ["taskkill", "/PID", str(process.pid)],  # noqa: S607 - a part of Windows
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            creationflags=subprocess.CREATE_NO_WINDOW,
        )
    else:
        with contextlib.suppress(psutil.Error):
            process.terminate()


def kill(process: psutil.Process) -> None:
    """End a process at once, if it still lives."""
    with contextlib.suppress(psutil.Error):
        process.kill()
