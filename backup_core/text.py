"""The words of the product in the user's language: one gettext catalogue for page, tray, command line and errors.

The messages in the code are English and complete. Another language is a folder `locale/<language>/LC_MESSAGES` with
`docassist.mo` in it, and no code: the first language of the system that has one is used, English where none has.
"""

import functools
import gettext
import os
import plistlib
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

DOMAIN = "docassist"
ENGLISH = "en"
FOLDER = Path(__file__).resolve().parent / "locale"


@dataclass(frozen=True)
class Language:
    """The language in use, and the folder that its catalogue was found in."""

    code: str
    folder: Path
    catalogue: gettext.NullTranslations


def _(message: str, /, **facts: object) -> str:
    """Return a message in the user's language; `%(name)s` in it stands for the fact of that name."""
    translated = language().catalogue.gettext(message)
    return translated % facts if facts else translated


def _n(one: str, many: str, number: int, /, **facts: object) -> str:
    """Return the form of a message that goes with `number`, in the user's language."""
    translated = language().catalogue.ngettext(one, many, number)
    return translated % facts if facts else translated


def N_(message: str) -> str:
    """Mark a message for the catalogue where it cannot be translated yet: `_` does that where it is shown."""
    return message


def N_n(one: str, many: str) -> tuple[str, str]:
    """Mark a message with two forms for the catalogue; `_n` translates it where it is shown."""
    return one, many


def choose(wanted: Iterable[str], folder: Path = FOLDER) -> None:
    """Use the first of these languages that there is a catalogue for in `folder`; English needs none."""
    global _chosen
    _chosen = _first_of(wanted, folder)


def language() -> Language:
    """Return the language in use: the one chosen, else that of the system."""
    return _chosen or _of_the_system()


_chosen: Language | None = None


@functools.cache
def _of_the_system() -> Language:
    return _first_of(_system_languages(), FOLDER)


def _first_of(wanted: Iterable[str], folder: Path) -> Language:
    for name in wanted:
        code = name.partition(".")[0].partition("@")[0].replace("-", "_")
        for candidate in (code, code.partition("_")[0]):
            if candidate in (ENGLISH, "C", "POSIX"):
                return Language(ENGLISH, folder, gettext.NullTranslations())
            found = candidate and gettext.find(DOMAIN, folder, [candidate])
            if found:
                return Language(Path(found).parents[1].name, folder, gettext.translation(DOMAIN, folder, [candidate]))
    return Language(ENGLISH, folder, gettext.NullTranslations())


def _system_languages() -> list[str]:
    """Return the languages that the user has chosen for the system, the most wanted first."""
    for variable in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(variable):
            return value.split(":")
    if sys.platform == "win32":
        return _windows_languages()
    return _macos_languages() if sys.platform == "darwin" else []


def _windows_languages() -> list[str]:
    if sys.platform != "win32":
        return []
    import ctypes
    import locale

    code = ctypes.windll.kernel32.GetUserDefaultUILanguage()
    return [locale.windows_locale.get(code, "")]


def _macos_languages() -> list[str]:
    """Return what the system settings say: a program that is not started in a terminal has no LANG."""
    try:
        chosen = plistlib.loads((Path.home() / "Library/Preferences/.GlobalPreferences.plist").read_bytes())
    except (OSError, plistlib.InvalidFileException):
        return []
    names = chosen.get("AppleLanguages", [])
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
