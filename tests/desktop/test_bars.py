"""What differs between systems about their bars: Linux for real, Windows with pystray's window stubbed."""

import importlib.util
import io
import json
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from backup_core.children import ROOT
from tray.art import draw
from tray.bar_windows import SM_CXSMICON, WM_QUERYENDSESSION, WindowsBar
from tray.bars import bar_of_this_system
from tray.distribution import icon_packages
from tray.look import IconState, Notice

from .desk import PATIENCE, Desk, eventually, program
from .panel import panel_on

#: What pystray 0.19.5 calls the message of a click on its icon.
WM_NOTIFY = 0x400 + 11

LOOKS_ROUND = """
import importlib.util
import json
from tray.bar import NoBar
from tray.bar_linux import LinuxBar
try:
    bar = LinuxBar()
    print(json.dumps({"backend": bar.backend, "hidden": bar.hidden()}))
except NoBar as reason:
    print(json.dumps({"reason": str(reason)}))
"""
#: A Python that sees the standard library only, as far as `gi` goes; a finder that was given other folders.
BARE = """
import sys
sys.path.append(sys.argv[1])
from pathlib import Path
from tray.gifinder import FOLDERS, find_gi
assert "gi" not in sys.modules
found = find_gi(tuple(map(Path, sys.argv[2:])) or FOLDERS)
if found:
    import gi
    from gi.repository import GLib
    assert GLib.MAJOR_VERSION == 2
print(found, len([name for name in sys.path if "dist-packages" in name]))
"""


def look_round() -> dict[str, str]:
    """Return what a process on this desk finds there."""
    answer = subprocess.run([sys.executable, "-c", LOOKS_ROUND], cwd=ROOT, capture_output=True, check=True)
    found: dict[str, str] = json.loads(answer.stdout)
    return found


@pytest.fixture
def screen(desk: Desk) -> "subprocess.Popen[bytes]":
    return desk.open_screen()


@pytest.mark.desktop
def test_with_a_session_bus_appindicator_is_chosen(desk: Desk, screen: object) -> None:
    desk.open_bus()
    assert look_round()["backend"] == "appindicator"


@pytest.mark.desktop
def test_without_a_session_bus_gtk_is_chosen(screen: object) -> None:
    assert look_round()["backend"] == "gtk"


@pytest.mark.desktop
def test_a_desktop_without_a_place_for_icons_is_found_out(desk: Desk, screen: object) -> None:
    desk.open_bus()
    assert "gnome-shell-extension-appindicator" in look_round()["hidden"]


@pytest.mark.desktop
def test_an_x11_tray_can_be_seen(desk: Desk, screen: object) -> None:
    desk.start(program("trayer"))
    assert eventually(look_round, lambda found: found["hidden"] == "")


@pytest.mark.desktop
def test_a_panel_on_the_session_bus_can_be_seen(desk: Desk, screen: object) -> None:
    desk.open_bus()
    with panel_on(desk):
        assert look_round()["hidden"] == ""


@pytest.mark.desktop
def test_a_display_that_does_not_answer_is_a_reason(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":64999")
    assert "cannot be reached" in look_round()["reason"]


@pytest.mark.desktop
def test_a_session_without_a_display_is_a_reason_that_names_the_packages(desk: Desk) -> None:
    assert icon_packages() in look_round()["reason"]


@pytest.mark.parametrize(
    ("told", "package"),
    [
        ({"ID": "debian"}, "gir1.2-ayatanaappindicator3-0.1"),
        ({"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}, "gir1.2-ayatanaappindicator3-0.1"),
        ({"ID": "fedora"}, "libayatana-appindicator-gtk3"),
        ({"ID": "manjaro", "ID_LIKE": "arch"}, "python-gobject"),
        ({"ID": "opensuse-leap", "ID_LIKE": "suse opensuse"}, "typelib-1_0-Gtk-3_0"),
        ({"ID": "made at home"}, "python3-gi"),
    ],
)
def test_the_packages_are_named_as_the_distribution_calls_them(
    told: dict[str, str], package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: told)
    assert package in icon_packages().split()


def test_a_system_that_does_not_tell_its_name_gets_debians_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    def tells_nothing() -> dict[str, str]:
        raise OSError

    monkeypatch.setattr("platform.freedesktop_os_release", tells_nothing)
    assert "python3-gi" in icon_packages()


def bare_python(*folders: Path) -> str:
    command = [sys.executable, "-S", "-c", BARE, str(ROOT), *map(str, folders)]
    return subprocess.run(command, capture_output=True, check=True).stdout.decode().strip()


@pytest.mark.desktop
def test_the_distributions_gi_is_found_and_nothing_else_of_its_folder() -> None:
    assert bare_python() == "True 0", "install the Debian package python3-gi"


def test_a_gi_for_another_python_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "gi").mkdir()
    (tmp_path / "gi" / "__init__.py").write_text("raise SystemError('loaded')", encoding="utf-8")
    (tmp_path / "gi" / "_gi.cpython-27-x86_64-linux-gnu.so").touch()
    assert bare_python(tmp_path) == "False 0"


def test_a_gi_that_does_not_load_is_as_good_as_none(tmp_path: Path) -> None:
    (tmp_path / "gi").mkdir()
    (tmp_path / "gi" / "__init__.py").write_text("from . import _gi", encoding="utf-8")
    (tmp_path / "gi" / f"_gi{sysconfig.get_config_var('EXT_SUFFIX')}").write_bytes(b"no library")
    assert bare_python(tmp_path) == "False 0"


class FakeShell:
    """As much of pystray's icon and of its module for Windows as WindowsBar touches; the menu is open at will."""

    def __init__(self) -> None:
        #: The pictures that were given to the system.
        self.shown: list[Any] = []
        self.is_exact = False
        self.menu_is_open = threading.Event()
        self.close_menu = threading.Event()
        self.icon = SimpleNamespace(
            _message_handlers={WM_NOTIFY: self._on_mouse},
            notify=self._notify,
            icon=None,
            _icon_handle=None,
            _icon_image=None,
            _status_item=SimpleNamespace(button=lambda: SimpleNamespace(setImage_=self.shown.append)),
        )
        win32 = SimpleNamespace(WM_NOTIFY=WM_NOTIFY, IMAGE_ICON=1, LR_LOADFROMFILE=0x10, LoadImage=self._load_image)
        self.pystray = SimpleNamespace(_util=SimpleNamespace(win32=win32))
        self.balloons: list[tuple[str, str]] = []

    def send(self, message: int, wparam: int = 0) -> Any:
        """Give the window a message, as Windows does, and return the answer."""
        return self.icon._message_handlers[message](wparam, 0)

    def GetSystemMetrics(self, index: int) -> int:  # noqa: N802 - as Windows spells it
        """Be user32, and tell the size of a small icon at 125 %, once it was asked to be exact."""
        return {SM_CXSMICON: 20}[index] if self.is_exact else 16

    def SetProcessDPIAware(self) -> None:  # noqa: N802 - as Windows spells it
        """Be user32."""
        self.is_exact = True

    def _load_image(self, _module: object, path: str, kind: int, width: int, height: int, flags: int) -> int:
        assert (kind, flags) == (1, 0x10)
        with Image.open(path) as image:
            assert image.info["sizes"] == {(width, height)}
            self.shown.append(image.convert("RGBA"))
        return len(self.shown)

    def _on_mouse(self, wparam: int, lparam: int) -> int:
        self.menu_is_open.set()
        self.close_menu.wait(PATIENCE)
        return 7

    def _notify(self, message: str, title: str) -> None:
        self.balloons.append((message, title))


@pytest.fixture
def shell() -> FakeShell:
    return FakeShell()


@pytest.fixture
def windows(shell: FakeShell) -> WindowsBar:
    bar = WindowsBar(shell)
    bar.attach(shell.icon, shell.pystray, lambda: None)
    return bar


def test_windows_is_never_kept_from_shutting_down(windows: WindowsBar, shell: FakeShell) -> None:
    assert shell.send(WM_QUERYENDSESSION) == 1


def test_windows_changes_nothing_while_the_menu_is_open(windows: WindowsBar, shell: FakeShell) -> None:
    changed = threading.Event()
    window = threading.Thread(target=shell.send, args=(WM_NOTIFY,))
    window.start()
    assert shell.menu_is_open.wait(PATIENCE)
    change = threading.Thread(target=windows.soon, args=(changed.set,))
    change.start()
    assert not changed.wait(0.1)
    shell.close_menu.set()
    assert changed.wait(PATIENCE)
    window.join(PATIENCE)
    change.join(PATIENCE)


def test_a_click_on_windows_gets_pystrays_own_answer(windows: WindowsBar, shell: FakeShell) -> None:
    shell.close_menu.set()
    assert shell.send(WM_NOTIFY) == 7


def test_windows_shows_a_balloon_and_does_not_know_what_it_hides(windows: WindowsBar, shell: FakeShell) -> None:
    windows.notify(shell.icon, Notice("Backup failed", "The disk is full."))
    assert shell.balloons == [("The disk is full.", "Backup failed")]
    assert windows.hidden() == ""


def test_windows_shows_every_pixel_that_was_drawn(windows: WindowsBar, shell: FakeShell) -> None:
    shell.icon.icon = draw(IconState.FAILED, windows.size())
    shell.icon._assert_icon_handle()
    assert shell.icon._icon_handle == 1
    assert [picture.tobytes() for picture in shell.shown] == [draw(IconState.FAILED, 20).tobytes()]


class FakeNSImage:
    """As much of an NSImage as MacBar touches."""

    def __init__(self) -> None:
        self.size: tuple[int, int] | None = None

    def initWithData_(self, data: bytes) -> "FakeNSImage":  # noqa: N802 - as AppKit spells it
        """Read a picture."""
        with Image.open(io.BytesIO(data)) as image:
            self.pixels = image.size
        return self

    def setSize_(self, size: tuple[int, int]) -> None:  # noqa: N802 - as AppKit spells it
        """Take the size in points."""
        self.size = size


def test_a_mac_changes_its_icon_in_the_main_thread_and_stays_out_of_the_dock(
    shell: FakeShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting: list[Callable[[], None]] = []
    policies: list[str] = []
    helper = SimpleNamespace(callAfter=waiting.append)
    application = SimpleNamespace(setActivationPolicy_=policies.append)
    appkit = SimpleNamespace(
        NSApplication=SimpleNamespace(sharedApplication=lambda: application),
        NSApplicationActivationPolicyAccessory="accessory",
        NSStatusBar=SimpleNamespace(systemStatusBar=lambda: SimpleNamespace(thickness=lambda: 22.0)),
        NSImage=SimpleNamespace(alloc=FakeNSImage),
    )
    monkeypatch.setitem(sys.modules, "PyObjCTools.AppHelper", helper)
    monkeypatch.setitem(sys.modules, "AppKit", appkit)
    monkeypatch.setattr(sys, "platform", "darwin")

    bar = bar_of_this_system()
    bar.attach(shell.icon, shell.pystray, lambda: None)
    shell.icon.icon = draw(IconState.PROTECTED, bar.size())
    shell.icon._assert_image()
    done: list[str] = []
    bar.soon(lambda: done.append("changed"))
    assert not done
    waiting.pop()()
    bar.notify(shell.icon, Notice("Backup failed", "The disk is full."))

    assert (bar.backend, bar.hidden()) == ("darwin", "")
    assert policies == ["accessory"]
    assert [(image.pixels, image.size) for image in shell.shown] == [((44, 44), (22, 22))]
    assert done == ["changed"]
    assert shell.balloons == [("The disk is full.", "Backup failed")]


def test_windows_has_its_own_bar(shell: FakeShell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.WinDLL", lambda _name: shell, raising=False)
    monkeypatch.setattr(sys, "platform", "win32")
    assert bar_of_this_system().backend == "win32"


def test_the_pystray_that_is_installed_has_what_is_replaced_in_it() -> None:
    spec = importlib.util.find_spec("pystray")  # importing it would open a display
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent
    windows, macos = ((folder / name).read_text(encoding="utf-8") for name in ("_win32.py", "_darwin.py"))
    assert "icon._message_handlers.get(" in windows
    assert "self._assert_icon_handle()" in windows
    assert "self._assert_image()" in macos
    assert "self._notifier = notify_dbus.Notifier()" in (folder / "_util" / "gtk.py").read_text(encoding="utf-8")
