"""Which processes are the EMR of one data folder: told by what they carry and run, so that strangers are left alone.

The process that is started may be a wrapper that ends at once, so what it starts in its first seconds is the EMR too.
What the EMR starts later, to show a PDF for one, is not: it may stay open for long after the EMR has ended.
"""

import contextlib
import hashlib
import os
import re
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from backup_core.emrcommand import split
from backup_core.holders import names_data
from backup_core.places import DATA_DIR_VARIABLE

from .emrpaths import folder_of, paths_for

#: The environment variable by which the processes of an EMR that a launcher has started are known: whose data, and
#: after how many seconds of this PC's running it was started.
MARK = "DOCASSIST_LAUNCHED_FOR"
#: Seconds from its start in which a wrapper has started the EMR itself.
WRAPPER_PATIENCE = 10.0
#: What a program that the EMR opens is given to show; such a one is never the EMR, however soon it was started.
_DOCUMENTS = (".pdf", ".png", ".jpg", ".jpeg", ".docx", ".odt", ".xlsx")
_INTERPRETER = re.compile(r"(python|pypy|java|node|ruby|perl|mono|dotnet|sh|bash|dash|env|wine)[\d.w]*(\.exe)?", re.I)


class Kin:
    """Tells the processes of the EMR of one data folder from all others; raises psutil.Error where it may not ask."""

    def __init__(self, data_dir: Path) -> None:
        self._paths = paths_for(data_dir)
        self._tag = hashlib.sha256(os.fsencode(data_dir.absolute())).hexdigest()[:16]
        self._begun = 0.0

    def environment(self) -> dict[str, str]:
        """Return what the environment of an EMR that is started now has beside ours."""
        # Not the time of day: a clock that is set meanwhile must not turn the EMR into a stranger.
        self._begun = time.time() - psutil.boot_time()
        return {**self._paths, MARK: f"{self._tag} {self._begun:.2f}"}

    def early(self, family: Iterable[psutil.Process]) -> set[psutil.Process]:
        """Return those of the started process and its children that began with it, wherever they can be asked."""
        found = set()
        for process in family:
            with contextlib.suppress(psutil.Error):
                if _is_early(process, self._begun) and not _shows_a_document(process):
                    found.add(process)
        return found

    def carries_mark(self, process: psutil.Process) -> bool:
        """Return whether the process was started by the start that was begun last, however long after it."""
        tag, _, begun = process.environ().get(MARK, "").partition(" ")
        return tag == self._tag and abs(_number(begun) - self._begun) < 1 and not _shows_a_document(process)

    def is_emr(self, process: psutil.Process, command: str, folder: str) -> bool:
        """Return whether a process is the EMR that `command` starts in `folder`.

        It is where a launcher started it, or a wrapper of its, or where it runs the command on this data: the same
        command may be a stranger's in another folder.
        """
        line, words, home = process.cmdline(), split(command), folder or folder_of(command)
        # What belongs to the EMR alone may have been opened from anywhere, as by an icon on the desktop.
        own = program_of(words, Path(home or "."))
        runs_own = own is not None and own == program_of(_with_path(process, line), Path(process.cwd()))
        runs = runs_own or (bool(words) and line == words)
        environment = process.environ()
        tag, _, begun = environment.get(MARK, "").partition(" ")
        if tag == self._tag and (runs or (_is_early(process, _number(begun)) and not _shows_a_document(process))):
            return True
        named = names_data(process, Path(self._paths[DATA_DIR_VARIABLE]))
        if named is not None:
            return runs and named
        return runs_own or (runs and home is not None and _same(process.cwd(), home))


def program_of(line: list[str], here: Path) -> Path | None:
    """Return the file that a command line is known by: its program, or what an interpreter runs; else None."""
    for word in line:
        path = here / word
        if word.startswith("-") or _INTERPRETER.fullmatch(path.name):
            continue
        with contextlib.suppress(OSError, ValueError):
            if path.is_file():
                return path.resolve()
        return None
    return None


def _is_early(process: psutil.Process, begun: float) -> bool:
    return float(process.create_time()) - psutil.boot_time() - begun <= WRAPPER_PATIENCE


def _shows_a_document(process: psutil.Process) -> bool:
    return any(word.lower().endswith(_DOCUMENTS) for word in process.cmdline()[1:])


def _with_path(process: psutil.Process, line: list[str]) -> list[str]:
    """Return a command line that begins with the whole path of the program, where the system tells it."""
    with contextlib.suppress(psutil.Error):
        return [process.exe() or line[0], *line[1:]] if line else []
    return line


def _same(one: Path | str, other: Path | str) -> bool:
    return Path(one).resolve() == Path(other).resolve()


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return -WRAPPER_PATIENCE
