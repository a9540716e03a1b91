"""How DocAssist could be started on some data, told by what lies beside it."""

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from webadmin.setup import Program

from .openemr import SCRIPT, is_docassist, typed

#: What DocAssist calls the folder of its records, beside its program.
DATA = "data"
#: How many folders above the data are looked into.
_ABOVE = 2
_ENVIRONMENTS = (".venv", "venv", "env")


def programs_beside(data_dir: Path, more: Iterable[Path] = ()) -> list[Program]:
    """Return the ways to start DocAssist that lie in, or just above, the data folder and in the folders `more`."""
    folders = [data_dir, *list(data_dir.parents)[:_ABOVE], *more]
    found = [program for folder in dict.fromkeys(folders) for program in programs_in(folder)]
    return list(dict.fromkeys(found))


def programs_in(folder: Path) -> list[Program]:
    """Return the ways to start DocAssist that lie in a folder."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return []
    names = [path for path in entries if is_docassist([str(path)]) and _can_be_started(path)]
    found = [Program(_command_of(path), str(folder)) for path in names]
    if folder / SCRIPT in entries:
        found.append(Program(typed([_python_of(folder), SCRIPT]), str(folder)))
    return found


def _can_be_started(path: Path) -> bool:
    if sys.platform == "win32":
        return path.suffix.lower() == ".exe" and path.is_file()
    if path.suffix == ".app":
        return path.is_dir()
    return path.suffix in ("", ".AppImage") and path.is_file() and os.access(path, os.X_OK)


def _command_of(path: Path) -> str:
    # macOS opens an application by its folder; -W waits for its end, which is the end of DocAssist then.
    return typed(["open", "-W", "-a", str(path)] if path.suffix == ".app" else [str(path)])


def _python_of(folder: Path) -> str:
    """Return the Python that belongs to a script: that of an environment beside it, else the system's."""
    within = Path("Scripts", "python.exe") if sys.platform == "win32" else Path("bin", "python")
    for name in _ENVIRONMENTS:
        if (folder / name / within).is_file():
            return str(folder / name / within)
    names = ("py", "python") if sys.platform == "win32" else ("python3", "python")
    return next((name for name in names if shutil.which(name)), names[0])
