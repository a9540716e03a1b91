"""The launcher's heartbeat: a scheduler of its own that only ticks. What is due is decided elsewhere."""

import contextlib
import logging
import math
import select
import signal
import socket
import threading
from collections.abc import Callable

import schedule

logger = logging.getLogger(__name__)

#: Seconds between two ticks where a tick does not say that there is less to do: an idle laptop should sleep deeply.
TICK = 5


class Loop:
    """Calls `tick` every few seconds, and when it is woken, on the thread that runs it, until it is stopped.

    A tick may return for how many seconds it needs no other one.
    """

    def __init__(self, tick: Callable[[], float | None]) -> None:
        self._tick = tick
        self._rest_for = TICK
        self._scheduler = schedule.Scheduler()
        self._stopped = False
        self._bell: socket.socket | None = None

    def run(self) -> None:
        """Tick at once, and then until `stop`; on the main thread signals are heard at once on every system."""
        # A socket pair, not an Event: a signal handler that sets an Event may wait for ever, because it can interrupt
        # the very thread that holds its lock; and Windows lets a signal wake up nothing but a socket.
        self._bell, ear = socket.socketpair()
        on_main_thread = threading.current_thread() is threading.main_thread()
        with self._bell, ear:
            for end in (self._bell, ear):
                end.setblocking(False)
            if on_main_thread:
                signal.set_wakeup_fd(self._bell.fileno(), warn_on_full_buffer=False)
            self._guarded_tick()
            while not self._stopped:
                self.beat()
                self._wait(ear)
            if on_main_thread:
                signal.set_wakeup_fd(-1)

    def beat(self) -> None:
        """Tick if it is time to."""
        # The scheduler goes by the local wall clock: set back, or falling back in autumn, it would rest for an hour.
        idle = self._scheduler.idle_seconds
        if idle is None or idle > self._rest_for:
            self._plan()
        elif idle <= 0:
            self._scheduler.run_pending()
            self._plan()

    def stop(self) -> None:
        """End `run`; from any thread, and from a signal handler."""
        self._stopped = True
        self.wake()

    def wake(self) -> None:
        """Tick now; from any thread, and from a signal handler."""
        if self._bell is not None:
            # A full bell has rung already, and the closed one of a loop that has ended need not ring.
            with contextlib.suppress(OSError):
                self._bell.send(b"!")

    def _wait(self, ear: socket.socket) -> None:
        """Wait until the next tick is due; tick at once when woken."""
        idle = self._scheduler.idle_seconds or 0.0
        if select.select([ear], [], [], max(idle, 0.0))[0]:
            ear.recv(4096)
            if not self._stopped:
                self._guarded_tick()
                self._plan()

    def _plan(self) -> None:
        self._scheduler.clear()
        self._scheduler.every(self._rest_for).seconds.do(self._guarded_tick)

    def _guarded_tick(self) -> None:
        rest: float | None = None
        try:
            rest = self._tick()
        except Exception:  # noqa: BLE001 - one bad tick must not be the last backup of the clinic
            logger.exception("a tick failed")
        self._rest_for = TICK if rest is None else math.ceil(max(rest, 1.0))
