"""What the icon says and offers in a state of the launcher: verdict, tooltip and menu. Pure: it reads no clock."""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from textwrap import shorten

from backup_core.due import Hold
from backup_core.text import _, _n
from webadmin.formats import clock_time, day_of_year, number
from webadmin.verdict import is_old
from webadmin.words import JOBS, ago

from .look import SEPARATOR, Choice, IconState, Item, Look

#: Characters of the verdict in the menu, which is as wide as its longest line; a click on it shows the rest.
_WIDTH = 80


@dataclass(frozen=True, kw_only=True)
class TrayState:
    """The facts that the icon shows; every time is aware."""

    now: datetime
    #: The zone in which times are said; None is the system's.
    zone: tzinfo | None = None
    #: When the newest good archive was made, or last found to hold today's data.
    last_backup: datetime | None = None
    #: Since when a backup might have been made today.
    awake_since: datetime | None = None
    #: Patients in that archive.
    patients: int | None = None
    next_due: datetime | None = None
    #: What puts the next backup off; where it waits for the charger, `next_due` is the latest time.
    hold: Hold | None = None
    #: The kind of the running job ("create", "restore", ...), and how far it is, 0 to 1.
    job: str = ""
    progress: float | None = None
    #: Why the last backup failed, as a sentence.
    problem: str = ""
    #: What else a person should look at, as a sentence.
    attention: str = ""
    paused_until: datetime | None = None
    #: Whether this launcher makes automatic backups, which can be paused.
    can_pause: bool = False
    #: Whether another launcher looks after the data, and nothing is to be changed here.
    looks_on: bool = False
    #: "running", "not-running" or "unknown".
    emr: str = "unknown"
    can_start_emr: bool = False
    can_close_emr: bool = False
    #: A restore was made that can be undone.
    can_undo: bool = False
    #: Whether the launcher starts at login; None is where that is not offered.
    starts_at_login: bool | None = None
    #: The launcher is making its last backup and then ends.
    ending: bool = False
    #: The data is the sample clinic's.
    sample: bool = False


def look_for(state: TrayState) -> Look:
    """Return all that the icon shows in this state."""
    return Look(icon_state_for(state), tooltip_for(state), tuple(menu_for(state)), _steps(state.progress))


def icon_state_for(state: TrayState) -> IconState:
    """Return what the icon says at a glance; what matters most wins."""
    if state.job:
        return IconState.BACKING_UP
    if state.problem:
        return IconState.FAILED
    if state.attention or _is_old(state):
        return IconState.ATTENTION
    if state.paused_until:
        return IconState.PAUSED
    if state.emr == "not-running":
        return IconState.NOT_RUNNING
    return IconState.PROTECTED


def verdict_for(state: TrayState) -> str:
    """Return the first line of the menu: how the backups are, in a few words."""
    if state.job:
        return _job_words(state)
    if state.problem:
        return _("Backup failed: %(reason)s", reason=state.problem)
    if state.attention:
        return state.attention
    if state.last_backup is None:
        return _("No backup yet")
    age = ago(state.now - state.last_backup)
    if _is_old(state):
        return _("The last backup was %(age)s", age=age)
    if state.paused_until:
        return _("Automatic backups are paused until %(time)s", time=_until(state.paused_until, state))
    if state.emr == "not-running":
        return _("DocAssist is not running. Backed up %(age)s", age=age)
    return _("Backed up %(age)s", age=age)


def tooltip_for(state: TrayState) -> str:
    """Return the verdict; where all is well, with how many patients it holds and when the next backup comes."""
    name = _("DocAssist Backup (sample clinic)") if state.sample else "DocAssist Backup"
    if state.last_backup is None or icon_state_for(state) not in (IconState.PROTECTED, IconState.NOT_RUNNING):
        return f"{name}: {verdict_for(state)}"
    parts = [f"{name}: {ago(state.now - state.last_backup)}"]
    if state.patients is not None:
        patients = number(state.patients)
        parts.append(_n("%(number)s patient", "%(number)s patients", state.patients, number=patients))
    if state.next_due:
        parts.append(_next(state.next_due, state))
    if state.emr == "not-running":
        parts.append(_("DocAssist is not running"))
    return ", ".join(parts)


def menu_for(state: TrayState) -> list[Item]:
    """Return the menu, top to bottom; what cannot be done now is greyed, what is never offered is left out."""
    idle = not state.job and not state.ending
    changes = idle and not state.looks_on
    items = [
        Item(Choice.OPEN_PAGE, shorten(verdict_for(state), _WIDTH, placeholder="…")),
        SEPARATOR,
        Item(Choice.BACK_UP, _("Backup Now"), enabled=changes),
        Item(Choice.OPEN_PAGE, _("Open admin page"), default=True),
        Item(Choice.RESTORE, _("Restore…"), enabled=changes and state.last_backup is not None),
    ]
    if state.can_undo:
        items.append(Item(Choice.UNDO, _("Go back to before the restore…"), enabled=changes))
    items.append(Item(Choice.COPY, _("Save a copy…"), enabled=idle and state.last_backup is not None))
    items += [*_emr_items(state, idle), *_pause_items(state), Item(Choice.OPEN_FOLDER, _("Open backups folder"))]
    if state.starts_at_login is not None:
        items.append(Item(Choice.AT_LOGIN, _("Start at login"), checked=state.starts_at_login))
    # The sample clinic's stand-in ends with the launcher.
    stays = state.emr == "running" and not state.sample
    leave = _("Quit (DocAssist stays open but is not backed up until the next start)") if stays else _("Quit")
    return [*items, SEPARATOR, Item(Choice.QUIT, leave, enabled=not state.ending)]


def _emr_items(state: TrayState, idle: bool) -> list[Item]:
    if state.emr == "running" and state.can_close_emr:
        return [Item(Choice.CLOSE_EMR, _("Close DocAssist"), enabled=idle)]
    if state.emr != "running" and state.can_start_emr:
        return [Item(Choice.START_EMR, _("Start DocAssist"), enabled=idle)]
    return []


def _pause_items(state: TrayState) -> list[Item]:
    if state.paused_until:
        return [Item(Choice.RESUME, _("Go on with automatic backups"), enabled=not state.ending)]
    if not state.can_pause:
        return []
    return [
        Item(Choice.PAUSE_HOUR, _("Pause automatic backups for 1 hour"), enabled=not state.ending),
        Item(Choice.PAUSE_DAY, _("Pause automatic backups until tomorrow"), enabled=not state.ending),
    ]


def _is_old(state: TrayState) -> bool:
    return state.last_backup is None or is_old(state.last_backup, state.now, state.awake_since)


def _job_words(state: TrayState) -> str:
    words = _(JOBS[state.job]) if state.job in JOBS else _("Working")
    if state.ending and state.job == "create":
        words = _("Making the last backup before quitting")
    progress = _steps(state.progress)
    return f"{words}…" if progress is None else f"{words}… {progress:.0%}"


def _next(when: datetime, state: TrayState) -> str:
    """Return "next at 2:30 pm", with "tomorrow" or the date where it is not today, and what it waits for."""
    day, time = _day(when, state), clock_time(when.astimezone(state.zone))
    if state.hold is Hold.BATTERY:
        return _("next when the charger is in, at %(time)s at the latest", time=time)
    if day == 0:
        return _("next at %(time)s", time=time)
    if day == 1:
        return _("next tomorrow at %(time)s", time=time)
    return _("next %(day)s at %(time)s", day=day_of_year(when.astimezone(state.zone)), time=time)


def _until(when: datetime, state: TrayState) -> str:
    """Return until when: "2:30 pm", with "tomorrow" or the date where it is not today."""
    there, here = when.astimezone(state.zone), state.now.astimezone(state.zone)
    return clock_time(there) if there.date() == here.date() else _at(when, state)


def _at(when: datetime, state: TrayState) -> str:
    """Return "at 2:30 pm", with "tomorrow" or the date where it is not today."""
    day, time = _day(when, state), clock_time(when.astimezone(state.zone))
    if day == 0:
        return time
    if day == 1:
        return _("tomorrow at %(time)s", time=time)
    return _("%(day)s at %(time)s", day=day_of_year(when.astimezone(state.zone)), time=time)


def _day(when: datetime, state: TrayState) -> int:
    """Return how many days after today a time is, as the user counts them."""
    return (when.astimezone(state.zone).date() - state.now.astimezone(state.zone).date()).days


def _steps(progress: float | None) -> float | None:
    """Return `progress` in steps of a twentieth: each change redraws the icon and rebuilds the menu."""
    return None if progress is None else int(min(max(progress, 0.0), 1.0) * 20) / 20
