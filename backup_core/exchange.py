"""Two paths change places in one step, if the system can do that, and the number by which one tells that they did."""

import ctypes
import errno
import os
import sys
from pathlib import Path


def inode(path: Path) -> int | None:
    """Return the number that a file or folder keeps when it is renamed, or None where there is nothing."""
    try:
        return path.lstat().st_ino
    except FileNotFoundError:
        return None


def exchange(one: Path, other: Path) -> bool:
    """Let two paths change places in one step; return False where this system cannot."""
    if sys.platform == "linux":
        call, flags, here = "renameat2", 2, -100
    elif sys.platform == "darwin":
        call, flags, here = "renameatx_np", 2, -2
    else:
        return False
    function = getattr(ctypes.CDLL(None, use_errno=True), call, None)
    if function is None:
        return False
    function.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    if function(here, os.fsencode(one), here, os.fsencode(other), flags) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    raise OSError(code, os.strerror(code), str(one))
