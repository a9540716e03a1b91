"""The EMR: started in its own folder, watched, asked to close. No other room starts or ends it.

An EMR that was open before us is taken over; only what is surely the EMR is asked to close, see `kin`.
"""

import contextlib
import logging
import os
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from backup_core.errors import BackupError

from .emrpaths import folder_of
from .kin import Kin
from .processes import ask_to_close, family, find, kill, lives

logger = logging.getLogger(__name__)

#: Seconds between two looks at the processes, and while the EMR was asked to close.
_LOOK, _QUICK_LOOK = 2.0, 0.1
#: Seconds that a stand-in has to close by itself.
_STAND_IN_PATIENCE = 5.0


class EmrNotStarted(BackupError):
    """The EMR's command could not be run."""

    code = "emr-not-started"


class Emr:
    """The EMR of one data folder; `on_exit` is called on the watching thread when its last process has ended."""

    def __init__(
        self, command: str, folder: str, data_dir: Path, on_exit: Callable[[], None], *, stand_in: bool = False
    ) -> None:
        """Take the command line as the user wrote it, and the folder to run it in: "" is the program's own.

        A `stand_in` that does not close is ended; a program with somebody's work never is.
        """
        self.command = command
        self._folder = folder
        self._kin = Kin(data_dir)
        self._on_exit = on_exit
        self._started: subprocess.Popen[bytes] | None = None
        self._processes: set[psutil.Process] = set()
        self._lock = threading.Lock()
        self._watcher: threading.Thread | None = None
        self._closing = threading.Event()
        self._expected = False
        self._stand_in = stand_in

    def configure(self, command: str, folder: str) -> None:
        """Take another command and folder; they count from the next start."""
        self.command, self._folder = command, folder

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

    def close(self, timeout: float) -> bool:
        """Ask the EMR to close and return whether it has within `timeout` seconds."""
        deadline = time.monotonic() + (min(timeout, _STAND_IN_PATIENCE) if self._stand_in else timeout)
        asked: set[psutil.Process] = set()
        self._closing.set()
        while self.is_running and time.monotonic() < deadline:
            for process in self._processes - asked:
                asked.add(process)
                ask_to_close(process)
            self._wait(_QUICK_LOOK)
        if self._stand_in and self.is_running:
            for process in self._processes:
                kill(process)
            self._wait(timeout)
        self._closing.clear()
        return not self.is_running

    @contextlib.contextmanager
    def expected_to_end(self) -> Iterator[None]:
        """Keep `on_exit` quiet about an end in this block: whoever asks for it sees to what follows."""
        self._expected = True
        try:
            yield
        finally:
            self._expected = False

    def _adopt(self) -> bool:
        if self.is_running:
            return True
        self._processes = find(self._is_ours)
        if self._processes:
            self._watch_on_thread()
        return bool(self._processes)

    def _run(self) -> "subprocess.Popen[bytes]":
        folder = self._folder or folder_of(self.command)
        logger.info("starting the EMR in %s", folder)
        try:
            # Its output goes nowhere: an EMR that outlives us must not die because our terminal is gone. In a session
            # of its own it does not get the Ctrl-C or the hang-up that is meant for us.
            return subprocess.Popen(
                self.command if sys.platform == "win32" else shlex.split(self.command),
                cwd=folder,
                env={**os.environ, **self._kin.environment()},
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
            if self._closing.wait(_LOOK):
                time.sleep(_QUICK_LOOK)
        logger.info("the EMR has ended")
        if not self._expected:
            self._on_exit()

    def _look(self) -> bool:
        """Look which processes live, following the EMR from a wrapper to what that has started."""
        living = {process for process in self._processes if lives(process)}
        if self._started is not None and self._started.poll() is None:
            # Where a system does not let us read the environment of a process, its parent still tells whose it is.
            living |= self._kin.early(family(self._started.pid))
        self._processes = living or find(self._is_ours)
        return bool(self._processes)

    def _is_ours(self, process: psutil.Process) -> bool:
        return self._kin.is_emr(process, self.command, self._folder)

    def _wait(self, seconds: float) -> None:
        if self._watcher is not None:
            self._watcher.join(seconds)
