"""The one place that reads a clock; everything else is told the time."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """The three clocks of a computer; tests have their own."""

    def now(self) -> datetime:
        """Return the wall clock's time, aware and in UTC."""

    def local(self) -> datetime:
        """Return the wall clock's time as the user reads it, naive."""

    def monotonic(self) -> float:
        """Return seconds that nobody can set back; whether they count in sleep differs by system."""


class SystemClock:
    """The clocks of this computer."""

    def now(self) -> datetime:
        """Return the wall clock's time, aware and in UTC."""
        return datetime.now(UTC)

    def local(self) -> datetime:
        """Return the wall clock's time as the user reads it, naive."""
        return datetime.now(UTC).astimezone().replace(tzinfo=None)

    def monotonic(self) -> float:
        """Return seconds that nobody can set back."""
        return time.monotonic()


SYSTEM_CLOCK: Clock = SystemClock()


@dataclass(frozen=True)
class Moment:
    """One point in time on two clocks: `utc` is aware and may lie, `running` counts seconds within this process.

    For what happened before this process began, `running` is the reading at its beginning: it was no later.
    """

    utc: datetime
    running: float


def moment(clock: Clock) -> Moment:
    """Return the present moment."""
    return Moment(clock.now(), clock.monotonic())
