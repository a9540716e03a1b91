"""How the tray says times: "12 minutes ago", "at 2:30 pm"."""

from datetime import datetime, timedelta, tzinfo


def ago(age: timedelta) -> str:
    """Return how long ago something was; "just now" under a minute, also where the clock was set back."""
    minutes = int(age.total_seconds() // 60)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{_count(minutes, 'minute')} ago"
    hours = minutes // 60
    return f"{_count(hours, 'hour') if hours < 24 else _count(hours // 24, 'day')} ago"


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def at(when: datetime, now: datetime, zone: tzinfo | None) -> str:
    """Return "at 2:30 pm", with "tomorrow" or the date where it is not today; `zone` None is the system's."""
    there, here = when.astimezone(zone), now.astimezone(zone)
    clock = f"at {there.hour % 12 or 12}:{there.minute:02} {'am' if there.hour < 12 else 'pm'}"
    days = (there.date() - here.date()).days
    if days == 0:
        return clock
    return f"tomorrow {clock}" if days == 1 else f"on {there.day} {there:%b} {clock}"
