"""Preferences: what the user can choose, and which values can be accepted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .emrcommand import split
from .errors import SettingInvalid
from .retention import LAUNCHER_POLICY, Policy
from .sources import check_extra, find_sources
from .text import _

LONGEST_HOURS = 168
MOST_KEPT = 1_000

#: A start makes a backup if the last one is over an hour old or the last ending was not clean; or in any case.
WHEN_STALE, ALWAYS = "when-stale", "always"
STARTUP_RULES = (WHEN_STALE, ALWAYS)
THEMES = ("system", "light", "dark")


@dataclass(frozen=True)
class Preferences:
    """What the user can choose for one data folder."""

    #: Hours between two backups while the launcher runs.
    frequency_hours: float = 4
    #: How many of the newest archives are kept.
    keep: int = 10
    #: The command that starts DocAssist, as one would type it; "" where it is not known.
    emr_command: str = ""
    #: The folder in which DocAssist is started, an absolute path; "" for that of its program.
    emr_dir: str = ""
    #: Where the archives lie, an absolute path; "" for `backups` inside the data folder.
    backup_dir: str = ""
    #: More files and folders to protect: paths inside the data folder, with `/`.
    extras: tuple[str, ...] = ()
    #: When a start of the launcher or of DocAssist makes a backup: one of STARTUP_RULES.
    startup: str = WHEN_STALE
    #: Whether the icon speaks up when something goes wrong.
    notifications: bool = True
    #: Whether it also says in one line, when DocAssist has been closed, that the day's work is backed up.
    closing_note: bool = True
    #: The colours of the page: one of THEMES.
    theme: str = "system"
    #: Backup folders of before, whose archives stay in the list: absolute paths.
    older_dirs: tuple[str, ...] = ()

    @property
    def policy(self) -> Policy:
        """Which archives are kept: the launcher's tiers, and the newest as many as were asked for."""
        return replace(LAUNCHER_POLICY, newest=self.keep, waiting=2 * self.keep)


def accepted(document: Mapping[str, object]) -> tuple[dict[str, Any], list[str]]:
    """Return the fields of a parsed file that can be accepted, and a sentence on each other one."""
    values = {field: document[field] for field in _VALUE_FAULTS if field in document}
    values |= {field: tuple(value) for field, value in values.items() if isinstance(value, list)}
    bad = {field: fault for field, value in values.items() if (fault := _VALUE_FAULTS[field](value))}
    return {field: value for field, value in values.items() if field not in bad}, [str(fault) for fault in bad.values()]


def faults(preferences: Preferences, data_dir: Path) -> dict[str, SettingInvalid]:
    """Return what is wrong, for each field that cannot be accepted; folders are looked for on the disk.

    Raise SourceMissing where a backup folder cannot be judged, because there is no data folder.
    """
    found = {field: check(getattr(preferences, field)) for field, check in _VALUE_FAULTS.items()}
    found["emr_dir"] = found["emr_dir"] or _emr_dir_fault(preferences.emr_dir)
    found["backup_dir"] = found["backup_dir"] or _backup_dir_fault(preferences, data_dir)
    return {field: fault for field, fault in found.items() if fault}


def validate(preferences: Preferences, data_dir: Path) -> None:
    """Raise SettingInvalid for the first field that cannot be accepted."""
    for fault in faults(preferences, data_dir).values():
        raise fault


def _frequency_fault(value: object) -> SettingInvalid | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= LONGEST_HOURS:
        return None
    shown = f"{value:g}" if isinstance(value, float) else value
    return SettingInvalid(
        _("A backup every %(shown)s hours is not possible.", shown=shown),
        hint=_("Choose more than 0 and at most %(longest_hours)s hours; 4 is usual.", longest_hours=LONGEST_HOURS),
        field="frequency_hours",
    )


def _keep_fault(value: object) -> SettingInvalid | None:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_KEPT:
        return None
    return SettingInvalid(
        _("It is not possible to keep %(value)s backups.", value=value),
        hint=_("Choose a whole number from 1 to %(most_kept)s; 10 is usual.", most_kept=MOST_KEPT),
        field="keep",
    )


def _command_fault(value: object) -> SettingInvalid | None:
    if not (isinstance(value, str) and value.isprintable()):
        return SettingInvalid(_("The command that starts DocAssist has to be one line of text."), field="emr_command")
    if value.strip() and not split(value):
        return SettingInvalid(
            _("The quotation marks in the command that starts DocAssist do not match."),
            hint=_("Put one before and one after a path that has spaces in it."),
            field="emr_command",
        )
    return None


def _folder_fault(field: str) -> Callable[[object], SettingInvalid | None]:
    def fault(value: object) -> SettingInvalid | None:
        if value == "" or (isinstance(value, str) and value.isprintable() and Path(value).is_absolute()):
            return None
        return SettingInvalid(
            _("“%(value)s” is not the whole path of a folder.", value=value),
            hint=_("Begin with the drive, or with /."),
            field=field,
        )

    return fault


def _extras_fault(value: object) -> SettingInvalid | None:
    if not (isinstance(value, tuple) and all(isinstance(name, str) for name in value)):
        return SettingInvalid(_("The list of further files to protect is not a list of names."), field="extras")
    try:
        for name in value:
            check_extra(name)
    except SettingInvalid as fault:
        return fault
    return None


def _choice_fault(field: str, choices: tuple[str, ...], what: str) -> Callable[[object], SettingInvalid | None]:
    def fault(value: object) -> SettingInvalid | None:
        return None if value in choices else SettingInvalid(_("Choose one of the %(what)s.", what=what), field=field)

    return fault


def _switch_fault(field: str) -> Callable[[object], SettingInvalid | None]:
    def fault(value: object) -> SettingInvalid | None:
        return None if isinstance(value, bool) else SettingInvalid(_("This is either on or off."), field=field)

    return fault


def _older_dirs_fault(value: object) -> SettingInvalid | None:
    check = _folder_fault("older_dirs")
    if isinstance(value, tuple) and not any(not folder or check(folder) for folder in value):
        return None
    return SettingInvalid(_("The list of earlier backup folders is not a list of whole paths."), field="older_dirs")


def _emr_dir_fault(folder: str) -> SettingInvalid | None:
    if not folder or Path(folder).is_dir():
        return None
    return SettingInvalid(_("The folder %(folder)s is not there.", folder=folder), field="emr_dir")


def _backup_dir_fault(preferences: Preferences, data_dir: Path) -> SettingInvalid | None:
    """Return what is wrong with a folder for archives; it may be new, but not lie in what is backed up."""
    if not preferences.backup_dir:
        return None
    folder = Path(preferences.backup_dir)
    problem = ""
    if folder.is_file():
        problem = f"{folder} is a file, not a folder."
    elif not folder.parent.is_dir():
        problem = _(
            "There is no folder %(folder)s; if it is on another drive, connect the drive first.", folder=folder.parent
        )
    elif folder == data_dir or any(folder.is_relative_to(source) for source in _source_paths(preferences, data_dir)):
        problem = _("The backups cannot lie in %(folder)s, which is backed up itself.", folder=folder)
    return SettingInvalid(problem, field="backup_dir") if problem else None


def _source_paths(preferences: Preferences, data_dir: Path) -> list[Path]:
    extras = () if _extras_fault(preferences.extras) else preferences.extras
    return [source.path for source in find_sources(data_dir, extras)]


_VALUE_FAULTS: Mapping[str, Callable[[object], SettingInvalid | None]] = {
    "frequency_hours": _frequency_fault,
    "keep": _keep_fault,
    "emr_command": _command_fault,
    "emr_dir": _folder_fault("emr_dir"),
    "backup_dir": _folder_fault("backup_dir"),
    "extras": _extras_fault,
    "startup": _choice_fault("startup", STARTUP_RULES, "rules for the start"),
    "notifications": _switch_fault("notifications"),
    "closing_note": _switch_fault("closing_note"),
    "theme": _choice_fault("theme", THEMES, "colours"),
    "older_dirs": _older_dirs_fault,
}
