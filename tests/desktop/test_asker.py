"""Asking a program to close: real windows on a real screen, and what other systems would be told."""

import gc
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from backup_core.children import ROOT
from tray import asker
from tray.emr import Emr

from .desk import PATIENCE, Desk, eventually

#: A program with a window that asks whether to save, and ends when it was answered; it would not survive SIGTERM.
ASKS = """
import pathlib, sys
sys.path.insert(0, sys.argv[1])
from tray.gifinder import find_gi
assert find_gi()
import gi
gi.require_version("Gtk", "3.0")
from gi.repository import GLib, Gtk
here = pathlib.Path(sys.argv[2])
questions = []
def ask(window, event):
    questions.append(Gtk.MessageDialog(transient_for=window, text="Save?"))
    questions[-1].show_all()
    (here / f"asked-{len(questions)}").touch()
    return True
def look():
    if (here / "answer").exists():
        Gtk.main_quit()
    return True
window = Gtk.Window(title="The EMR")
window.connect("delete-event", ask)
window.show_all()
GLib.timeout_add(100, look)
(here / "shown").touch()
Gtk.main()
(here / "saved").touch()
"""
#: Beside its window the program has a process of its own without one, as a server; that ends by SIGTERM.
HELPER = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(120)'])\n"


@pytest.fixture
def emr(desk: Desk, tmp_path: Path) -> Iterator[Emr]:
    desk.open_screen()
    (tmp_path / "data").mkdir()
    emr = Emr("", "", tmp_path / "data", lambda: None)
    yield emr
    (tmp_path / "answer").touch()
    assert emr.close(PATIENCE)


def start(emr: Emr, program: str, folder: Path) -> None:
    script = folder / "emr.py"
    script.write_text(program, encoding="utf-8")
    emr.configure(f'"{sys.executable}" "{script}" "{ROOT}" "{folder}"', str(folder))
    emr.start()
    eventually((folder / "shown").exists)


@pytest.mark.desktop
@pytest.mark.parametrize("program", [ASKS, HELPER + ASKS], ids=["alone", "with a helper"])
def test_a_program_that_asks_whether_to_save_is_asked_once_and_left_alone(
    emr: Emr, tmp_path: Path, program: str
) -> None:
    start(emr, program, tmp_path)
    assert not emr.close(7)
    assert emr.is_running
    assert (tmp_path / "asked-1").exists()
    assert not (tmp_path / "asked-2").exists(), "neither a second question nor a No to the first"
    (tmp_path / "answer").touch()
    assert emr.close(PATIENCE), "what is left without a window may be told to end"
    assert (tmp_path / "saved").exists()


@pytest.mark.desktop
def test_a_program_whose_windows_cannot_be_seen_is_not_killed(
    emr: Emr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Wayland: it shows windows to its user, but not to us."""
    start(emr, ASKS, tmp_path)
    monkeypatch.delenv("DISPLAY")
    assert not emr.close(2)
    (tmp_path / "answer").touch()
    eventually((tmp_path / "saved").exists)


def test_a_process_that_listens_to_sigterm_may_be_told_whatever_it_shows(tmp_path: Path, desk: Desk) -> None:
    library = tmp_path / "libX11.so.6"
    library.write_bytes(bytes(4096))

    def process(name: str, program: str) -> psutil.Process:
        code = (
            "import mmap, pathlib, signal, sys, time\n" + program + "pathlib.Path(sys.argv[1]).touch(); time.sleep(60)"
        )
        started = desk.start(sys.executable, "-c", code, str(tmp_path / name), str(library))
        eventually((tmp_path / name).exists)
        return psutil.Process(started.pid)

    shows = "file = open(sys.argv[2]); shown = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)\n"
    listens = "signal.signal(signal.SIGTERM, lambda *_: sys.exit())\n"
    assert asker.may_be_signalled(process("listens and shows", shows + listens))
    assert not asker.may_be_signalled(process("shows", shows)), "it would be killed with what it shows"
    assert asker.may_be_signalled(process("is deaf", "")), "it shows nothing"
    assert not asker.may_be_signalled(SimpleNamespace(pid=2**30))  # type: ignore[arg-type]


# python-xlib leaves its sockets to the garbage collector where it cannot connect.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_screen_that_is_gone_is_no_error(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from tray.x11 import close_windows

    monkeypatch.setenv("DISPLAY", ":9999")
    assert close_windows({os.getpid()}, set()) == 0
    gc.collect()


def test_on_windows_each_process_is_asked_once_by_its_windows_and_never_by_force(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[list[str]] = []

    def run(command: list[str], **_options: Any) -> None:
        asked.append(command)

    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr("tray.asker.subprocess.run", run)
    monkeypatch.setattr("tray.asker._LOOK", 0.0)
    one = asker.Asker()
    for _ in range(3):
        one.ask([SimpleNamespace(pid=7), SimpleNamespace(pid=8)])  # type: ignore[list-item]
    assert asked == [["taskkill", "/PID", "7"], ["taskkill", "/PID", "8"]]


def test_on_macos_an_application_is_asked_to_quit_and_only_what_is_none_gets_sigterm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def end() -> bool:
        asked.append("quit")
        return True

    applications = {7: SimpleNamespace(terminate=end)}
    appkit = SimpleNamespace(
        NSRunningApplication=SimpleNamespace(runningApplicationWithProcessIdentifier_=applications.get)
    )
    monkeypatch.setitem(sys.modules, "AppKit", appkit)
    monkeypatch.setattr(sys, "platform", "darwin")
    application = SimpleNamespace(pid=7, terminate=lambda: asked.append("SIGTERM to the application"))
    server = SimpleNamespace(pid=8, terminate=lambda: asked.append("SIGTERM"))
    asker.Asker().ask([application, server])  # type: ignore[list-item]
    assert asked == ["quit", "SIGTERM"]


def test_the_windows_are_not_looked_for_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[float] = []

    def look(_pids: object, _asked: object) -> int:
        looks.append(time.monotonic())
        return 1

    monkeypatch.setattr("tray.x11.close_windows", look)
    one = asker.Asker()
    for _ in range(20):
        one.ask([])
    assert len(looks) == 1
