"""Build the shim, and say what it can do to a process: Linux and a C compiler are all it needs."""

import ctypes
import shutil
import subprocess
from enum import IntEnum
from pathlib import Path


class Mode(IntEnum):
    """What happens at the k-th call that changes the disk."""

    OFF = 0
    COUNT = 1
    KILL = 2
    #: This call alone fails.
    FAIL_ONCE = 3
    #: This call and every later one that may need room fails.
    FAIL_FROM = 4
    #: This call and the two after it fail.
    FAIL_THRICE = 5
    #: At this call the backup folder goes away.
    TAKE_AWAY = 6
    #: What is counted is the reading of live data, and this one fails.
    FAIL_READ = 7


def build(folder: Path) -> Path:
    """Return the shim, compiled in `folder`; fail with what is needed where there is no compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    assert compiler is not None, "the fault tests need a C compiler: apt-get install gcc libc6-dev"
    library = folder / "shim.so"
    if not library.exists():
        source = Path(__file__).with_name("shim.c")
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-Wall", "-o", library, source, "-ldl"], check=True)
    return library


def arm(mode: Mode, at: int, error: int, trace: int, *, plain: bool) -> None:
    """Count from now on in this process, into which the shim is loaded; names of calls go to the descriptor `trace`.

    With `plain` the disk knows neither second names of files nor an exchange of two names.
    """
    ctypes.CDLL(None).shim_arm(mode, ctypes.c_long(at), error, trace, plain)


def take_away(folder: Path, aside: Path) -> None:
    """Let it be `folder` that goes away with Mode.TAKE_AWAY; it is at `aside` then."""
    ctypes.CDLL(None).shim_take_away(bytes(folder), bytes(aside))


def watch_reads(folder: Path) -> None:
    """Let it be the files in this data folder, ours left out, whose reading is counted with Mode.FAIL_READ."""
    ctypes.CDLL(None).shim_watch_reads(bytes(folder))


def disarm() -> None:
    """Let every call be again."""
    ctypes.CDLL(None).shim_disarm()
