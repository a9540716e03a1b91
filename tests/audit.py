"""Listening to what the interpreter is about to do: an audit hook cannot be removed, so there is one that passes on."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Listener = Callable[[str, tuple[Any, ...]], None]

_listeners: list[Listener] = []


def _pass_on(event: str, arguments: tuple[Any, ...]) -> None:
    for listener in tuple(_listeners):
        listener(event, arguments)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Let `listener` see each event of all threads; what it raises, the call that made the event raises."""
    if not _is_hooked:
        _is_hooked.append(True)
        sys.addaudithook(_pass_on)
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


_is_hooked: list[bool] = []
