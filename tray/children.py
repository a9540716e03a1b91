"""How this program starts itself again: as a child with one task, and as a launcher.

A frozen build has one executable for everything; a plain one runs a module of this package.
"""

import importlib
import sys
from pathlib import Path

#: Where a child finds this package, whatever the current folder is.
ROOT = Path(__file__).resolve().parent.parent

#: The flag by which a frozen executable is told to be a child: `--child NAME`.
CHILD_FLAG = "--child"

#: The children there are: modules of this package with a `main() -> int`.
NAMES = ("icon", "samplemaker", "standin")


def command(name: str) -> list[str]:
    """Return the command that starts the child `name`; run it in ROOT."""
    if is_frozen():
        return [sys.executable, CHILD_FLAG, name]
    return [sys.executable, "-m", f"tray.{name}"]


def run(name: str) -> int:
    """Be the child `name` and return its exit status: what a frozen executable does for CHILD_FLAG."""
    if name not in NAMES:
        raise ValueError(f"no child is called {name!r}")
    status: int = importlib.import_module(f"tray.{name}").main()
    return status


def launcher(*arguments: str) -> list[str]:
    """Return the command that starts the launcher with `arguments`, without a console window."""
    if is_frozen():
        return [sys.executable, *arguments]
    python = Path(sys.executable)
    end = ".exe" if sys.platform == "win32" else ""
    script = python.with_name(f"docassist-tray{end}")
    if script.is_file():
        return [str(script), *arguments]
    windowless = python.with_name(f"pythonw{end}")
    return [str(windowless if windowless.is_file() else python), "-m", "tray.app", *arguments]


def is_frozen() -> bool:
    """Return whether this program was built into an executable of its own."""
    return bool(getattr(sys, "frozen", False))
