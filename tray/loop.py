"""The launcher's heartbeat: a scheduler of its own that only ticks. What is due is decided elsewhere."""

import logging
import time
from collections.abc import Callable

import schedule

logger = logging.getLogger(__name__)

#: Seconds between two ticks.
TICK = 1


class Loop:
    """Calls `tick` every second on the thread that runs it, until it is stopped."""

    def __init__(self, tick: Callable[[], None]) -> None:
        self._tick = tick
        self._scheduler = schedule.Scheduler()
        self._stopped = False

    def run(self) -> None:
        """Tick at once, and then every second until `stop`."""
        self._guarded_tick()
        while not self._stopped:
            time.sleep(TICK / 4)
            self.beat()

    def beat(self) -> None:
        """Tick if a second has passed."""
        # The scheduler goes by the local wall clock: set back, or falling back in autumn, it would rest for an hour.
        idle = self._scheduler.idle_seconds
        if idle is None or idle > TICK:
            self._plan()
        self._scheduler.run_pending()

    def stop(self) -> None:
        """End `run` within a quarter of a second; from any thread, and from a signal handler."""
        # Setting an Event here could wait for ever: the handler may interrupt the very thread that holds its lock.
        self._stopped = True

    def _plan(self) -> None:
        self._scheduler.clear()
        self._scheduler.every(TICK).seconds.do(self._guarded_tick)

    def _guarded_tick(self) -> None:
        try:
            self._tick()
        except Exception:  # noqa: BLE001 - one bad tick must not be the last backup of the clinic
            logger.exception("a tick failed")
