"""What somebody who helps needs to know of this PC and its backups; nothing in it tells of a patient or names a file.

It is read by helpers, not by the clinic, and so is not translated.
"""

import platform
import sqlite3
import sys
from collections import Counter
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from .engine import BackupEngine
from .errors import BackupError
from .files import free_space, total_size
from .listing import size_on_disk
from .preferences import Preferences
from .runs import Action, Outcome, Run
from .sources import CHROMA, CLINIC_DB

#: How many failed runs are listed.
_ERRORS = 10
_MEGABYTE = 1e6


def diagnostics(engine: BackupEngine, preferences: Preferences) -> str:
    """Return a page of text: versions, sizes, free space, choices, and the last errors by their codes."""
    runs = engine.history.runs()
    lines = [*_versions(), *_folders(engine), *_archives(engine), *_choices(preferences), *_last(runs)]
    failed = [run for run in runs if run.outcome is Outcome.FAILED]
    lines += ["", f"last errors ({len(failed)} in the history):", *map(_error, failed[:_ERRORS])]
    return "\n".join(lines)


def _versions() -> list[str]:
    build = "built program" if getattr(sys, "frozen", False) else "installed package"
    return [
        f"DocAssist Backup {_version('docassist-backup')} ({build})",
        f"system: {platform.platform()}, {platform.machine()}",
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, Chroma {_version('chromadb')}",
    ]


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "of unknown version"


def _folders(engine: BackupEngine) -> list[str]:
    data, backups = engine.data_dir, engine.backup_dir
    if not data.is_dir():
        return ["data folder: not there"]
    return [
        f"data: clinic.db {_size(data / CLINIC_DB)}, chroma {_size(data / CHROMA)}; free {_free(data)}",
        f"backup folder: {'inside the data folder' if backups.is_relative_to(data) else 'elsewhere'}; "
        f"free {_free(backups)}; earlier folders: {len(engine.repository.older)}",
    ]


def _archives(engine: BackupEngine) -> list[str]:
    try:
        archives = engine.archives()
    except BackupError as error:
        return [f"backups: cannot be listed ({error.code})"]
    states = Counter(archive.state.value for archive in archives)
    told = ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "none"
    size = size_on_disk(archives) / _MEGABYTE
    return [f"backups: {told}; {size:,.0f} MB in all"]


def _choices(preferences: Preferences) -> list[str]:
    command = "known" if preferences.emr_command else "none"
    return [
        f"every {preferences.frequency_hours:g} h, keep {preferences.keep}, at a start: {preferences.startup}, "
        f"extra paths: {len(preferences.extras)}, command of DocAssist: {command}"
    ]


def _last(runs: Sequence[Run]) -> list[str]:
    good = next((run for run in runs if run.action is Action.BACKUP and run.outcome is not Outcome.FAILED), None)
    if good is None:
        return ["last good run: none"]
    steps = ", ".join(f"{step} {seconds:.2f}" for step, seconds in good.stages.items())
    return [f"last good run: {_when(good)}, {good.outcome} in {good.duration:.1f} s" + (f" ({steps})" if steps else "")]


def _error(run: Run) -> str:
    """Return a failed run by its code: its sentence may name a file, and a file may be named after a patient."""
    numbers = {key: value for key, value in run.facts.items() if isinstance(value, int | float)}
    told = ", ".join(f"{key} {value}" for key, value in sorted(numbers.items()))
    return f"{_when(run)} {run.action} ({run.trigger}): {run.code or 'failed'}" + (f" [{told}]" if told else "")


def _when(run: Run) -> str:
    return f"{run.started_at:%Y-%m-%d %H:%M} UTC"


def _size(path: Path) -> str:
    return f"{total_size(path) / _MEGABYTE:,.1f} MB"


def _free(folder: Path) -> str:
    try:
        return f"{free_space(folder) / _MEGABYTE:,.0f} MB"
    except OSError:
        return "unknown"
