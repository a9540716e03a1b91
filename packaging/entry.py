"""The one entry of the built programs: `docassist-tray` and `docassist-backup` are this file under two names."""

import os
import sys
from pathlib import Path


def main() -> int:
    """Be the program whose name this executable has, or the child that it was told to be; return the exit status."""
    _forget_our_libraries()
    if "tray" in Path(sys.executable).stem:
        from tray.app import main as program
    else:
        from backup_core.cli import main as program
    return program()


def _forget_our_libraries() -> None:
    """Let the programs that we start, DocAssist and the browser, find their own libraries and not those in here."""
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.kernel32.SetDllDirectoryW(None)
        return
    for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):
        before = os.environ.pop(f"{name}_ORIG", None)
        if before is not None:
            os.environ[name] = before
        elif getattr(sys, "frozen", False):
            os.environ.pop(name, None)


if __name__ == "__main__":
    sys.exit(main())
