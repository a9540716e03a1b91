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


def test_a_person_pauses_the_backups_and_a_restart_of_the_launcher_keeps_the_pause(
    desk: Desk, panel: Panel, launch: Launch, data_dir: Path
) -> None:
    desk.open_screen()
    note = data_dir / ".docassist-backup" / "pause.json"
    with launch("--demo") as _launcher, desk.connection() as connection:
        menu = TrayMenu(connection, eventually(lambda: panel.icons)[-1])
        eventually(menu.labels, lambda labels: labels and labels[0] == "Backed up just now")
        menu.click("Pause automatic backups until tomorrow")
        labels = eventually(menu.labels, lambda labels: labels and "are paused until" in labels[0])
        assert "Go on with automatic backups" in labels
        assert "Pause automatic backups for 1 hour" not in labels
        assert "are paused until" in menu.property("Title")
    assert note.exists()
    with launch("--demo") as _launcher, desk.connection() as connection:
        menu = TrayMenu(connection, eventually(lambda: panel.icons[1:])[-1])
        eventually(menu.labels, lambda labels: labels and "are paused until" in labels[0])
        menu.click("Go on with automatic backups")
        eventually(menu.labels, lambda labels: "Pause automatic backups for 1 hour" in labels)
        assert not note.exists()


@pytest.mark.parametrize(
    ("label", "place"), [("Restore…", "/backups/backup_"), ("Save a copy…", "/copies#t="), ("Open admin page", "/#t=")]
)
def test_an_item_opens_the_page_where_its_work_is_done(
    desk: Desk,
    panel: Panel,
    launch: Launch,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    label: str,
    place: str,
) -> None:
    desk.open_screen()
    browser, opened = tmp_path / "browser.py", tmp_path / "opened"
    browser.write_text(
        "import pathlib, sys, urllib.parse, urllib.request\n"
        "page = pathlib.Path(urllib.request.url2pathname(urllib.parse.urlsplit(sys.argv[1]).path)).read_text()\n"
        f"pathlib.Path({str(opened)!r}).write_text(page)\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("BROWSER", f"{sys.executable} {browser} %s")
    with launch("--demo") as _launcher, desk.connection() as connection:
        menu = TrayMenu(connection, eventually(lambda: panel.icons)[-1])
        eventually(menu.labels, lambda labels: labels and labels[0] == "Backed up just now")
        menu.click(label)
        page = eventually(lambda: opened.read_text() if opened.exists() else "")
        assert f"http://127.0.0.1:{page.split('127.0.0.1:')[1].split('/')[0]}{place}" in page
        assert "#t=" in page


def test_the_first_backup_is_told_by_a_notification(desk: Desk, panel: Panel, launch: Launch) -> None:
    desk.open_screen()
    with launch("--demo"):
        [shown] = eventually(lambda: panel.notifications)
        assert shown.title == "DocAssist Backup"
        assert shown.message.startswith("The first backup is made and checked: ")


def test_a_hung_notification_daemon_changes_nothing(desk: Desk, launch: Launch, data_dir: Path) -> None:
    desk.open_screen()
    desk.open_bus()
    with panel_on(desk, hung=True) as panel, launch("--demo") as launcher, desk.connection() as connection:
        menu = TrayMenu(connection, eventually(lambda: panel.icons)[-1])
        eventually(lambda: panel.notifications)
        eventually(menu.labels, lambda labels: labels and labels[0] == "Backed up just now")
        menu.click("Backup Now")
        eventually(lambda: runs(data_dir, Trigger.MANUAL))
        launcher.terminate()
        assert launcher.wait(PATIENCE) == 0
    assert len(runs(data_dir, Trigger.EXIT)) == 1
