"""The EMR: started in its own folder, watched, asked to close. No other room starts or ends it.

An EMR that was open before us is taken over; only what is surely the EMR is asked to close, see `kin`.
"""

import contextlib
import logging
import math
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from .asker import Asker
from .emrstart import run
from .kin import Kin
from .processes import Lookout, await_end, family, find, kill, lives

logger = logging.getLogger(__name__)

#: Seconds between two looks at the processes: at first, later, and while the EMR was asked to close. The end of each
#: process that we know of is seen at once.
_LOOK, _LATER_LOOK, _QUICK_LOOK = 5.0, 30.0, 0.1
#: Seconds in which a wrapper has done its work: what is left of a start that ended well in this time is the EMR.
WRAPPER_LIFE = 90.0
#: Seconds of life of a first process that has only handed on, and seconds for which the EMR may be on its way then.
AT_ONCE, ON_ITS_WAY = 3.0, 60.0
#: Seconds that a stand-in has to close by itself.
_STAND_IN_PATIENCE = 5.0
#: Signals by which a session or a person ends a program: no crash.
_ASKED_TO_END = [getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name)]


@dataclass(frozen=True)
class EmrEnd:
    """How the EMR has ended: by a fault, as far as that can be known, and after how many seconds."""

    crashed: bool
    ran: float


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
        self._lookout = Lookout()
        self._awaited: set[psutil.Process] = set()
        self._wake = threading.Event()
        self._begun, self._first_lived = 0.0, math.inf
        self._was_asked = False
        #: How the EMR has ended the last time, None until it has.
        self.last_end: EmrEnd | None = None

    def configure(self, command: str, folder: str) -> None:
        """Take another command and folder; they count from the next start."""
        if (command, folder) != (self.command, self._folder):
            self.command, self._folder = command, folder
            self._lookout = Lookout()

    @property
    def is_running(self) -> bool:
        """Whether any process of the EMR lived at the last look."""
        return self._watcher is not None and self._watcher.is_alive()

    def start(self) -> None:
        """Start the EMR unless it is open already; raise EmrNotStarted if its command cannot be run."""
        with self._lock:
            if not self._adopt():
                self._started = run(self.command, self._folder, self._kin.environment())
                self._processes = family(self._started.pid)
                self._watch_on_thread()
                threading.Thread(target=self._wait_for, args=(self._started,), name="emr-waiter", daemon=True).start()

    def adopt(self) -> bool:
        """Watch the EMR if it is open already, and return whether it is."""
        with self._lock:
            return self._adopt()

    def notice(self) -> bool:
        """Watch the EMR if it was opened without us since the last look, at little cost; return whether it is open."""
        with self._lock:
            return self._adopt(self._lookout.find)

    def close(self, timeout: float, on_wait: Callable[[], object] = bool) -> bool:
        """Ask the EMR to close and return whether it has within `timeout` seconds.

        `on_wait` is called while it has not, and gives up by what it raises.
        """
        deadline = time.monotonic() + (min(timeout, _STAND_IN_PATIENCE) if self._stand_in else timeout)
        asker = Asker()
        self._was_asked = True
        self._closing.set()
        self._wake.set()
        try:
            while self.is_running and time.monotonic() < deadline:
                asker.ask(self._processes)
                self._wait(_QUICK_LOOK)
                if self.is_running:
                    on_wait()
            if self._stand_in and self.is_running:
                for process in self._processes:
                    kill(process)
                self._wait(timeout)
        finally:
            self._closing.clear()
            # One that goes on is its user's again: if it crashes hours later, that is worth telling.
            self._was_asked = not self.is_running
        return not self.is_running

    @contextlib.contextmanager
    def expected_to_end(self) -> Iterator[None]:
        """Keep `on_exit` quiet about an end in this block: whoever asks for it sees to what follows."""
        self._expected = True
        try:
            yield
        finally:
            self._expected = False

    def _adopt(self, search: Callable[[Callable[[psutil.Process], bool]], set[psutil.Process]] = find) -> bool:
        if self.is_running:
            return True
        self._processes = search(self._is_ours)
        if self._processes:
            self._started = None
            self._watch_on_thread()
        return bool(self._processes)

    def _watch_on_thread(self) -> None:
        self._begun, self._first_lived, self._was_asked = time.monotonic(), math.inf, False
        self._watcher = threading.Thread(target=self._watch, name="emr-watcher", daemon=True)
        self._watcher.start()

    def _wait_for(self, started: "subprocess.Popen[bytes]") -> None:
        started.wait()
        self._wake.set()

    def _watch(self) -> None:
        self._awaited = set()
        while self._look():
            self._await_ends()
            self._wake.wait(self._pause())
            self._wake.clear()
        self.last_end = EmrEnd(self._has_crashed(), time.monotonic() - self._begun)
        logger.info("the EMR has ended: %s", self.last_end)
        if not self._expected:
            self._on_exit()

    def _pause(self) -> float:
        """Return for how many seconds nothing is looked at, unless a process ends meanwhile."""
        if self._closing.is_set():
            return _QUICK_LOOK
        # What hands on to the EMR does so at first; after that there is little to see until the end.
        return _LOOK if time.monotonic() - self._begun < WRAPPER_LIFE else _LATER_LOOK

    def _await_ends(self) -> None:
        """Have the end of every process wake the watcher, but that of our child, for which a thread waits already."""
        child = None if self._started is None else self._started.pid
        for process in self._processes - self._awaited:
            self._awaited.add(process)
            if process.pid != child:
                threading.Thread(target=self._wake_after, args=(process,), name="emr-waiter", daemon=True).start()

    def _wake_after(self, process: psutil.Process) -> None:
        await_end(process)
        self._wake.set()

    def _look(self) -> bool:
        """Look which processes live, following the EMR from a wrapper to what that has started."""
        living = {process for process in self._processes if lives(process)}
        if self._started is not None and self._started.poll() is None:
            # Where a system does not let us read the environment of a process, its parent still tells whose it is.
            living |= self._kin.early(family(self._started.pid))
        elif self._first_lived is math.inf:
            self._first_lived = time.monotonic() - self._begun
        if living:
            self._processes = living
            return True
        self._processes = find(self._is_ours) or self._left_by_a_wrapper()
        return bool(self._processes) or self._is_on_its_way()

    def _left_by_a_wrapper(self) -> set[psutil.Process]:
        """Return what lives of a start whose first process has ended well and soon."""
        return find(self._kin.carries_mark) if self._has_handed_on(WRAPPER_LIFE) else set()

    def _is_on_its_way(self) -> bool:
        """Return whether an EMR is to be expected of which there is no process at the moment."""
        return self._first_lived < AT_ONCE and self._has_handed_on(ON_ITS_WAY)

    def _has_handed_on(self, within: float) -> bool:
        is_young = time.monotonic() - self._begun < within
        return is_young and not self._was_asked and self._started is not None and self._started.returncode == 0

    def _has_crashed(self) -> bool:
        """Return whether the process that we have started ended by a fault; of another one nobody tells it."""
        code = None if self._started is None else self._started.returncode
        return not self._was_asked and code not in (None, 0, *(-number for number in _ASKED_TO_END))

    def _is_ours(self, process: psutil.Process) -> bool:
        return self._kin.is_emr(process, self.command, self._folder)

    def _wait(self, seconds: float) -> None:
        if self._watcher is not None:
            self._watcher.join(seconds)
