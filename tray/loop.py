"""The launcher's heartbeat: a scheduler of its own that only ticks. What is due is decided elsewhere."""

import contextlib
import logging
import select
import signal
import socket
import threading
from collections.abc import Callable

import schedule

logger = logging.getLogger(__name__)

#: Seconds between two ticks when nothing happens: an idle launcher should not keep a laptop awake.
TICK = 5


class Loop:
    """Calls `tick` every few seconds, and when it is woken, on the thread that runs it, until it is stopped."""

    def __init__(self, tick: Callable[[], None]) -> None:
        self._tick = tick
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
                self._rest(ear)
            if on_main_thread:
                signal.set_wakeup_fd(-1)

    def beat(self) -> None:
        """Tick if it is time to."""
        # The scheduler goes by the local wall clock: set back, or falling back in autumn, it would rest for an hour.
        idle = self._scheduler.idle_seconds
        if idle is None or idle > TICK:
            self._plan()
        self._scheduler.run_pending()

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

    def _rest(self, ear: socket.socket) -> None:
        """Wait until the next tick is due; tick at once when woken."""
        idle = self._scheduler.idle_seconds or 0.0
        if select.select([ear], [], [], max(idle, 0.0))[0]:
            ear.recv(4096)
            if not self._stopped:
                self._guarded_tick()

    def _plan(self) -> None:
        self._scheduler.clear()
        self._scheduler.every(TICK).seconds.do(self._guarded_tick)

    def _guarded_tick(self) -> None:
        try:
            self._tick()
        except Exception:  # noqa: BLE001 - one bad tick must not be the last backup of the clinic
            logger.exception("a tick failed")
