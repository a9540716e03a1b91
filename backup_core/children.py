"""How this program starts a child of its own: a module of it with a `main() -> int`, in a process that may crash.

A frozen build has one executable for everything; a plain one runs the module by this Python.
"""

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

#: The flag by which a frozen executable is told to be a child: `--child MODULE`.
CHILD_FLAG = "--child"
#: Where a child finds the packages, whatever the current folder is.
ROOT = Path(__file__).resolve().parent.parent

_PACKAGES = ("backup_core", "tray")


def command(module: str) -> list[str]:
    """Return the command that starts the child `module`; run it in ROOT."""
    if is_frozen():
        return [sys.executable, CHILD_FLAG, module]
    return [sys.executable, "-m", module]


def run(module: str, arguments: Sequence[str] = ()) -> int:
    """Be the child `module` with its arguments and return its status: what a frozen program does for CHILD_FLAG."""
    if module.partition(".")[0] not in _PACKAGES:
        raise ValueError(f"no child is called {module!r}")
    # A child reads its arguments where it does when Python itself has started it.
    sys.argv[1:] = arguments
    status: int = importlib.import_module(module).main()
    return status


def is_frozen() -> bool:
    """Return whether this program was built into an executable of its own."""
    return bool(getattr(sys, "frozen", False))
