"""The program's entry in the applications menu of a Linux desktop, which opens the page where there is no tray icon."""

import re
from collections.abc import Sequence
from pathlib import Path

from backup_core.files import write_atomically

NAME = "docassist-backup"
_ICON = Path(__file__).resolve().parent.parent / "webadmin" / "static" / "icon.svg"
#: What an entry of the menu must not say, for a person who chooses it wants to see the page.
_QUIET = frozenset({"--at-login", "--no-browser"})


class MenuEntry:
    """A file and its icon below `folder`, the user's own data folder, by the freedesktop.org specifications."""

    def __init__(self, folder: Path) -> None:
        self._entry = folder / "applications" / f"{NAME}.desktop"
        self._icon = folder / "icons" / "hicolor" / "scalable" / "apps" / f"{NAME}.svg"

    def write(self, command: Sequence[str]) -> None:
        """Have `command` started by the entry: a second start opens the page of the first; raise OSError."""
        self._icon.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self._icon, _ICON.read_bytes())
        more = (f"Icon={NAME}", "Categories=Utility;")
        self._entry.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self._entry, entry([word for word in command if word not in _QUIET], *more))


def entry(command: Sequence[str], *more: str) -> bytes:
    """Return a desktop entry that starts `command`, with `more` lines."""
    lines = (
        "[Desktop Entry]",
        "Type=Application",
        "Name=DocAssist Backup",
        "Comment=Backs up the clinic's data",
        f"Exec={' '.join(map(_quoted, command))}",
        "Terminal=false",
        *more,
    )
    return ("\n".join(lines) + "\n").encode()


def program_of(line: str) -> str:
    """Return the program that an Exec line starts."""
    first = re.match(r'"((?:[^"\\]|\\.)*)"|(\S+)', line.replace("\\\\", "\\"))
    if first is None:
        return ""
    return re.sub(r'\\(["`$\\])', r"\1", first[1] or first[2] or "").replace("%%", "%")


def _quoted(word: str) -> str:
    """Return one word of an Exec line: quoted as in a shell, then escaped as every value, and "%" marks no field."""
    in_quotes = re.sub(r'(["`$\\])', r"\\\1", word)
    return '"' + in_quotes.replace("\\", "\\\\").replace("%", "%%") + '"'
