"""The EMR: started in its own folder, watched, asked to close. No other room starts or ends it.

The process that is started may be a wrapper that ends at once, so the EMR is every process that carries our mark in its
environment; an EMR that was open before us is found by that mark, or by its command.
"""

import hashlib
import logging
import os
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

from backup_core.errors import BackupError

from .processes import ask_to_close, family, find, kill, lives

logger = logging.getLogger(__name__)

#: The environment variable by which the processes of an EMR that a launcher has started are known.
MARK = "DOCASSIST_LAUNCHED_FOR"
#: Seconds between two looks at the processes.
_LOOK = 0.5


class EmrNotStarted(BackupError):
    """The EMR's command could not be run."""

    code = "emr-not-started"


class Emr:
    """The EMR of one data folder; `on_exit` is called on the watching thread when its last process has ended."""

    def __init__(self, command: str, folder: str, data_dir: Path, on_exit: Callable[[], None]) -> None:
        """Take the command line as the user wrote it, and the folder to run it in: "" is the program's own."""
        self.command = command
        self._folder = folder or _folder_of(command)
        self._paths = paths_for(data_dir)
        self._on_exit = on_exit
        self._mark = hashlib.sha256(os.fsencode(data_dir.absolute())).hexdigest()[:16]
        self._started: subprocess.Popen[bytes] | None = None
        self._processes: set[psutil.Process] = set()
        self._lock = threading.Lock()
        self._watcher: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        """Whether any process of the EMR lived at the last look."""
        return self._watcher is not None and self._watcher.is_alive()

    def start(self) -> None:
        """Start the EMR unless it is open already; raise EmrNotStarted if its command cannot be run."""
        with self._lock:
            if not self._adopt():
                self._started = self._run()
                self._processes = family(self._started.pid)
                self._watch_on_thread()

    def adopt(self) -> bool:
        """Watch the EMR if it is open already, and return whether it is."""
        with self._lock:
            return self._adopt()

    def close(self, timeout: float, *, by_force: bool = False) -> bool:
        """Ask the EMR to close and return whether it has within `timeout` seconds.

        `by_force` ends what has not closed by then: for a stand-in only, never for a program with somebody's work.
        """
        deadline = time.monotonic() + timeout
        asked: set[psutil.Process] = set()
        while self.is_running and time.monotonic() < deadline:
            for process in self._processes - asked:
                asked.add(process)
                ask_to_close(process)
            self._wait(_LOOK)
        if by_force and self.is_running:
            for process in self._processes:
                kill(process)
            self._wait(timeout)
        return not self.is_running

    def _adopt(self) -> bool:
        if self.is_running:
            return True
        self._processes = find(self._is_ours)
        if self._processes:
            self._watch_on_thread()
        return bool(self._processes)

    def _run(self) -> "subprocess.Popen[bytes]":
        logger.info("starting the EMR in %s", self._folder)
        try:
            # Its output goes nowhere: an EMR that outlives us must not die because our terminal is gone. In a session
            # of its own it does not get the Ctrl-C or the hang-up that is meant for us.
            return subprocess.Popen(
                self.command if sys.platform == "win32" else shlex.split(self.command),
                cwd=self._folder,
                env={**os.environ, **self._paths, MARK: self._mark},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
        except (OSError, ValueError, IndexError) as error:
            detail = getattr(error, "strerror", None) or str(error)
            raise EmrNotStarted(
                f"DocAssist could not be started ({detail}).",
                hint="Check its command and its folder in the preferences.",
                command=self.command,
            ) from error

    def _watch_on_thread(self) -> None:
        self._watcher = threading.Thread(target=self._watch, name="emr-watcher", daemon=True)
        self._watcher.start()

    def _watch(self) -> None:
        while self._look():
            time.sleep(_LOOK)
        logger.info("the EMR has ended")
        self._on_exit()

    def _look(self) -> bool:
        """Look which processes live, following the EMR from a wrapper to what that has started."""
        living = {process for process in self._processes if lives(process)}
        if self._started is not None and self._started.poll() is None:
            # Where a system does not let us read the environment of a process, its parent still tells whose it is.
            living |= family(self._started.pid)
        self._processes = living or find(self._is_ours)
        return bool(self._processes)

    def _is_ours(self, process: psutil.Process) -> bool:
        environment = process.environ()
        if environment.get(MARK) == self._mark:
            return True
        name = "DOCASSIST_DATA_DIR"
        return environment.get(name, self._paths[name]) == self._paths[name] and self._runs_command(process)

    def _runs_command(self, process: psutil.Process) -> bool:
        command = process.cmdline()
        return bool(command) and command == _split(self.command)

    def _wait(self, seconds: float) -> None:
        if self._watcher is not None:
            self._watcher.join(seconds)


def paths_for(data_dir: Path) -> Mapping[str, str]:
    """Return the environment variables by which the EMR and we mean the same data."""
    paths = {
        "DOCASSIST_DATA_DIR": data_dir,
        "DOCASSIST_DB_PATH": data_dir / "clinic.db",
        "DOCASSIST_CHROMA_DIR": data_dir / "chroma",
        "DOCASSIST_PDF_DIR": data_dir / "prescriptions",
    }
    return {name: str(path.absolute()) for name, path in paths.items()}


def _split(command: str) -> list[str]:
    """Return the words of a command line, or none where its quotes do not match."""
    try:
        words = shlex.split(command, posix=sys.platform != "win32")
    except ValueError:
        return []
    return [word.strip('"') for word in words]


def _folder_of(command: str) -> str | None:
    """Return the folder of the program itself, or None for our own where the command has no path."""
    program = Path(next(iter(_split(command)), ""))
    return str(program.parent) if program.is_absolute() else None
