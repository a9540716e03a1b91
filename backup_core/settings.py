"""Settings: where the preferences of a data folder are kept, some of them in DocAssist's own file."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .emrsettings import PATHS, read_values, with_values
from .errors import BackupError
from .files import PRIVATE, translating, write_atomically, write_own
from .places import resolve_data_dir, save_data_dir, saved_data_dir
from .preferences import Preferences, accepted, faults, validate
from .sources import SETTINGS
from .text import _

__all__ = ["Preferences", "Settings", "faults", "resolve_data_dir", "save_data_dir", "saved_data_dir", "validate"]


class Settings:
    """The preferences of one data folder.

    How often and how many is DocAssist's to say where its own `settings.json` says it, so that a change made there
    counts; all else, and these two where DocAssist is silent, lies in a file of our own.
    """

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._own = data_dir / PRIVATE / "preferences.json"
        self._emr = data_dir / SETTINGS
        #: Sentences on what the last `read` could not accept.
        self.problems: tuple[str, ...] = ()

    def read(self) -> Preferences:
        """Return the preferences as they are now; what cannot be read is a default and noted in `problems`."""
        own, own_problems = self._read_own()
        emr, emr_problems = self._read_emr()
        self.problems = (*own_problems, *emr_problems)
        return Preferences(**{**own, **emr})

    def save(self, preferences: Preferences) -> None:
        """Save all of the preferences or none.

        Raise SettingInvalid, which names the field, for a value that cannot be accepted, and BackupError where the
        disk refuses.
        """
        validate(preferences, self._data_dir)
        with translating(BackupError, _("The preferences could not be saved")):
            emr = _read(self._emr)
            changed = None if emr is None else with_values(emr, {field: getattr(preferences, field) for field in PATHS})
            before = _read(self._own)
            write_own(self._own, json.dumps(asdict(preferences), indent=1).encode())
            if changed is not None and changed != emr:
                try:
                    mode = self._emr.stat().st_mode
                    write_atomically(self._emr, changed)
                    self._emr.chmod(mode)
                except OSError:
                    write_atomically(self._own, before or b"{}")
                    raise

    def _read_own(self) -> tuple[dict[str, Any], list[str]]:
        try:
            data = _read(self._own)
            return accepted(dict(json.loads(data))) if data is not None else ({}, [])
        except (OSError, ValueError, TypeError, RecursionError):
            return {}, [_("The preferences of DocAssist Backup cannot be read; the usual ones are used.")]

    def _read_emr(self) -> tuple[dict[str, Any], list[str]]:
        try:
            data = _read(self._emr)
            values, problems = accepted(read_values(data)) if data is not None else ({}, [])
        except (OSError, ValueError):
            return {}, [_("DocAssist's settings.json cannot be read; the preferences of DocAssist Backup are used.")]
        return values, [f"In DocAssist's settings: {problem}" for problem in problems]


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
