"""Work on other threads beside the caller's: C code that computes or reads lets the others go on meanwhile."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from queue import Full, Queue
from threading import Event
from typing import TypeVar

from .gentle import follower

T = TypeVar("T")
R = TypeVar("R")

#: Threads that compute beside the caller's: more would take processors from the EMR.
WORKERS = 2
_AHEAD = 4
_POLL = 0.01


@contextmanager
def beside(work: Callable[[], R]) -> Iterator[Future[R]]:
    """Do `work` on a thread of its own during the block, which ends when it has ended."""
    with ThreadPoolExecutor(1, "beside", follower()) as pool:
        yield pool.submit(work)


@contextmanager
def side_by_side(work: Callable[[T], R], items: Iterable[T]) -> Iterator[Iterator[R]]:
    """Give what `work` makes of each item, in their order: some at a time on threads, and only a few ahead."""
    with ThreadPoolExecutor(WORKERS, "side-by-side", follower()) as pool:
        begun: deque[Future[R]] = deque()

        def results() -> Iterator[R]:
            for item in items:
                begun.append(pool.submit(work, item))
                if len(begun) > _AHEAD:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()

        try:
            yield results()
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def trailing(work: Callable[[T], object]) -> Iterator[Callable[[T], None]]:
    """Give a function that has `work` done with an item on a thread of its own, which is only a few items behind.

    All is done when the block ends; what the work raises is raised with a later item, or then.
    """
    with ThreadPoolExecutor(1, "trailing", follower()) as pool:
        begun: deque[Future[object]] = deque()

        def hand_over(item: T) -> None:
            begun.append(pool.submit(work, item))
            if len(begun) > _AHEAD:
                begun.popleft().result()

        try:
            yield hand_over
            while begun:
                begun.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def ahead(items: Iterable[T]) -> Iterator[Iterator[T]]:
    """Give the items, which are made on a thread of its own and only a few ahead; it stops when the block ends."""
    waiting: Queue[tuple[T, ...]] = Queue(_AHEAD)
    stop = Event()

    def hand_over(item: tuple[T, ...]) -> None:
        # Never for ever: whoever took may have gone, and however it went, this thread must end.
        while not stop.is_set():
            with suppress(Full):
                waiting.put(item, timeout=_POLL)
                return

    def make() -> None:
        try:
            for item in items:
                hand_over((item,))
                if stop.is_set():
                    return
        finally:
            hand_over(())

    def take() -> Iterator[T]:
        while item := waiting.get():
            yield item[0]
        made.result()

    with ThreadPoolExecutor(1, "ahead", follower()) as pool:
        made = pool.submit(make)
        try:
            yield take()
        finally:
            stop.set()
