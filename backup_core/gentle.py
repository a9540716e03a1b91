"""Work that must not slow the clinic: behind everything else, and only while there is memory."""

import os
import sys
import threading

import psutil

#: Niceness on Linux and macOS: 0 is usual, 19 is last.
_BEHIND = 15


def step_back() -> None:
    """Put this thread, and the children it starts, behind everything else; it cannot be taken back.

    On macOS the whole process would be put back, so there only the children are, by `step_back` in themselves.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _BEHIND)
    elif sys.platform == "win32":
        import ctypes

        ctypes.windll.kernel32.SetThreadPriority(ctypes.windll.kernel32.GetCurrentThread(), 0x10000)


def free_memory() -> int:
    """Return the bytes of memory that can be had without pushing another program out."""
    return int(psutil.virtual_memory().available)
