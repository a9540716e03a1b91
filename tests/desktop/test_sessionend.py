"""The end of a Windows session: the window's own code, with Windows itself played by the test."""

import ctypes
import queue
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from backup_core.clock import Moment
from backup_core.due import Past
from tray.ending import Ending, has_changed
from tray.sessionend import PATIENCE, QUICK, SessionEnd
from tray.sessionend_windows import (
    WM_CLOSE,
    WM_DESTROY,
    WM_ENDSESSION,
    WM_QUERYENDSESSION,
    HiddenWindow,
    Message,
    WindowClass,
)

from .parts import Launcher

WINDOW = 4711
WM_NULL = 0


class FakeWindows:
    """user32 and kernel32 in one: one window, its messages, and the reasons that are shown to the user."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.level = 0
        self.can_make_windows = True
        self._posted: queue.Queue[tuple[int, int]] = queue.Queue()
        self._procedure: Any = None

    def SetProcessShutdownParameters(self, level: int, flags: int) -> int:
        self.level = level
        return 1

    def GetModuleHandleW(self, name: None) -> int:
        return 1

    def RegisterClassW(self, described: Any) -> int:
        self._procedure = ctypes.cast(described, ctypes.POINTER(WindowClass)).contents.procedure
        return 1

    def CreateWindowExW(self, *words: Any) -> int | None:
        parent, style = words[8], words[3]
        assert parent is None, "a message-only window is not told of the end of a session"
        assert not style & 0x10000000, "it is never shown"
        return WINDOW if self.can_make_windows else None

    def GetMessageW(self, message: Any, *_: Any) -> int:
        number, wparam = self._posted.get(timeout=20)
        if number == 0x12:
            return 0
        found = ctypes.cast(message, ctypes.POINTER(Message)).contents
        found.window, found.message, found.wparam = WINDOW, number, wparam
        return 1

    def DispatchMessageW(self, message: Any) -> int:
        found = ctypes.cast(message, ctypes.POINTER(Message)).contents
        return self.send(found.message, found.wparam)

    def PostMessageW(self, window: int, message: int, wparam: int, lparam: int) -> int:
        assert window == WINDOW
        self._posted.put((message, wparam))
        return 1

    def PostQuitMessage(self, status: int) -> None:
        self._posted.put((0x12, status))

    def DefWindowProcW(self, window: int, message: int, wparam: int, lparam: int) -> int:
        if message == WM_CLOSE:
            self.send(WM_DESTROY)
        return 0

    def ShutdownBlockReasonCreate(self, window: int, reason: str) -> int:
        assert window == WINDOW
        self.reasons.append(reason)
        return 1

    def ShutdownBlockReasonDestroy(self, window: int) -> int:
        self.reasons.clear()
        return 1

    def send(self, message: int, wparam: int = 0) -> int:
        """Call the window procedure as Windows does, by its address."""
        return int(self._procedure(WINDOW, message, wparam, 0))


class Day:
    """A launcher as the end of the session knows it."""

    def __init__(self, windows: FakeWindows) -> None:
        self.has_changed = True
        self.left: list[tuple[float, list[str]]] = []
        self._windows = windows
        self.window = HiddenWindow(SessionEnd(lambda: self.has_changed, self._leave), windows, windows)

    def _leave(self, patience: float) -> None:
        self.left.append((patience, list(self._windows.reasons)))


@pytest.fixture
def windows() -> FakeWindows:
    return FakeWindows()


@pytest.fixture
def day(windows: FakeWindows) -> Iterator[Day]:
    day = Day(windows)
    day.window.open()
    yield day
    day.window.close()


def test_windows_waits_and_says_why_while_the_last_backup_is_made(windows: FakeWindows, day: Day) -> None:
    assert windows.send(WM_QUERYENDSESSION) == 1
    assert len(windows.reasons) == 1
    assert "backup" in windows.reasons[0]
    assert day.left == []
    assert windows.send(WM_ENDSESSION, 1) == 0
    ((patience, reasons),) = day.left
    assert patience == PATIENCE == 20
    assert reasons, "the reason is shown as long as the backup runs"
    assert windows.reasons == []


def test_windows_does_not_wait_where_nothing_has_changed(windows: FakeWindows, day: Day) -> None:
    day.has_changed = False
    assert windows.send(WM_QUERYENDSESSION) == 1
    assert windows.reasons == []
    windows.send(WM_ENDSESSION, 1)
    assert day.left == [(QUICK, [])]
    assert QUICK < 5, "after five seconds Windows ends a program that has not said why"


def test_an_end_that_is_called_off_changes_nothing(windows: FakeWindows, day: Day) -> None:
    windows.send(WM_QUERYENDSESSION)
    windows.send(WM_ENDSESSION, 0)
    assert day.left == []
    assert windows.reasons == []


def test_a_fault_of_ours_does_not_keep_the_pc_from_shutting_down(windows: FakeWindows) -> None:
    def fails() -> bool:
        raise RuntimeError("invented")

    window = HiddenWindow(SessionEnd(fails, lambda patience: None), windows, windows)
    window.open()
    assert windows.send(WM_QUERYENDSESSION) == 1
    window.close()


def test_it_is_asked_after_docassist_has_closed_and_ends_with_the_launcher(windows: FakeWindows) -> None:
    before = set(threading.enumerate())
    day = Day(windows)
    day.window.open()
    assert 0x100 <= windows.level < 0x280
    (listening,) = set(threading.enumerate()) - before
    day.window.close()
    listening.join(20)
    assert not listening.is_alive()


def test_without_a_window_the_launcher_goes_on(windows: FakeWindows) -> None:
    windows.can_make_windows = False
    day = Day(windows)
    day.window.open()
    day.window.close()
    assert day.left == []


def test_the_launcher_has_changed_data_until_a_backup_holds_it(launcher: Launcher) -> None:
    assert has_changed(launcher.engine, Past())
    earlier, later = datetime(2001, 1, 1, tzinfo=UTC), datetime(2101, 1, 1, tzinfo=UTC)
    assert has_changed(launcher.engine, Past(confirmed=Moment(earlier, 0)))
    assert not has_changed(launcher.engine, Past(confirmed=Moment(later, 0)))


def test_data_that_is_not_there_is_worth_no_wait(launcher: Launcher) -> None:
    (launcher.data_dir / "clinic.db").rename(launcher.data_dir / "elsewhere")
    assert not has_changed(launcher.engine, Past())


def test_a_hurried_end_is_begun_at_once_and_waited_for(tmp_path: Path) -> None:
    begun = threading.Event()
    ending = Ending(begun.set)
    waiting = threading.Thread(target=ending.hurry, args=(20.0,))
    waiting.start()
    assert begun.wait(20)
    assert ending.patience == 20
    assert waiting.is_alive()
    ending.over()
    waiting.join(20)
    assert not waiting.is_alive()


def test_a_hurried_end_is_not_waited_for_without_end() -> None:
    Ending(lambda: None).hurry(0.01)
