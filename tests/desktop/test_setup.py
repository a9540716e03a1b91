"""The set-up as the launcher leads it: who gets its page, what its icon offers, what it does and what it refuses."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from backup_core.children import ROOT
from backup_core.errors import BackupError, EmrRunning, SettingInvalid
from backup_core.settings import saved_data_dir
from tray.door import Door
from tray.instance import Instance, LauncherRunning
from tray.launcher import Launcher
from tray.options import Options
from tray.setup import SetUp, for_any_data
from webadmin.setup import Plan, Program

from .clinic import ALREADY_RUNNING, Computer, computer_in
from .desk import PATIENCE, Desk, TrayMenu, eventually
from .panel import panel_on
from .parts import make_small_clinic

#: What the launcher says before the address of the set-up's page.
DECIDE = "Decide it on this page, which opens once, within a minute: "


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This user's own folders, all below a home of the test's own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def set_up(home: Path) -> SetUp:
    """A set-up without an icon."""
    return SetUp(Options(icon=False, emr="emr --said"), Door(None))


@contextmanager
def started(computer: Computer, *options: str) -> Iterator["subprocess.Popen[str]"]:
    """Start the launcher with no word of where the data is."""
    words = [sys.executable, "-m", "tray.app", "--no-icon", "--no-browser", *options]
    environment = {**computer.environment, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        words, cwd=computer.root, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
        assert process.wait(PATIENCE) == 0


def said(process: "subprocess.Popen[str]", beginning: str) -> str:
    """Return the rest of the first line that has this beginning."""
    assert process.stdout is not None
    return next(line.removeprefix(beginning).strip() for line in process.stdout if line.startswith(beginning))


def test_a_second_start_and_the_command_line_find_the_page_of_the_set_up(tmp_path: Path) -> None:
    with computer_in(tmp_path) as computer, started(computer) as first:
        address = said(first, DECIDE).partition("#")[0]
        second = subprocess.run(
            [sys.executable, "-m", "tray.app", "--no-icon", "--no-browser"],
            cwd=computer.root,
            env={**computer.environment, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert second.stdout.startswith(f"{ALREADY_RUNNING}{address}#t=")
        asked = subprocess.run(
            [sys.executable, "-m", "backup_core.cli", "open", "--print"],
            cwd=computer.root,
            env={**computer.environment, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert asked.stdout.startswith(f"{address}#t=")


def test_a_clinic_in_the_folder_data_needs_no_set_up(tmp_path: Path, clinic: Path) -> None:
    with computer_in(tmp_path) as computer:
        shutil.copytree(clinic, computer.root / "data")
        with started(computer) as launcher:
            assert said(launcher, "DocAssist Backup looks after ").endswith(str(computer.root / "data"))


@pytest.mark.desktop
def test_the_icon_offers_the_set_up_and_an_end(desk: Desk, home: Path) -> None:
    desk.open_bus()
    (home / "nothing here").mkdir()
    with panel_on(desk) as panel:
        desk.open_screen()
        words = [sys.executable, "-m", "tray.app", "--no-browser"]
        launcher = desk.start(*words, cwd=home / "nothing here", env={**os.environ, "PYTHONPATH": str(ROOT)})
        with desk.connection() as connection:
            menu = TrayMenu(connection, eventually(lambda: panel.icons)[-1])
            assert eventually(menu.labels)[0] == "Set up DocAssist Backup…"
            menu.click("Quit")
            assert launcher.wait(PATIENCE) == 0


def test_what_was_said_on_the_command_line_is_the_likeliest_way_and_binds_no_other_data(set_up: SetUp) -> None:
    assert set_up.programs(Path("/nowhere"))[0] == Program("emr --said", "")
    said_before = Options(data_dir=Path("old"), emr="emr", emr_dir="/", backup_dir=Path("b"), demo=True, port=4711)
    assert for_any_data(said_before) == Options(port=4711)
    set_up.quit()
    assert set_up.run(lambda: None) is None


def test_a_home_is_where_a_docassist_looks_for_its_records(set_up: SetUp, tmp_path: Path) -> None:
    assert set_up.home_in(tmp_path) is None
    (tmp_path / "main.py").touch()
    assert set_up.home_in(tmp_path) == tmp_path / "data"
    set_up.quit()
    assert set_up.run(lambda: None) is None


def finished(set_up: SetUp, plan: Plan) -> Launcher | None:
    """Finish the set-up as the page does, beside the main thread; raise what it raises."""

    def finish() -> None:
        try:
            set_up.finish(plan)
        except BackupError:
            set_up.quit()
            raise

    with ThreadPoolExecutor() as page:
        answer = page.submit(finish)
        launcher = set_up.run(lambda: None)
        answer.result(PATIENCE)
    return launcher


def test_what_was_decided_is_kept_and_the_launcher_makes_the_first_backup(set_up: SetUp, home: Path) -> None:
    data_dir = home / "data"
    make_small_clinic(data_dir)
    plan = Plan(data_dir, "", str(home), home / "elsewhere", at_login=True)

    launcher = finished(set_up, plan)

    assert launcher is not None
    assert saved_data_dir() == data_dir
    kept = json.loads((data_dir / ".docassist-backup" / "preferences.json").read_bytes())
    assert (kept["emr_dir"], kept["backup_dir"]) == (str(home), str(home / "elsewhere"))
    entry = home / ".config" / "autostart" / "docassist-backup.desktop"
    assert f'"--data-dir" "{data_dir}"' in entry.read_text(encoding="utf-8")
    launcher.quit()
    launcher.run(lambda: None)
    assert len(list((home / "elsewhere").glob("backup_*.zip"))) == 1


def test_an_unticked_start_at_login_is_taken_away(set_up: SetUp, home: Path) -> None:
    make_small_clinic(home / "data")
    entry = home / ".config" / "autostart" / "docassist-backup.desktop"
    entry.parent.mkdir(parents=True)
    entry.write_text("[Desktop Entry]\nExec=docassist-tray\n", encoding="utf-8")

    launcher = finished(set_up, Plan(home / "data", at_login=False))

    assert launcher is not None
    assert not entry.exists()
    launcher.quit()
    launcher.run(lambda: None)


def test_data_that_another_launcher_looks_after_is_refused_on_the_page(set_up: SetUp, home: Path) -> None:
    make_small_clinic(home / "data")
    other = Instance(home / "data")
    other.claim()

    with pytest.raises(LauncherRunning):
        finished(set_up, Plan(home / "data"))
    other.release(cleanly=True)


def test_docassists_own_backups_are_not_touched_while_it_is_open(set_up: SetUp, home: Path) -> None:
    make_small_clinic(home / "data")
    settings = home / "data" / "settings.json"
    settings.write_text('{"backup": {"auto_backup_enabled": true}}', encoding="utf-8")
    with closing(sqlite3.connect(home / "data" / "clinic.db", isolation_level=None)) as emr:
        emr.execute("BEGIN IMMEDIATE")
        with pytest.raises(EmrRunning):
            finished(set_up, Plan(home / "data", silence=True))
    assert "true" in settings.read_text(encoding="utf-8")
    assert saved_data_dir() is None


def test_a_preference_that_cannot_be_is_refused_and_nothing_is_remembered(set_up: SetUp, home: Path) -> None:
    make_small_clinic(home / "data")

    with pytest.raises(SettingInvalid):
        finished(set_up, Plan(home / "data", emr_dir="/nowhere/at all"))

    assert saved_data_dir() is None
