"""The heartbeat, under a clock that the test sets."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
import schedule

from tray.loop import TICK, Loop

#: Seconds that no test waits: whatever ends before has not waited for the next tick.
NEVER = 3600.0


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


def beats(loop: Loop, clock: WallClock, count: int) -> None:
    for _ in range(count):
        clock.passes(TICK)
        loop.beat()


def test_it_ticks_every_few_seconds_and_not_between(clock: WallClock) -> None:
    ticks = Ticks()
    loop = Loop(ticks)
    loop.beat()
    for _ in range(40):
        clock.passes(TICK / 4)
        loop.beat()
    assert ticks.count == 10


def test_a_tick_may_say_how_long_there_is_nothing_to_do(clock: WallClock) -> None:
    rests = [30.0, None, 12.3, None]
    ticked: list[datetime] = []

    def tick() -> float | None:
        ticked.append(clock.time)
        return rests[len(ticked) - 1]

    loop = Loop(tick)
    start = clock.time
    loop.beat()
    while len(ticked) < 3:
        clock.passes(1)
        loop.beat()
    assert [(time - start).total_seconds() for time in ticked] == [TICK, TICK + 30, TICK + 30 + TICK]
    for _ in range(13):
        assert len(ticked) == 3
        clock.passes(1)
        loop.beat()
    assert len(ticked) == 4


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


@contextmanager
def running(loop: Loop) -> Iterator[threading.Thread]:
    runner = threading.Thread(target=loop.run, daemon=True)
    runner.start()
    yield runner
    loop.stop()
    runner.join(10)
    assert not runner.is_alive()


def test_it_ticks_at_once_and_whenever_it_is_woken() -> None:
    ticked = threading.Semaphore(0)

    def tick() -> float:
        ticked.release()
        return NEVER

    loop = Loop(tick)
    with running(loop):
        assert ticked.acquire(timeout=10)
        for _ in range(3):
            loop.wake()
            assert ticked.acquire(timeout=10)


def test_a_signal_wakes_it_on_the_main_thread() -> None:
    ticks = Ticks()

    def tick() -> float:
        ticks()
        return NEVER

    loop = Loop(tick)
    previous = signal.signal(signal.SIGTERM, lambda *_: loop.stop())
    sender = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM))
    sender.start()
    loop.run()
    signal.signal(signal.SIGTERM, previous)
    assert ticks.count == 1
    sender.join()


def test_it_ends_at_once_when_it_is_stopped() -> None:
    ticked = threading.Event()

    def tick() -> float:
        ticked.set()
        return NEVER

    loop = Loop(tick)
    with running(loop) as runner:
        assert ticked.wait(10)
        loop.stop()
        runner.join(10)
        assert not runner.is_alive()
    loop.wake()


def test_its_own_tick_may_stop_it() -> None:
    loop = Loop(lambda: loop.stop())
    loop.run()
