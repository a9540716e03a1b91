"""The processes of a program: found, looked at and asked to close, as each operating system allows."""

import contextlib
import os
import select
import sys
from collections.abc import Callable, Iterable

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


def find(is_wanted: Callable[[psutil.Process], bool], among: Iterable[int] | None = None) -> set[psutil.Process]:
    """Return the living processes that `is_wanted`, this one not among them; those that it may not ask are left out."""
    found = set()
    for pid in psutil.pids() if among is None else among:
        with contextlib.suppress(psutil.Error, OSError):
            process = psutil.Process(pid)
            if pid != os.getpid() and is_wanted(process) and lives(process):
                found.add(process)
    return found


class Lookout:
    """Looks for a process again and again, at little cost: what was looked at twice is known to be a stranger."""

    #: Looks after which all are looked at again: a number may have gone to another process unseen.
    ALL_AGAIN = 40

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._strangers: set[int] = set()
        self._looks = 0

    def find(self, is_wanted: Callable[[psutil.Process], bool]) -> set[psutil.Process]:
        """Return the wanted processes among those that are not known yet."""
        self._looks += 1
        if self._looks % self.ALL_AGAIN == 0:
            self._seen, self._strangers = set(), set()
        living = set(psutil.pids())
        # A process that has just begun may still look like the one that it was begun by.
        known, fresh = self._strangers & living, living - self._strangers
        found = find(is_wanted, fresh)
        self._strangers, self._seen = known | (fresh & self._seen), fresh
        return found


def await_end(process: psutil.Process) -> None:
    """Wait for the end of a process, as far as the system lets us, without waking up before that.

    Not for a child of ours: it would take the exit status away from whoever has started it.
    """
    if sys.platform != "linux":
        with contextlib.suppress(psutil.Error):
            process.wait()
        return
    # psutil would go on asking for one that has ended and that its parent has not collected.
    with contextlib.suppress(OSError):
        descriptor = os.pidfd_open(process.pid)
        try:
            # The number may have gone to another process just now.
            if process.is_running():
                ended = select.poll()
                ended.register(descriptor, select.POLLIN)
                ended.poll()
        finally:
            os.close(descriptor)


def kill(process: psutil.Process) -> None:
    """End a process at once, if it still lives."""
    with contextlib.suppress(psutil.Error):
        process.kill()
