"""Which processes are the EMR of one data folder: told by what they carry and run, so that strangers are left alone.

The process that is started may be a wrapper that ends at once, so what it starts in its first seconds is the EMR too.
What the EMR starts later, to show a PDF for one, is not: it may stay open for long after the EMR has ended.
"""

import contextlib
import hashlib
import os
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from backup_core.emrcommand import split

from .emrpaths import folder_of, paths_for

#: The environment variable by which the processes of an EMR that a launcher has started are known: whose data, and
#: after how many seconds of this PC's running it was started.
MARK = "DOCASSIST_LAUNCHED_FOR"
#: Seconds from its start in which a wrapper has started the EMR itself.
WRAPPER_PATIENCE = 10.0
_DATA = "DOCASSIST_DATA_DIR"


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
                if _is_early(process, self._begun):
                    found.add(process)
        return found

    def is_emr(self, process: psutil.Process, command: str, folder: str) -> bool:
        """Return whether a process is the EMR that `command` starts in `folder`.

        It is where a launcher started it, or a wrapper of its, or where it runs the command on this data: the same
        command may be a stranger's in another folder.
        """
        environment = process.environ()
        tag, _, begun = environment.get(MARK, "").partition(" ")
        if tag == self._tag and (_is_early(process, _number(begun)) or _runs(process, command)):
            return True
        return _runs(process, command) and self._is_at_home(
            process, environment.get(_DATA), folder or folder_of(command)
        )

    def _is_at_home(self, process: psutil.Process, data: str | None, folder: str | None) -> bool:
        here = Path(process.cwd())
        if data is not None:
            return _same(here / data, self._paths[_DATA])
        return folder is not None and _same(here, folder)


def _is_early(process: psutil.Process, begun: float) -> bool:
    return float(process.create_time()) - psutil.boot_time() - begun <= WRAPPER_PATIENCE


def _runs(process: psutil.Process, command: str) -> bool:
    words = split(command)
    return bool(words) and process.cmdline() == words


def _same(one: Path | str, other: Path | str) -> bool:
    return Path(one).resolve() == Path(other).resolve()


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return -WRAPPER_PATIENCE
