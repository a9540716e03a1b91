"""The heartbeat, under a clock that the test sets."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
import schedule

from tray.loop import Loop


class WallClock:
    """Stands in for `datetime.datetime` where the scheduler asks for the local time."""

    def __init__(self) -> None:
        self.time = datetime(2026, 10, 25, 1, 30)  # noqa: DTZ001 - the scheduler goes by naive local time

    def now(self, tz: object = None) -> datetime:
        return self.time

    def passes(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[WallClock]:
    clock = WallClock()
    monkeypatch.setattr("schedule.datetime", SimpleNamespace(datetime=clock, timedelta=timedelta))
    yield clock


class Ticks:
    """Counts ticks, and fails where a test wants it."""

    def __init__(self) -> None:
        self.count = 0
        self.failing = False

    def __call__(self) -> None:
        self.count += 1
        if self.failing:
            raise RuntimeError("planted")


def beats(loop: Loop, clock: WallClock, seconds: int) -> None:
    for _ in range(seconds):
        clock.passes(1)
        loop.beat()


def test_it_ticks_once_a_second_and_not_between(clock: WallClock) -> None:
    ticks = Ticks()
    loop = Loop(ticks)
    loop.beat()
    for _ in range(40):
        clock.passes(0.25)
        loop.beat()
    assert ticks.count == 10


def test_a_clock_that_is_set_back_costs_no_tick(clock: WallClock) -> None:
    ticks = Ticks()
    loop = Loop(ticks)
    loop.beat()
    beats(loop, clock, 5)
    clock.passes(-3600)
    loop.beat()
    beats(loop, clock, 5)
    assert ticks.count == 10


def test_after_hours_of_sleep_it_ticks_once(clock: WallClock) -> None:
    ticks = Ticks()
    loop = Loop(ticks)
    loop.beat()
    clock.passes(8 * 3600)
    loop.beat()
    loop.beat()
    assert ticks.count == 1


def test_a_tick_that_fails_is_logged_and_the_next_one_comes(clock: WallClock, caplog: pytest.LogCaptureFixture) -> None:
    ticks = Ticks()
    ticks.failing = True
    loop = Loop(ticks)
    loop.beat()
    beats(loop, clock, 3)
    assert ticks.count == 3
    assert "planted" in caplog.text


def test_the_scheduler_is_its_own() -> None:
    loop = Loop(lambda: None)
    loop.beat()
    assert schedule.get_jobs() == []


def test_it_can_be_stopped_by_its_own_tick_and_from_another_thread() -> None:
    ticked = threading.Event()
    loop = Loop(ticked.set)
    runner = threading.Thread(target=loop.run, daemon=True)
    runner.start()
    assert ticked.wait(10)
    loop.stop()
    runner.join(10)
    assert not runner.is_alive()
