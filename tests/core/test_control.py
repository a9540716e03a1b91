"""The command line's way to a running launcher, against a real HTTP server."""

import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from backup_core import control
from backup_core.control import Control
from backup_core.errors import LauncherNotRunning

pytestmark = pytest.mark.usefixtures("own_folders")


class Launcher(BaseHTTPRequestHandler):
    """Answers as a launcher does whose control key is `secret`; the key `broken` gets nonsense."""

    def do_POST(self) -> None:
        key = self.headers["Authorization"]
        right = self.path == "/control/ticket" and self.headers["Host"] == f"127.0.0.1:{self.server.server_port}"  # type: ignore[attr-defined]
        body = {"Bearer secret": b'{"ticket": "T1"}', "Bearer broken": b"<html>"}.get(key, b'{"error": "unauthorized"}')
        self.send_response(200 if right and key == "Bearer secret" else 401)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serve_tickets() -> Iterator[int]:
    """Answer as a launcher does on a port of 127.0.0.1, and give the port."""
    with HTTPServer(("127.0.0.1", 0), Launcher) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def port() -> Iterator[int]:
    with serve_tickets() as port:
        yield port


def test_what_the_launcher_wrote_is_read_until_it_is_removed(tmp_path: Path) -> None:
    ours = Control(port=1234, pid=os.getpid(), key="secret")
    path = control.write(tmp_path, ours)
    assert control.read(tmp_path) == ours
    assert path == control.control_path(tmp_path)
    control.remove(tmp_path)
    control.remove(tmp_path)
    assert control.read(tmp_path) is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such rights")
def test_only_this_user_can_read_the_control_file(tmp_path: Path) -> None:
    path = control.write(tmp_path, Control(port=1, pid=2, key="secret"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_key_does_not_show_where_a_control_is_printed() -> None:
    assert "secret" not in repr(Control(port=1, pid=2, key="secret"))


def test_each_data_folder_has_its_launcher_however_its_path_is_written(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "one")
    assert control.control_path(tmp_path / "one") == control.control_path(tmp_path / "link")
    assert control.control_path(tmp_path / "one") != control.control_path(tmp_path / "two")


def test_the_file_of_a_launcher_that_died_counts_for_nothing(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    control.write(tmp_path, Control(port=1, pid=child.pid, key="secret"))
    assert control.read(tmp_path) is None


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"port": "x", "pid": 1, "key": ""}', b"\xff"])
def test_a_control_file_that_makes_no_sense_counts_for_nothing(tmp_path: Path, data: bytes) -> None:
    control.write(tmp_path, Control(port=1, pid=os.getpid(), key="")).write_bytes(data)
    assert control.read(tmp_path) is None


def test_a_ticket_is_had_for_the_control_key_and_opens_the_page(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    launcher = Control(port=port, pid=os.getpid(), key="secret")
    ticket = control.ask_ticket(launcher)
    assert ticket == "T1"
    assert control.page_address(launcher, ticket) == f"http://127.0.0.1:{port}/#t=T1"


@pytest.mark.parametrize("key", ["wrong", "broken"])
def test_a_launcher_that_gives_no_ticket_is_not_ours(port: int, key: str) -> None:
    with pytest.raises(LauncherNotRunning, match="not running"):
        control.ask_ticket(Control(port=port, pid=os.getpid(), key=key))


def test_where_nobody_listens_there_is_no_launcher(port: int) -> None:
    with HTTPServer(("127.0.0.1", 0), Launcher) as closed:
        free = closed.server_port
    with pytest.raises(LauncherNotRunning):
        control.ask_ticket(Control(port=free, pid=os.getpid(), key=json.dumps(port)))
