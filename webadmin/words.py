"""The page's words for the engine's facts: times, sizes, reasons and states. Pure; times are passed in."""

from datetime import datetime, timedelta

from backup_core.drives import Kind
from backup_core.history import Action, Outcome, Trigger
from backup_core.listing import State
from backup_core.progress import Stage

WHY = {
    Trigger.STARTUP.value: "at opening",
    Trigger.EMR_START.value: "at opening",
    Trigger.INTERVAL.value: "automatic",
    Trigger.EXIT.value: "at closing",
    Trigger.EMR_EXIT.value: "at closing",
    Trigger.MANUAL.value: "by hand",
    Trigger.SAFETY.value: "before a restore",
    Trigger.CLI.value: "by command",
    Trigger.API.value: "by DocAssist",
}

STATES = {
    State.PROVEN: "Opened and checked",
    State.VERIFIED: "Checked",
    State.LEGACY: "Made by DocAssist",
    State.WRITING: "Being written",
    State.DAMAGED: "Damaged",
    State.ENCRYPTED: "Locked by DocAssist",
}

ACTIONS = {
    Action.BACKUP: "Backup",
    Action.RESTORE: "Restore",
    Action.UNDO: "Back to before the restore",
    Action.RECOVER: "Interrupted restore settled",
    Action.PRUNE: "Old backups tidied up",
    Action.DELETE: "Backup deleted",
    Action.PROVE: "Backup opened and checked",
    Action.COPY: "Copy saved elsewhere",
}

OUTCOMES = {
    Outcome.MADE: "Made",
    Outcome.UNCHANGED: "Nothing had changed",
    Outcome.FAILED: "Failed",
    Outcome.DONE: "Done",
    Outcome.CANCELLED: "Cancelled",
}

STAGES = {
    Stage.CLOSE_EMR: "Asking DocAssist to close",
    Stage.CHECK: "Checking the backup",
    Stage.SNAPSHOT: "Copying the records",
    Stage.PACK: "Packing the copy",
    Stage.VERIFY: "Checking the copy",
    Stage.EXTRACT: "Unpacking the backup",
    Stage.SAFETY: "Saving today's data first",
    Stage.SWAP: "Putting the records back",
    Stage.COPY: "Copying to the drive",
    Stage.PRUNE: "Tidying up old backups",
    Stage.PROVE: "Opening the backup and asking it",
    Stage.START_EMR: "Starting DocAssist again",
}

JOBS = {
    "create": "Backing up",
    "restore": "Restoring",
    "undo": "Going back to before the restore",
    "delete": "Deleting a backup",
    "copy": "Saving a copy",
}

DRIVES = {
    Kind.STICK: "USB stick or drive",
    Kind.DISK: "another disk",
    Kind.NETWORK: "network folder",
}

RECORDS = {
    "patients": "Patients",
    "visits": "Visits",
    "investigations": "Test results",
    "procedures": "Procedures",
}

_UNITS = ((timedelta(days=1), "d", "day"), (timedelta(hours=1), "h", "hour"), (timedelta(minutes=1), "m", "minute"))


def why(trigger: str) -> str:
    """Return why a backup was made; a trigger of another version is shown as it is, none at all as "by DocAssist"."""
    return WHY.get(trigger, trigger.replace("-", " ")) or "by DocAssist"


def records(table: str) -> str:
    """Return the plain name of a table."""
    return RECORDS.get(table, table.replace("_", " ").capitalize())


def number(value: int) -> str:
    """Return 1284 as "1,284"."""
    return f"{value:,}"


def count(value: int, one: str, many: str = "") -> str:
    """Return "1 visit" or "1,284 visits"."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def size(number_of_bytes: int) -> str:
    """Return a size as people read it: "820 bytes", "4.2 MB", "120 MB"."""
    if number_of_bytes < 1024:
        return count(number_of_bytes, "byte")
    value, unit = number_of_bytes / 1024, "KB"
    for larger in ("MB", "GB", "TB"):
        if value >= 999.5:
            value, unit = value / 1024, larger
    return f"{value:.1f} {unit}" if value < 9.95 else f"{value:,.0f} {unit}"


def clock_time(local: datetime) -> str:
    """Return the time of day: "9:05 pm"."""
    return f"{local.hour % 12 or 12}:{local:%M} {'am' if local.hour < 12 else 'pm'}"


def day(local: datetime) -> str:
    """Return the date: "2 Jan 2026"."""
    return f"{local.day} {local:%b %Y}"


def date_time(local: datetime) -> str:
    """Return date and time: "2 Jan 2026, 10:30 am"."""
    return f"{day(local)}, {clock_time(local)}"


def time_or_date(local: datetime, now: datetime) -> str:
    """Return only the time for a moment of today or within twelve hours of now, else date and time."""
    is_near = local.date() == now.date() or abs(local - now) < timedelta(hours=12)
    return clock_time(local) if is_near else date_time(local)


def ago(age: timedelta) -> str:
    """Return an age in words: "just now", "12 minutes ago", "2 days ago"."""
    for unit, _, name in _UNITS:
        if age >= unit:
            return f"{count(age // unit, name)} ago"
    return "just now"


def ago_short(age: timedelta) -> str:
    """Return an age for the status bar: "just now", "12m ago", "2d ago"."""
    for unit, letter, _ in _UNITS:
        if age >= unit:
            return f"{age // unit}{letter} ago"
    return "just now"


def lasted(seconds: float) -> str:
    """Return a duration: "0.4 seconds", "12 seconds", "3 minutes 5 seconds"."""
    if seconds < 10:
        return f"{seconds:.1f} seconds"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return count(rest, "second")
    return f"{count(minutes, 'minute')} {count(rest, 'second')}" if rest else count(minutes, "minute")
