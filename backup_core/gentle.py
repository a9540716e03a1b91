"""Work that must not slow the clinic: behind everything else, and only while there is memory."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TypeVar

import psutil

R = TypeVar("R")

#: Niceness on Linux and macOS: 0 is usual, 19 is last.
_BEHIND = 15
#: Memory that opening a vector store takes: this many times its folder, besides the library's own. Measured: 404 MB
#: for a folder of 277 MB with 120,000 vectors.
_MEMORY_FACTOR = 1.2
_LIBRARY_MEMORY = 200 << 20
#: Option of glibc's malloc: from how many places memory is taken.
_M_ARENA_MAX = -8

_this_thread = threading.local()


def step_back() -> None:
    """Put this thread, and the children it starts, behind everything else, at the processor and at the disk.

    It cannot be taken back: it ends with the thread. On macOS the whole process would be put back, so there nothing is
    done: only the child that opens an index puts itself back.
    """
    _this_thread.is_behind = True
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _BEHIND)
    elif sys.platform == "win32":
        import ctypes

        ctypes.windll.kernel32.SetThreadPriority(ctypes.windll.kernel32.GetCurrentThread(), 0x10000)


def step_back_wholly() -> None:
    """Put this process behind everything else, at the processor and, where that can be, at the disk."""
    # Where the system forbids it, it is asked all the same.
    process, refused = psutil.Process(), suppress(psutil.Error, OSError)
    with refused:
        if sys.platform == "win32":
            process.nice(psutil.IDLE_PRIORITY_CLASS)
        else:
            process.nice(max(process.nice(), _BEHIND))
    with refused:
        if sys.platform == "win32":
            process.ionice(psutil.IOPRIO_LOW)
        elif sys.platform == "linux":
            process.ionice(psutil.IOPRIO_CLASS_IDLE)


@contextmanager
def behind() -> Iterator[None]:
    """Put this thread and those that work for it behind everything else, but for what they do `at_once`."""
    with about_to_step_back():
        step_back()
        yield


@contextmanager
def about_to_step_back() -> Iterator[None]:
    """Have what is done `at_once` in the block stay where it is, whenever this thread steps back in it."""
    with ThreadPoolExecutor(1, "at-once") as pool:
        # Its thread begins before this one steps back.
        pool.submit(_stay).result()
        _this_thread.pool = pool
        try:
            yield
        finally:
            _this_thread.pool = None


def at_once(work: Callable[[], R]) -> R:
    """Do what others wait for: on a thread that has not stepped back, where this one has."""
    pool: ThreadPoolExecutor | None = getattr(_this_thread, "pool", None)
    return pool.submit(work).result() if pool else work()


def follower() -> Callable[[], None]:
    """Return what a thread that works for this one does first: it steps back where this one did."""
    return step_back if getattr(_this_thread, "is_behind", False) else _stay


def _stay() -> None:
    """Do nothing."""


def free_memory() -> int:
    """Return the bytes of memory that can be had without pushing another program out."""
    return int(psutil.virtual_memory().available)


def memory_for(index: int) -> int:
    """Return the bytes of memory that must be free to open a search index whose files have `index` bytes."""
    return int(index * _MEMORY_FACTOR) + _LIBRARY_MEMORY


def keep_small() -> None:
    """Have glibc take memory from one place for all threads, for the launcher: it runs all day."""
    if (set_option := _of_glibc("mallopt")) is not None:
        set_option(_M_ARENA_MAX, 1)


def give_back() -> None:
    """Have glibc give back what a backup needed, instead of keeping it for the next one.

    Once, at its end: to give back each piece at once cost a sixth of the processor time of a backup.
    """
    if (trim := _of_glibc("malloc_trim")) is not None:
        trim(0)


def _of_glibc(name: str) -> Callable[..., int] | None:
    """Return a function of the C library; None where it is another one, musl included."""
    if sys.platform != "linux":
        return None
    import ctypes

    return getattr(ctypes.CDLL(None), name, None)
