"""Start at login: one small entry in the place where each system looks for it."""

import configparser
import plistlib
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol
from xml.parsers.expat import ExpatError

import platformdirs

from backup_core.errors import BackupError
from backup_core.files import remove, translating, write_atomically

from .ending import EXIT_PATIENCE

_FAILED = "Starting at login could not be changed."
_SECTION = "Desktop Entry"


class Autostart(Protocol):
    """What starts the launcher when its user logs in."""

    def is_on(self) -> bool:
        """Return whether the launcher will be started, also where the user has changed that outside of it."""

    def turn_on(self, command: Sequence[str]) -> None:
        """Have `command` started at each login (`relaunch.launcher` gives it); BackupError where that is refused."""

    def turn_off(self) -> None:
        """Have nothing started, also where nothing was; BackupError where that is refused."""


def autostart_of_this_system() -> Autostart:
    """Return the one for the system that this runs on."""
    if sys.platform == "win32":
        from .autostart_windows import RunKey, UserRegistry

        return RunKey(UserRegistry())
    if sys.platform == "darwin":
        return LaunchAgent(Path.home() / "Library" / "LaunchAgents")
    return DesktopEntry(platformdirs.user_config_path() / "autostart")


class DesktopEntry:
    """Linux: a file in `folder`, by the freedesktop.org autostart specification."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "docassist-backup.desktop"

    def is_on(self) -> bool:
        """Return whether the entry is there and no settings dialog has switched it off."""
        entry = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            entry.read_string(self._path.read_text(encoding="utf-8"))
            hidden = entry.getboolean(_SECTION, "Hidden", fallback=False)
            return not hidden and entry.getboolean(_SECTION, "X-GNOME-Autostart-enabled", fallback=True)
        except (OSError, ValueError, configparser.Error):
            return False

    def turn_on(self, command: Sequence[str]) -> None:
        """Write the entry."""
        lines = (
            f"[{_SECTION}]",
            "Type=Application",
            "Name=DocAssist Backup",
            "Comment=Backs up the clinic's data",
            f"Exec={' '.join(map(_quoted, command))}",
            "Terminal=false",
            "X-GNOME-Autostart-enabled=true",
        )
        _write(self._path, ("\n".join(lines) + "\n").encode())

    def turn_off(self) -> None:
        """Remove the entry."""
        _remove(self._path)


class LaunchAgent:
    """macOS: a property list in `folder`, read at the next login."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "com.docassist.backup.plist"

    def is_on(self) -> bool:
        """Return whether the agent is there and is not disabled in its own file."""
        try:
            agent = plistlib.loads(self._path.read_bytes())
        except (OSError, ValueError, ExpatError):
            return False
        return isinstance(agent, dict) and bool(agent.get("RunAtLoad")) and not agent.get("Disabled")

    def turn_on(self, command: Sequence[str]) -> None:
        """Write the agent; it is for sessions with a screen only."""
        agent = {
            "Label": self._path.stem,
            "ProgramArguments": list(command),
            "RunAtLoad": True,
            "LimitLoadToSessionType": "Aqua",
            "ProcessType": "Interactive",
            # Seconds from SIGTERM to SIGKILL at logout: those of the last backup and some more.
            "ExitTimeOut": round(EXIT_PATIENCE) + 10,
        }
        _write(self._path, plistlib.dumps(agent))

    def turn_off(self) -> None:
        """Remove the agent."""
        _remove(self._path)


def _write(path: Path, data: bytes) -> None:
    with translating(BackupError, _FAILED):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, data)


def _remove(path: Path) -> None:
    with translating(BackupError, _FAILED):
        remove(path)


def _quoted(word: str) -> str:
    """Return one word of an Exec line: quoted as in a shell, then escaped as every value, and "%" marks no field."""
    in_quotes = re.sub(r'(["`$\\])', r"\\\1", word)
    return '"' + in_quotes.replace("\\", "\\\\").replace("%", "%%") + '"'
