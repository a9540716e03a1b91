"""The page's server on real sockets."""

import os
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from backup_core.errors import SettingInvalid
from tray.server import HOST, PageServer, listen

StartResponse = Callable[..., Any]


def hello(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


@contextmanager
def served(app: Any = hello, *, port: int | None = None) -> Iterator[PageServer]:
    server = PageServer(app, listen(port))
    server.start()
    try:
        yield server
    finally:
        server.close()


@contextmanager
def taken_port() -> Iterator[int]:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        yield other.getsockname()[1]


def get(port: int) -> bytes:
    with urllib.request.urlopen(f"http://{HOST}:{port}/", timeout=10) as answer:
        body: bytes = answer.read()
        return body


def test_the_page_is_answered_on_a_free_port() -> None:
    with served() as server:
        assert get(server.port) == b"hello"


def test_only_this_computer_can_reach_the_page() -> None:
    with listen(None) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


def test_a_port_that_was_asked_for_is_used() -> None:
    with listen(None) as listener:
        port = listener.getsockname()[1]
    with served(port=port) as server:
        assert server.port == port


def test_a_busy_port_that_was_asked_for_gets_a_clear_sentence() -> None:
    with taken_port() as port, pytest.raises(SettingInvalid, match=f"Port {port} cannot be used") as caught:
        listen(port)
    assert caught.value.field == "port"
    assert "--port" in caught.value.hint


@pytest.mark.parametrize("port", [-1, 70_000])
def test_a_port_that_cannot_exist_gets_a_clear_sentence(port: int) -> None:
    with pytest.raises(SettingInvalid, match="cannot be used"):
        listen(port)


def test_the_remembered_port_is_taken_again() -> None:
    with listen(None) as listener:
        port = listener.getsockname()[1]
    with listen(None, port) as listener:
        assert listener.getsockname()[1] == port


def test_a_busy_remembered_port_gives_way_to_a_free_one() -> None:
    with taken_port() as port, listen(None, port) as listener:
        assert listener.getsockname()[1] not in (0, port)


def test_a_closed_server_frees_its_port_and_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    with served() as server:
        get(server.port)
        port = server.port
    assert set(threading.enumerate()) <= before
    with listen(port) as listener:
        assert listener.getsockname()[1] == port


def test_closing_does_not_wait_for_a_request_that_hangs() -> None:
    entered, release = threading.Event(), threading.Event()

    def hang(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        entered.set()
        release.wait(30)
        return hello(environ, start_response)

    with served(hang) as server, socket.create_connection((HOST, server.port)) as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert entered.wait(10)
    assert not release.is_set()
    release.set()


def test_whoever_ends_the_server_late_writes_into_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    server = PageServer(hello, listen(None))
    server.start()
    trigger = server._server.trigger
    pull = trigger._physical_pull

    def pull_late() -> None:
        """Write the byte once more when the server's thread has done already what it was asked for."""
        pull()
        server._thread.join(10)
        assert not server._thread.is_alive()
        os.fstat(trigger.trigger)
        pull()

    monkeypatch.setattr(trigger, "_physical_pull", pull_late)
    server.close()

    assert trigger._closed
