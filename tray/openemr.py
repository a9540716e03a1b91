"""Which programs on this PC may be DocAssist: those that are open, told by what they run and where their data lies."""

import contextlib
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from backup_core.folders import has_clinic
from backup_core.places import DATA_DIR_VARIABLE
from backup_core.sources import CLINIC_DB
from webadmin.setup import Program

#: What DocAssist is started by where it is no program of its own.
SCRIPT = "main.py"
_NAME = "docassist"
#: How our own programs begin: they have the same word in their names.
_OURS = ("docassist-tray", "docassist-backup", "docassist backup")
_OUR_PACKAGES = ("tray.", "backup_core.", "webadmin.")


@dataclass(frozen=True)
class OpenProgram:
    """A program that is open, and the data folder it works on."""

    program: Program
    data_dir: Path


def open_programs() -> list[OpenProgram]:
    """Return the programs of this PC that look like DocAssist and work on a clinic; those that hide are left out."""
    found: dict[Path, OpenProgram] = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            words = process.cmdline()
            if process.pid != os.getpid() and is_docassist(words):
                for data_dir in _data_folders(process, words):
                    program = Program(typed(words), process.cwd(), is_open=True)
                    # The first one was started first: what it has started itself comes later.
                    found.setdefault(data_dir.resolve(), OpenProgram(program, data_dir))
    return list(found.values())


def is_docassist(words: Sequence[str]) -> bool:
    """Return whether a command line may be DocAssist's: by its name, or as a script of the usual name."""
    names = [Path(word).name.lower() for word in words]
    if not names or names[0].startswith(_OURS) or any(name.startswith(_OURS) for name in names[1:2]):
        return False
    if any(word.startswith(_OUR_PACKAGES) for word in words):
        return False
    return names[0].startswith(_NAME) or SCRIPT in names[1:3] or any(name.startswith(_NAME) for name in names[1:3])


def typed(words: Sequence[str]) -> str:
    """Return a command line as a user would write it on this system."""
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def _data_folders(process: psutil.Process, words: Sequence[str]) -> Iterator[Path]:
    """Yield the folders of a clinic that a process works on: what it was told, has open, or finds from where it is."""
    here = Path(process.cwd())
    environment: Mapping[str, str] = {}
    with contextlib.suppress(psutil.Error, OSError):
        environment = process.environ()
    if named := environment.get(DATA_DIR_VARIABLE):
        candidates = [here / named]
    else:
        candidates = [*_opened(process), here / "data", here, Path(words[0]).parent / "data"]
        candidates += [Path(word).parent / "data" for word in words[1:3] if Path(word).is_absolute()]
    for folder in candidates:
        if folder.is_absolute() and has_clinic(folder):
            yield folder
            return


def _opened(process: psutil.Process) -> list[Path]:
    if os.name == "nt":
        # Windows has no safe way to list another program's files.
        return []
    try:
        files = process.open_files()
    except (psutil.Error, OSError):
        return []
    return [Path(file.path).parent for file in files if Path(file.path).name == CLINIC_DB]
