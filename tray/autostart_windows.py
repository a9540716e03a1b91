"""Start at login on Windows: the user's Run key, and the list by which Task Manager switches its entries off."""

import subprocess
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Protocol

from backup_core.errors import BackupError
from backup_core.files import translating
from backup_core.text import N_, _

from .autostart import is_there

_FAILED = N_("Starting at login could not be changed.")
_NAME = "DocAssist Backup"
_CURRENT_VERSION = r"Software\Microsoft\Windows\CurrentVersion"
RUN = rf"{_CURRENT_VERSION}\Run"
APPROVED = rf"{_CURRENT_VERSION}\Explorer\StartupApproved\Run"
#: Windows ignores a Run entry that is longer than this.
LONGEST = 260


class Registry(Protocol):
    """The user's part of the registry; keys are paths below HKEY_CURRENT_USER."""

    def read(self, key: str, name: str) -> str | bytes | None:
        """Return a value; None where it is not there or may not be read."""

    def write(self, key: str, name: str, value: str) -> None:
        """Set a value, and make its key if need be; raise OSError where that is refused."""

    def delete(self, key: str, name: str) -> None:
        """Remove a value, if it is there; raise OSError where that is refused."""


class RunKey:
    """Starts the launcher by an entry of the Run key: no console window, no rights needed."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def is_on(self) -> bool:
        """Return whether the entry is there with its program, and Task Manager has not switched it off."""
        entry, approved = self._registry.read(RUN, _NAME), self._registry.read(APPROVED, _NAME)
        # The first byte is odd where the user has switched the entry off, even where it was switched on again.
        switched_off = isinstance(approved, bytes) and approved[:1] != b"" and approved[0] % 2 == 1
        return isinstance(entry, str) and is_there(_program_of(entry)) and not switched_off

    def turn_on(self, command: Sequence[str]) -> None:
        """Write the entry and forget that it was switched off."""
        line = subprocess.list2cmdline(command)
        if len(line) > LONGEST:
            raise BackupError(
                _("Windows does not start a command this long at login."),
                hint=_("Install DocAssist Backup in a folder with a shorter path."),
                length=len(line),
            )
        with translating(BackupError, _(_FAILED)):
            self._registry.write(RUN, _NAME, line)
            self._registry.delete(APPROVED, _NAME)

    def turn_off(self) -> None:
        """Remove the entry."""
        with translating(BackupError, _(_FAILED)):
            self._registry.delete(RUN, _NAME)


def _program_of(line: str) -> str:
    """Return the program that a command line of Windows starts."""
    return line[1:].partition('"')[0] if line.startswith('"') else line.partition(" ")[0]


class UserRegistry:
    """The registry itself."""

    def __init__(self) -> None:
        self._winreg: Any = import_module("winreg")

    def read(self, key: str, name: str) -> str | bytes | None:
        """Return a value; None where it is not there or may not be read."""
        try:
            with self._winreg.OpenKey(self._winreg.HKEY_CURRENT_USER, key) as opened:
                value: str | bytes = self._winreg.QueryValueEx(opened, name)[0]
                return value
        except OSError:
            return None

    def write(self, key: str, name: str, value: str) -> None:
        """Set a value, and make its key if need be; raise OSError where that is refused."""
        with self._winreg.CreateKey(self._winreg.HKEY_CURRENT_USER, key) as opened:
            self._winreg.SetValueEx(opened, name, 0, self._winreg.REG_SZ, value)

    def delete(self, key: str, name: str) -> None:
        """Remove a value, if it is there; raise OSError where that is refused."""
        try:
            access = self._winreg.KEY_SET_VALUE
            with self._winreg.OpenKey(self._winreg.HKEY_CURRENT_USER, key, 0, access) as opened:
                self._winreg.DeleteValue(opened, name)
        except FileNotFoundError:
            return
