"""Start at login: Linux as a desktop reads it, macOS and Windows as far as their files and values go."""

import contextlib
import json
import plistlib
import subprocess
import sys
import types
from pathlib import Path

import pytest

from backup_core.children import ROOT
from backup_core.errors import BackupError
from tray.autostart import Autostart, DesktopEntry, LaunchAgent, autostart_of_this_system
from tray.autostart_windows import APPROVED, LONGEST, RUN, RunKey
from tray.ending import EXIT_PATIENCE

from .desk import eventually

NAME = "DocAssist Backup"
COMMAND = [sys.executable, "--data-dir", '/home/Dr Rao/données 100% "new" $HOME `x` \\ ~&;\'']
WRITES_ITS_ARGUMENTS = """
import json, pathlib, sys
part = pathlib.Path(sys.argv[1] + ".part")
part.write_text(json.dumps(sys.argv[2:]))
part.replace(sys.argv[1])
"""
#: What a session does at login: GLib reads the entry and starts its command.
LOGIN = """
import sys
sys.path.append(sys.argv[1])
from tray.gifinder import find_gi
assert find_gi(), "install the Debian package python3-gi"
from gi.repository import Gio
entry = Gio.DesktopAppInfo.new_from_filename(sys.argv[2])
assert entry.launch([], None)
"""


class FakeRegistry:
    """The user's part of a registry, in memory."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], str | bytes] = {}

    def read(self, key: str, name: str) -> str | bytes | None:
        return self.values.get((key, name))

    def write(self, key: str, name: str, value: str) -> None:
        self.values[key, name] = value

    def delete(self, key: str, name: str) -> None:
        self.values.pop((key, name), None)


class LockedRegistry(FakeRegistry):
    """One that an administrator has closed."""

    def write(self, key: str, name: str, value: str) -> None:
        raise PermissionError(13, "Access is denied")


class FakeKey(contextlib.nullcontext[dict[str, str]]):
    """An opened key of FakeWinreg."""


class FakeWinreg(types.ModuleType):
    """As much of the module `winreg` as UserRegistry calls: keys are there once they were made."""

    HKEY_CURRENT_USER, KEY_SET_VALUE, REG_SZ = object(), 2, 1

    def __init__(self) -> None:
        super().__init__("winreg")
        self.keys: dict[str, dict[str, str]] = {}

    def OpenKey(self, root: object, key: str, reserved: int = 0, access: int = 1) -> FakeKey:
        if root is not self.HKEY_CURRENT_USER or key not in self.keys:
            raise FileNotFoundError(2, "The system cannot find the file specified", key)
        return FakeKey(self.keys[key])

    def CreateKey(self, root: object, key: str) -> FakeKey:
        self.keys.setdefault(key, {})
        return self.OpenKey(root, key)

    def QueryValueEx(self, key: dict[str, str], name: str) -> tuple[str, int]:
        if name not in key:
            raise FileNotFoundError(2, "The system cannot find the file specified", name)
        return key[name], self.REG_SZ

    def SetValueEx(self, key: dict[str, str], name: str, reserved: int, kind: int, value: str) -> None:
        assert kind == self.REG_SZ
        key[name] = value

    def DeleteValue(self, key: dict[str, str], name: str) -> None:
        self.QueryValueEx(key, name)
        del key[name]


@pytest.fixture
def winreg(monkeypatch: pytest.MonkeyPatch) -> FakeWinreg:
    fake = FakeWinreg()
    monkeypatch.setitem(sys.modules, "winreg", fake)
    return fake


@pytest.fixture(params=["linux", "macos", "windows"])
def autostart(request: pytest.FixtureRequest, tmp_path: Path) -> Autostart:
    made: dict[str, Autostart] = {
        "linux": DesktopEntry(tmp_path / "autostart"),
        "macos": LaunchAgent(tmp_path / "LaunchAgents"),
        "windows": RunKey(FakeRegistry()),
    }
    return made[request.param]


def test_it_is_off_until_it_is_turned_on_and_after_it_was_turned_off(autostart: Autostart) -> None:
    assert not autostart.is_on()
    autostart.turn_on(COMMAND)
    autostart.turn_on(COMMAND)
    assert autostart.is_on()
    autostart.turn_off()
    autostart.turn_off()
    assert not autostart.is_on()


def test_this_system_has_its_place_in_the_users_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    autostart_of_this_system().turn_on(COMMAND)
    assert (tmp_path / "autostart" / "docassist-backup.desktop").is_file()


def test_the_menu_of_a_linux_desktop_gets_an_entry_that_opens_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    autostart = autostart_of_this_system()
    autostart.turn_on([*COMMAND, "--at-login", "--no-browser"])
    written = tmp_path / "share" / "applications" / "docassist-backup.desktop"
    text = written.read_text(encoding="utf-8")
    assert "--at-login" not in text
    assert "--no-browser" not in text
    assert "Icon=docassist-backup" in text
    icon = tmp_path / "share" / "icons" / "hicolor" / "scalable" / "apps" / "docassist-backup.svg"
    assert icon.read_text(encoding="utf-8").lstrip().startswith("<svg")
    autostart.turn_off()
    assert written.exists(), "the page can still be opened by it"


def test_an_entry_whose_program_was_moved_is_off_until_it_is_turned_on_again(
    autostart: Autostart, tmp_path: Path
) -> None:
    program = tmp_path / 'a "place" for 100 % of $it' / "docassist-tray"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o700)
    if isinstance(autostart, RunKey):
        # Windows has no quotation marks in a path.
        program = program.rename(tmp_path / "docassist tray.exe")
    autostart.turn_on([str(program), "--data-dir", "x"])
    assert autostart.is_on()
    moved = program.rename(tmp_path / "docassist-tray")
    assert not autostart.is_on()
    autostart.turn_on([str(moved), "--data-dir", "x"])
    assert autostart.is_on()


def test_windows_keeps_it_in_the_users_part_of_the_registry(
    winreg: FakeWinreg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    autostart = autostart_of_this_system()
    assert not autostart.is_on()
    autostart.turn_off()
    autostart.turn_on([sys.executable])
    assert autostart.is_on()
    assert winreg.keys == {RUN: {NAME: sys.executable}}
    autostart.turn_off()
    autostart.turn_off()
    assert not autostart.is_on()


def test_a_mac_keeps_it_in_the_users_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setenv("HOME", str(tmp_path))
    autostart_of_this_system().turn_on(COMMAND)
    assert [path.name for path in (tmp_path / "Library" / "LaunchAgents").iterdir()] == ["com.docassist.backup.plist"]


@pytest.mark.desktop
def test_a_linux_session_starts_the_very_command(tmp_path: Path) -> None:
    script, seen = tmp_path / "a script.py", tmp_path / "seen"
    script.write_text(WRITES_ITS_ARGUMENTS, encoding="utf-8")
    DesktopEntry(tmp_path).turn_on([sys.executable, str(script), str(seen), *COMMAND])
    entry = tmp_path / "docassist-backup.desktop"
    subprocess.run([sys.executable, "-c", LOGIN, str(ROOT), str(entry)], check=True)
    eventually(seen.exists)
    assert json.loads(seen.read_text(encoding="utf-8")) == COMMAND


@pytest.mark.parametrize(
    "change",
    [
        ("X-GNOME-Autostart-enabled=true", "X-GNOME-Autostart-enabled=false"),
        ("Terminal=false", "Hidden=true"),
        ("Terminal=false", "Hidden=perhaps"),
        ("[Desktop Entry]", "no entry at all"),
    ],
)
def test_a_linux_entry_that_was_switched_off_or_damaged_is_off(tmp_path: Path, change: tuple[str, str]) -> None:
    autostart = DesktopEntry(tmp_path)
    autostart.turn_on(COMMAND)
    (entry,) = tmp_path.iterdir()
    entry.write_text(entry.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    assert not autostart.is_on()
    autostart.turn_on(COMMAND)
    assert autostart.is_on()


def test_a_mac_runs_the_command_in_sessions_with_a_screen(tmp_path: Path) -> None:
    LaunchAgent(tmp_path).turn_on(COMMAND)
    (path,) = tmp_path.iterdir()
    agent = plistlib.loads(path.read_bytes())
    assert agent["ProgramArguments"] == COMMAND
    assert agent["Label"] == path.stem
    assert (agent["RunAtLoad"], agent["LimitLoadToSessionType"]) == (True, "Aqua")
    assert agent["ExitTimeOut"] > EXIT_PATIENCE, "the last backup is not cut off at logout"


@pytest.mark.parametrize("contents", [b"", b"<plist", plistlib.dumps({"RunAtLoad": True, "Disabled": True})])
def test_a_mac_agent_that_is_disabled_or_damaged_is_off(tmp_path: Path, contents: bytes) -> None:
    autostart = LaunchAgent(tmp_path)
    autostart.turn_on(COMMAND)
    (path,) = tmp_path.iterdir()
    path.write_bytes(contents)
    assert not autostart.is_on()


def test_windows_gets_one_line_that_it_can_take_apart_again() -> None:
    registry = FakeRegistry()
    RunKey(registry).turn_on([r"C:\Program Files\DocAssist Backup\docassist-tray.exe", "--data-dir", r"D:\Dr Rao\data"])
    assert registry.values == {
        (RUN, NAME): r'"C:\Program Files\DocAssist Backup\docassist-tray.exe" --data-dir "D:\Dr Rao\data"'
    }


@pytest.mark.parametrize(("first_byte", "on"), [(b"\x02", True), (b"\x06", True), (b"\x03", False), (b"\x07", False)])
def test_what_task_manager_has_switched_off_is_off_until_it_is_turned_on_here(first_byte: bytes, on: bool) -> None:
    registry = FakeRegistry()
    autostart = RunKey(registry)
    autostart.turn_on(COMMAND)
    registry.values[APPROVED, NAME] = first_byte + bytes(11)
    assert autostart.is_on() is on
    autostart.turn_on(COMMAND)
    assert autostart.is_on()


def test_a_line_that_windows_would_ignore_is_refused() -> None:
    registry = FakeRegistry()
    with pytest.raises(BackupError, match="this long"):
        RunKey(registry).turn_on(["x" * (LONGEST + 1)])
    assert not registry.values


def test_a_system_that_refuses_is_a_sentence_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    refusing: list[Autostart] = [RunKey(LockedRegistry()), DesktopEntry(tmp_path / "file" / "autostart")]
    for autostart in refusing:
        with pytest.raises(BackupError, match="Starting at login could not be changed"):
            autostart.turn_on(COMMAND)
