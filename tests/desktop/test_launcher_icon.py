"""The launcher with its icon on a desktop: what a person does there, and what happens to the desktop."""

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import psutil
import pytest

from backup_core.children import ROOT
from backup_core.history import History, Run, Trigger

from .desk import PATIENCE, Desk, TrayMenu, eventually
from .panel import Panel, panel_on

pytestmark = pytest.mark.desktop

Launch = Callable[..., AbstractContextManager["subprocess.Popen[bytes]"]]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "sample clinic"


@pytest.fixture
def panel(desk: Desk) -> Iterator[Panel]:
    desk.open_bus()
    with panel_on(desk) as panel:
        yield panel


@pytest.fixture
def launch(desk: Desk, data_dir: Path) -> Launch:
    @contextmanager
    def run(*options: str) -> Iterator["subprocess.Popen[bytes]"]:
        always = ("--data-dir", str(data_dir), "--no-browser")
        launcher = desk.start(sys.executable, "-m", "tray.app", *always, *options, cwd=ROOT)
        yield launcher
        launcher.terminate()
        assert launcher.wait(PATIENCE) == 0

    return run


def runs(data_dir: Path, trigger: Trigger) -> list[Run]:
    history = History(data_dir / ".docassist-backup" / "history.jsonl")
    return [run for run in history.runs() if run.trigger == trigger]


def test_a_person_backs_up_and_quits_by_the_menu(desk: Desk, panel: Panel, launch: Launch, data_dir: Path) -> None:
    desk.open_screen()
    with launch("--demo") as launcher, desk.connection() as connection:
        menu = TrayMenu(connection, eventually(lambda: panel.icons)[-1])
        eventually(menu.labels, lambda labels: labels and labels[0] == "Backed up just now")
        menu.click("Backup Now")
        eventually(lambda: runs(data_dir, Trigger.MANUAL))
        # A menu that changes under the mouse may lose the click.
        eventually(menu.labels, lambda labels: labels and labels[0] == "Backed up just now")
        menu.click("Quit")
        assert launcher.wait(PATIENCE) == 0
    assert len(runs(data_dir, Trigger.EXIT)) == 1


def test_the_launcher_outlives_its_icon_and_its_screen(
    desk: Desk, panel: Panel, launch: Launch, data_dir: Path
) -> None:
    screen = desk.open_screen()
    with launch("--demo") as launcher, desk.connection() as connection:
        first = TrayMenu(connection, eventually(lambda: panel.icons)[-1])
        psutil.Process(first.process_id()).kill()
        second = TrayMenu(connection, eventually(lambda: panel.icons[1:])[-1])
        icon = psutil.Process(second.process_id())
        screen.terminate()
        icon.wait(PATIENCE)
        assert launcher.poll() is None
    assert len(runs(data_dir, Trigger.EXIT)) == 1


def test_a_session_that_loses_its_screen_and_its_bus_and_then_ends_brings_one_last_backup(
    desk: Desk, panel: Panel, launch: Launch, data_dir: Path
) -> None:
    """The order at a logout: screen, bus, then the signal, which each comes twice on some systems."""
    screen = desk.open_screen()
    with launch("--demo") as launcher, desk.connection() as connection:
        eventually(lambda: panel.icons)
        icon = psutil.Process(TrayMenu(connection, panel.icons[-1]).process_id())
        eventually(lambda: runs(data_dir, Trigger.STARTUP))
        screen.terminate()
        icon.wait(PATIENCE)
        desk.close_bus()
        assert launcher.poll() is None
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGHUP):
            launcher.send_signal(number)
        assert launcher.wait(PATIENCE) == 0
    assert len(runs(data_dir, Trigger.EXIT)) == 1


def test_a_bus_that_goes_takes_the_icon_and_not_the_launcher(
    desk: Desk, panel: Panel, launch: Launch, data_dir: Path
) -> None:
    desk.open_screen()
    with launch("--demo") as launcher, desk.connection() as connection:
        eventually(lambda: panel.icons)
        icon = psutil.Process(TrayMenu(connection, panel.icons[-1]).process_id())
        desk.close_bus()
        icon.wait(PATIENCE)
        eventually(lambda: runs(data_dir, Trigger.STARTUP))
        assert launcher.poll() is None
    assert len(runs(data_dir, Trigger.EXIT)) == 1


def test_a_person_switches_start_at_login_on_and_off(
    desk: Desk, panel: Panel, launch: Launch, data_dir: Path, tmp_path: Path
) -> None:
    desk.open_screen()
    data_dir.mkdir()
    with closing(sqlite3.connect(data_dir / "clinic.db")) as database:
        database.execute("CREATE TABLE patients (id INTEGER PRIMARY KEY, name TEXT)")
    entry = tmp_path / "autostart" / "docassist-backup.desktop"
    with launch(), desk.connection() as connection:
        menu = TrayMenu(connection, eventually(lambda: panel.icons)[-1])
        eventually(menu.labels, lambda labels: labels and labels[0] == "Backed up just now")
        menu.click("Start at login")
        eventually(entry.exists)
        assert f'"--data-dir" "{data_dir}"' in entry.read_text(encoding="utf-8")
        eventually(lambda: menu.item("Start at login")["toggle-state"] == 1)
        menu.click("Start at login")
        eventually(lambda: not entry.exists())
        eventually(lambda: menu.item("Start at login")["toggle-state"] == 0)
