"""Threads beside the caller's: whatever happens, they end, and what went wrong on them is raised here."""

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager

import pytest

from backup_core import pipeline
from backup_core.pipeline import ahead, beside, side_by_side, trailing


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def fail(number: int) -> int:
    if number == 7:
        raise ValueError("seven")
    return number


def test_what_is_made_ahead_is_given_in_its_order_and_stops_where_the_making_failed() -> None:
    seen = []
    with pytest.raises(ValueError, match="seven"), ahead(map(fail, itertools.count())) as numbers:
        for number in numbers:
            seen.append(number)
    assert seen == list(range(7))


def test_work_side_by_side_is_given_in_its_order_and_stops_where_it_failed() -> None:
    seen = []
    with pytest.raises(ValueError, match="seven"), side_by_side(fail, itertools.count()) as numbers:
        for number in numbers:
            seen.append(number)
    assert seen == list(range(7))


@pytest.mark.parametrize("way", [lambda items: ahead(items), lambda items: side_by_side(fail, items)])
@pytest.mark.parametrize("problem", [KeyboardInterrupt, OSError])
def test_whoever_stops_taking_stops_the_making(
    way: Callable[[Iterable[int]], AbstractContextManager[Iterator[int]]], problem: type[BaseException]
) -> None:
    with pytest.raises(problem), way(itertools.cycle(range(5))) as numbers:
        for _number in itertools.islice(numbers, 3):
            pass
        raise problem


def test_making_ends_though_nobody_takes_what_was_made_ahead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun = threading.Event()

    def numbers() -> Iterator[int]:
        for number in itertools.count():
            if number == pipeline._AHEAD:
                begun.set()
            yield number

    with pytest.raises(KeyboardInterrupt), ahead(numbers()):
        # The queue is full, and nobody is going to take anything from it.
        assert begun.wait(30)
        raise KeyboardInterrupt


def test_work_beside_is_waited_for_and_its_failure_is_told_where_it_is_asked_for() -> None:
    with beside(lambda: fail(7)) as found:
        pass
    with pytest.raises(ValueError, match="seven"):
        found.result()


def test_work_that_trails_is_all_done_when_the_block_ends_and_never_far_behind() -> None:
    done: list[int] = []
    with trailing(done.append) as hand_over:
        for number in range(50):
            hand_over(number)
            assert len(done) >= number - pipeline._AHEAD
    assert done == list(range(50))


def test_what_work_that_trails_raises_ends_the_block() -> None:
    handed_over = 0
    with pytest.raises(ValueError, match="seven"), trailing(fail) as hand_over:
        for number in itertools.count():
            hand_over(number)
            handed_over = number
    assert 7 <= handed_over <= 7 + pipeline._AHEAD + 1

    with pytest.raises(ValueError, match="seven"), trailing(fail) as hand_over:
        hand_over(7)


def test_work_that_trails_is_given_up_where_the_block_fails() -> None:
    with pytest.raises(KeyboardInterrupt), trailing(fail) as hand_over:
        hand_over(1)
        raise KeyboardInterrupt
