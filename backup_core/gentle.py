"""Work that must not slow the clinic: behind everything else, and only while there is memory."""

import os
import sys
import threading
from collections.abc import Callable

import psutil

#: Niceness on Linux and macOS: 0 is usual, 19 is last.
_BEHIND = 15
#: Options of glibc's malloc: from which size memory is asked of the system, and from how many places it is taken.
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8

_this_thread = threading.local()


def step_back() -> None:
    """Put this thread, and the children it starts, behind everything else, at the processor and at the disk.

    It cannot be taken back: it ends with the thread. On macOS the whole process would be put back, so there only the
    children are, by `step_back` in themselves.
    """
    _this_thread.is_behind = True
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _BEHIND)
    elif sys.platform == "win32":
        import ctypes

        ctypes.windll.kernel32.SetThreadPriority(ctypes.windll.kernel32.GetCurrentThread(), 0x10000)


def follower() -> Callable[[], None]:
    """Return what a thread that works for this one does first: it steps back where this one did."""
    return step_back if getattr(_this_thread, "is_behind", False) else _stay


def _stay() -> None:
    """Do nothing."""


def free_memory() -> int:
    """Return the bytes of memory that can be had without pushing another program out."""
    return int(psutil.virtual_memory().available)


def keep_small() -> None:
    """Have glibc give back at once what a backup needed, instead of keeping it for the next one; for the launcher.

    It runs all day, and this is a twentieth of it. Elsewhere, musl included, nothing happens.
    """
    if sys.platform == "linux":
        import ctypes

        set_option = getattr(ctypes.CDLL(None), "mallopt", None)
        if set_option:
            set_option(_M_MMAP_THRESHOLD, 128 * 1024)
            set_option(_M_ARENA_MAX, 1)
