"""The EMR's command line: taken apart, and looked up without starting anything."""

import os
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from .text import _

#: Scripts that an interpreter is given as its first word.
_SCRIPTS = (".py", ".pyw", ".jar", ".js", ".sh")


@dataclass(frozen=True)
class Program:
    """What a command would start: the file, "" where there is none, and a sentence on what is wrong or ""."""

    path: str
    problem: str


def split(command: str) -> list[str]:
    """Return the words of a command line as its system takes it apart; none where its quotes do not match."""
    try:
        if sys.platform == "win32":
            return [word.strip('"') for word in shlex.split(command, posix=False)]
        return shlex.split(command)
    except ValueError:
        return []


def find_program(command: str, folder: str) -> Program:
    """Return what a command would start in `folder`, "" being that of its program; nothing is started."""
    words = split(command)
    if not words:
        return Program("", _("There is no command to look for."))
    if folder and not Path(folder).is_dir():
        return Program("", _("The folder %(folder)s is not there.", folder=folder))
    path = _resolved(words[0], folder)
    if path is None:
        return Program("", _("There is no program %(program)s that could be started.", program=words[0]))
    script = next((word for word in words[1:] if not word.startswith("-")), "")
    if script.lower().endswith(_SCRIPTS) and not (Path(folder or path.parent) / script).is_file():
        where = folder or str(path.parent)
        return Program(
            str(path), _("There is no file %(script)s in the folder %(folder)s.", script=script, folder=where)
        )
    return Program(str(path), "")


def _resolved(program: str, folder: str) -> Path | None:
    """Return the file that the system would run for a program's name, or None."""
    if os.sep in program or "/" in program:
        # A path is taken from the folder in which it is started; a bare name is looked for on the PATH.
        program = str(Path(folder or Path.cwd()) / program)
    found = shutil.which(program)
    return Path(found).absolute() if found else None
