"""Start at login: one small entry in the place where each system looks for it."""

import configparser
import plistlib
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol
from xml.parsers.expat import ExpatError

import platformdirs

from backup_core.errors import BackupError
from backup_core.files import remove, translating, write_atomically
from backup_core.text import N_, _

from .ending import EXIT_PATIENCE
from .menuentry import NAME, MenuEntry, entry, program_of

_FAILED = N_("Starting at login could not be changed.")
_SECTION = "Desktop Entry"


class Autostart(Protocol):
    """What starts the launcher when its user logs in."""

    def is_on(self) -> bool:
        """Return whether the launcher will be started, also where the user has changed that outside of it.

        An entry whose program has been moved or removed since then starts nothing.
        """

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
    return DesktopEntry(platformdirs.user_config_path() / "autostart", MenuEntry(platformdirs.user_data_path()))


def is_there(program: str) -> bool:
    """Return whether there is a program of this path, or of this name where programs are found."""
    return bool(program) and shutil.which(program) is not None


class DesktopEntry:
    """Linux: a file in `folder`, by the freedesktop.org autostart specification; beside it one in the menu."""

    def __init__(self, folder: Path, menu: MenuEntry | None = None) -> None:
        self._path = folder / f"{NAME}.desktop"
        self._menu = menu

    def is_on(self) -> bool:
        """Return whether the entry is there with its program, and no settings dialog has switched it off."""
        found = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            found.read_string(self._path.read_text(encoding="utf-8"))
            hidden = found.getboolean(_SECTION, "Hidden", fallback=False)
            enabled = not hidden and found.getboolean(_SECTION, "X-GNOME-Autostart-enabled", fallback=True)
            return enabled and is_there(program_of(found.get(_SECTION, "Exec", fallback="")))
        except (OSError, ValueError, configparser.Error):
            return False

    def turn_on(self, command: Sequence[str]) -> None:
        """Write the entry, and the one in the menu, which stays when this one goes."""
        _write(self._path, entry(command, "X-GNOME-Autostart-enabled=true"))
        if self._menu:
            with translating(BackupError, _(_FAILED)):
                self._menu.write(command)

    def turn_off(self) -> None:
        """Remove the entry."""
        _remove(self._path)


class LaunchAgent:
    """macOS: a property list in `folder`, read at the next login."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "com.docassist.backup.plist"

    def is_on(self) -> bool:
        """Return whether the agent is there with its program, and is not disabled in its own file."""
        try:
            agent = plistlib.loads(self._path.read_bytes())
        except (OSError, ValueError, ExpatError):
            return False
        if not isinstance(agent, dict) or not agent.get("RunAtLoad") or agent.get("Disabled"):
            return False
        words = agent.get("ProgramArguments")
        return isinstance(words, list) and bool(words) and is_there(str(words[0]))

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
    with translating(BackupError, _(_FAILED)):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, data)


def _remove(path: Path) -> None:
    with translating(BackupError, _(_FAILED)):
        remove(path)
