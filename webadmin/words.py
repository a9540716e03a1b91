"""The page's words for the engine's facts: times, sizes, reasons and states. Pure; times are passed in."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from backup_core.drives import Kind
from backup_core.due import CLOCK_TOLERANCE
from backup_core.history import Action, Outcome, Trigger
from backup_core.listing import State
from backup_core.progress import Stage
from backup_core.stages import Step
from backup_core.text import N_, N_n, _, _n
from webadmin.formats import clock_time as clock_time
from webadmin.formats import day as day
from webadmin.formats import number as number

WHY = {
    Trigger.STARTUP.value: N_("at opening"),
    Trigger.EMR_START.value: N_("at opening"),
    Trigger.INTERVAL.value: N_("automatic"),
    Trigger.EXIT.value: N_("at closing"),
    Trigger.EMR_EXIT.value: N_("at closing"),
    Trigger.MANUAL.value: N_("by hand"),
    Trigger.SAFETY.value: N_("before a restore"),
    Trigger.CLI.value: N_("by command"),
    Trigger.API.value: N_("by DocAssist"),
}

STATES = {
    State.PROVEN: N_("Opened and checked"),
    State.VERIFIED: N_("Checked"),
    State.LEGACY: N_("Made by DocAssist"),
    State.WRITING: N_("Being written"),
    State.DAMAGED: N_("Damaged"),
    State.ENCRYPTED: N_("Locked by DocAssist"),
    State.NEWER: N_("Of a newer version"),
    State.ONLINE: N_("In the cloud only"),
}

ACTIONS = {
    Action.BACKUP: N_("Backup"),
    Action.RESTORE: N_("Restore"),
    Action.UNDO: N_("Back to before the restore"),
    Action.RECOVER: N_("Interrupted restore settled"),
    Action.PRUNE: N_("Old backups tidied up"),
    Action.DELETE: N_("Backup deleted"),
    Action.PROVE: N_("Backup opened and checked"),
    Action.POSTPONE: N_("Backup put off"),
    Action.COPY: N_("Copy saved elsewhere"),
    Action.MOVE: N_("Backups moved"),
}

OUTCOMES = {
    Outcome.MADE: N_("Made"),
    Outcome.UNCHANGED: N_("Nothing had changed"),
    Outcome.FAILED: N_("Failed"),
    Outcome.DONE: N_("Done"),
    Outcome.CANCELLED: N_("Cancelled"),
}

STAGES = {
    Stage.CLOSE_EMR: N_("Asking DocAssist to close"),
    Stage.CHECK: N_("Checking the backup"),
    Stage.SNAPSHOT: N_("Copying the records"),
    Stage.PACK: N_("Packing the copy"),
    Stage.VERIFY: N_("Checking the copy"),
    Stage.EXTRACT: N_("Unpacking the backup"),
    Stage.SAFETY: N_("Saving today's data first"),
    Stage.SWAP: N_("Putting the records back"),
    Stage.COPY: N_("Copying to the drive"),
    Stage.MOVE: N_("Moving to the new folder"),
    Stage.PRUNE: N_("Tidying up old backups"),
    Stage.PROVE: N_("Opening the backup and asking it"),
    Stage.START_EMR: N_("Starting DocAssist again"),
    Stage.SELF_TEST: N_("Trying it all with a sample clinic"),
}

STEPS = {
    Step.COPY.value: N_("Copying the data"),
    Step.FREEZE.value: N_("of that, while DocAssist waited"),
    Step.CHECK.value: N_("Checking the databases"),
    Step.COMPRESS.value: N_("Packing"),
    Step.HASH.value: N_("Check sums"),
    Step.WRITE.value: N_("Writing to the disk"),
    Step.VERIFY.value: N_("Reading again and comparing"),
    Step.PUBLISH.value: N_("Giving it its name"),
    Step.EXTRACT.value: N_("Unpacking"),
    Step.SAFETY.value: N_("Saving today's data first"),
    Step.SWAP.value: N_("Putting the records back"),
    Step.PROVE.value: N_("Opening and asking it"),
}

JOBS = {
    "create": N_("Backing up"),
    "restore": N_("Restoring"),
    "undo": N_("Going back to before the restore"),
    "delete": N_("Deleting a backup"),
    "copy": N_("Saving a copy"),
    "prove": N_("Trying a restore, which changes nothing"),
    "intake": N_("Checking the file"),
    "move": N_("Moving backups"),
    "selftest": N_("Self-test"),
}

DRIVES = {
    Kind.STICK: N_("USB stick or drive"),
    Kind.DISK: N_("another disk"),
    Kind.NETWORK: N_("network folder"),
}

RECORDS = {
    "patients": N_("Patients"),
    "visits": N_("Visits"),
    "investigations": N_("Test results"),
    "procedures": N_("Procedures"),
}

#: What can be counted, one and many of it.
COUNTED = {
    "backup": N_n("%(number)s backup", "%(number)s backups"),
    "byte": N_n("%(number)s byte", "%(number)s bytes"),
    "day": N_n("%(number)s day", "%(number)s days"),
    "hour": N_n("%(number)s hour", "%(number)s hours"),
    "minute": N_n("%(number)s minute", "%(number)s minutes"),
    "patient": N_n("%(number)s patient", "%(number)s patients"),
    "search entry": N_n("%(number)s search entry", "%(number)s search entries"),
    "second": N_n("%(number)s second", "%(number)s seconds"),
    "visit": N_n("%(number)s visit", "%(number)s visits"),
}

_UNITS = (
    # Translators: d, h and m are days, hours and minutes, as short as can be.
    (timedelta(days=1), N_("%(number)sd ago"), N_n("%(number)s day ago", "%(number)s days ago")),
    (timedelta(hours=1), N_("%(number)sh ago"), N_n("%(number)s hour ago", "%(number)s hours ago")),
    (timedelta(minutes=1), N_("%(number)sm ago"), N_n("%(number)s minute ago", "%(number)s minutes ago")),
)


def why(trigger: str) -> str:
    """Return why a backup was made; a trigger of another version is shown as it is, none at all as "by DocAssist"."""
    known = WHY.get(trigger, trigger and trigger.replace("-", " "))
    return _(known or WHY[Trigger.API.value])


def step(name: str) -> str:
    """Return the words for a step of a run; one of another version is shown as it is."""
    return _(STEPS[name]) if name in STEPS else name


def seconds(value: float) -> str:
    """Return the time of a step: "0.31 s"."""
    return _("%(seconds)s s", seconds=number(value, decimals=2))


def records(table: str) -> str:
    """Return the plain name of a table."""
    return _(RECORDS.get(table, table.replace("_", " ").capitalize()))


def count(value: int, what: str) -> str:
    """Return "1 visit" or "1,284 visits"."""
    return _n(*COUNTED[what], value, number=number(value))


def size(number_of_bytes: int) -> str:
    """Return a size as people read it: "820 bytes", "4.2 MB", "120 MB"."""
    if number_of_bytes < 1024:
        return count(number_of_bytes, "byte")
    value, unit = number_of_bytes / 1024, "KB"
    for larger in ("MB", "GB", "TB"):
        if value >= 999.5:
            value, unit = value / 1024, larger
    return f"{number(value, decimals=1 if value < 9.95 else 0)} {unit}"


def day_written(text: str) -> str:
    """Return a day as DocAssist has written it, "2026-01-02", in the user's way; another text as it is."""
    try:
        return day(datetime.fromisoformat(text))
    except ValueError:
        return text


def date_time(local: datetime) -> str:
    """Return date and time: "2 Jan 2026, 10:30 am"."""
    return _("%(day)s, %(time)s", day=day(local), time=clock_time(local))


def time_or_date(local: datetime, now: datetime) -> str:
    """Return only the time for a moment of today or within twelve hours of now, else date and time."""
    is_near = local.date() == now.date() or abs(local - now) < timedelta(hours=12)
    return clock_time(local) if is_near else date_time(local)


def ago(age: timedelta) -> str:
    """Return an age in words: "just now", "12 minutes ago", "2 days ago"; a time that is yet to come is said to be."""
    if age < -CLOCK_TOLERANCE:
        return _("at a time yet to come")
    for unit, _short, long in _UNITS:
        if age >= unit:
            return _n(*long, age // unit, number=number(age // unit))
    return _("just now")


def ago_short(age: timedelta) -> str:
    """Return an age for the status bar: "just now", "12m ago", "2d ago"."""
    if age < -CLOCK_TOLERANCE:
        return _("at a time yet to come")
    for unit, short, _long in _UNITS:
        if age >= unit:
            return _(short, number=number(age // unit))
    return _("just now")


def lasted(seconds: float) -> str:
    """Return a duration: "0.4 seconds", "12 seconds", "3 minutes 5 seconds"."""
    if seconds < 10:
        return _("%(number)s seconds", number=number(seconds, decimals=1))
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return count(rest, "second")
    return f"{count(minutes, 'minute')} {count(rest, 'second')}" if rest else count(minutes, "minute")


def joined(parts: Sequence[str]) -> str:
    """Return "1 patient", "1 patient and 2 visits", "1 patient, 2 visits and 3 notes"."""
    if len(parts) < 2:
        return "".join(parts)
    return _("%(several)s and %(last)s", several=", ".join(parts[:-1]), last=parts[-1])
