"""A clock that tests turn: the wall clock and the running clock apart, as on a PC that sleeps or whose date is set."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

#: A clinic where the clocks change twice a year.
ZONE = ZoneInfo("Europe/Berlin")
START = datetime(2025, 3, 3, 8, 0, tzinfo=UTC)


class FakeClock:
    """A Clock that moves only when told to."""

    def __init__(self, utc: datetime = START) -> None:
        self.utc = utc
        self.running = 1000.0

    def now(self) -> datetime:
        return self.utc

    def local(self) -> datetime:
        return self.utc.astimezone(ZONE).replace(tzinfo=None)

    def monotonic(self) -> float:
        return self.running

    def pass_time(self, time: timedelta) -> None:
        """Let time pass while the computer is awake."""
        self.utc += time
        self.running += time.total_seconds()

    def sleep(self, time: timedelta) -> None:
        """Let time pass while the computer sleeps: the running clock of Linux stands still."""
        self.utc += time

    def set_back(self, time: timedelta) -> None:
        """Set the wall clock back, or forward where `time` is negative."""
        self.utc -= time

    def restart(self) -> None:
        """Begin a new process: its running clock has nothing to do with the one before."""
        self.running = 7.0
