"""The hidden window by which Windows tells the launcher that the user logs off or shuts down.

It is a top-level window that is never shown: a message-only window is not told. Written by Microsoft's documentation of
WM_QUERYENDSESSION, WM_ENDSESSION, ShutdownBlockReasonCreate and SetProcessShutdownParameters.
"""

import ctypes
import logging
import threading
from typing import Any

from .sessionend import SessionEnd

logger = logging.getLogger(__name__)

WM_DESTROY = 0x02
WM_CLOSE = 0x10
WM_QUERYENDSESSION = 0x11
WM_ENDSESSION = 0x16
#: Asked after the programs of the user, DocAssist among them, have ended: they begin at 0x280.
_AFTER_OTHERS = 0x1FF

_HANDLE, _WPARAM, _LPARAM = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_ssize_t
_PROCEDURE = getattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE)(_LPARAM, _HANDLE, ctypes.c_uint, _WPARAM, _LPARAM)


class WindowClass(ctypes.Structure):
    """WNDCLASSW."""

    _fields_ = (
        ("style", ctypes.c_uint),
        ("procedure", _PROCEDURE),
        ("class_extra", ctypes.c_int),
        ("window_extra", ctypes.c_int),
        ("instance", _HANDLE),
        ("icon", _HANDLE),
        ("cursor", _HANDLE),
        ("background", _HANDLE),
        ("menu_name", ctypes.c_wchar_p),
        ("class_name", ctypes.c_wchar_p),
    )


class Message(ctypes.Structure):
    """MSG."""

    _fields_ = (
        ("window", _HANDLE),
        ("message", ctypes.c_uint),
        ("wparam", _WPARAM),
        ("lparam", _LPARAM),
        ("time", ctypes.c_uint32),
        ("x", ctypes.c_long),
        ("y", ctypes.c_long),
    )


def system_calls() -> tuple[Any, Any]:
    """Return user32 and kernel32, each function told what it takes and gives: a handle is wider than an int."""
    user32, kernel32 = (ctypes.WinDLL(name, use_last_error=True) for name in ("user32", "kernel32"))  # type: ignore[attr-defined,unused-ignore]
    kernel32.GetModuleHandleW.argtypes, kernel32.GetModuleHandleW.restype = (ctypes.c_wchar_p,), _HANDLE
    user32.CreateWindowExW.argtypes = (
        *(ctypes.c_uint32, ctypes.c_wchar_p, ctypes.c_wchar_p, ctypes.c_uint32),
        *(ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int),
        *(_HANDLE, _HANDLE, _HANDLE, _HANDLE),
    )
    user32.CreateWindowExW.restype = _HANDLE
    user32.DefWindowProcW.argtypes = (_HANDLE, ctypes.c_uint, _WPARAM, _LPARAM)
    user32.DefWindowProcW.restype = _LPARAM
    user32.PostMessageW.argtypes = (_HANDLE, ctypes.c_uint, _WPARAM, _LPARAM)
    user32.ShutdownBlockReasonCreate.argtypes = (_HANDLE, ctypes.c_wchar_p)
    user32.ShutdownBlockReasonDestroy.argtypes = (_HANDLE,)
    return user32, kernel32


class HiddenWindow:
    """The window, on a thread of its own; where it cannot be made the next start makes up for the last backup."""

    def __init__(self, session_end: SessionEnd, user32: Any, kernel32: Any) -> None:
        self._session_end = session_end
        self._user32 = user32
        self._kernel32 = kernel32
        self._handle: int | None = None
        self._made = threading.Event()
        # Windows keeps the address only.
        self._procedure = _PROCEDURE(self._answer)
        self._thread = threading.Thread(target=self._listen, name="session-end", daemon=True)

    def open(self) -> None:
        """Make the window and begin to listen."""
        self._kernel32.SetProcessShutdownParameters(_AFTER_OTHERS, 0)
        self._thread.start()
        self._made.wait(5)

    def close(self) -> None:
        """Have the window destroyed by its own thread, unless that is the one that is ending us."""
        if self._handle:
            self._user32.PostMessageW(self._handle, WM_CLOSE, 0, 0)

    def block(self, reason: str) -> None:
        """Have Windows wait, and show why."""
        self._user32.ShutdownBlockReasonCreate(self._handle, reason)

    def release(self) -> None:
        """Have Windows wait no longer."""
        self._user32.ShutdownBlockReasonDestroy(self._handle)

    def _listen(self) -> None:
        name = "DocAssistBackupSessionEnd"
        instance = self._kernel32.GetModuleHandleW(None)
        described = WindowClass(procedure=self._procedure, instance=instance, class_name=name)
        self._user32.RegisterClassW(ctypes.byref(described))
        place = (0, 0, 0, 0)
        self._handle = self._user32.CreateWindowExW(0, name, "DocAssist Backup", 0, *place, None, None, instance, None)
        self._made.set()
        if not self._handle:
            logger.warning("no window can be made, so a logout brings no last backup")
            return
        message = Message()
        while self._user32.GetMessageW(ctypes.byref(message), None, 0, 0) > 0:
            self._user32.DispatchMessageW(ctypes.byref(message))

    def _answer(self, window: int, message: int, wparam: int, lparam: int) -> int:
        """Be the window procedure. An exception here would be swallowed by ctypes, and the answer be 0."""
        try:
            if message == WM_QUERYENDSESSION:
                self._session_end.asked(self)
                return 1
            if message == WM_ENDSESSION:
                self._session_end.decided(self, ends=bool(wparam))
                return 0
        except Exception:  # noqa: BLE001 - whatever went wrong, a 0 to the question would keep the PC from shutting down
            logger.exception("the end of the session was not prepared for")
            return 1
        if message == WM_DESTROY:
            self._user32.PostQuitMessage(0)
            return 0
        return int(self._user32.DefWindowProcW(window, message, wparam, lparam))
