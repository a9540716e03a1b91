"""The preferences as a form: what stands in its fields, and what was typed into them."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from backup_core.errors import SettingInvalid
from backup_core.settings import Preferences
from backup_core.text import N_, _

#: In the order in which they stand on the page.
FIELDS = (
    "frequency_hours",
    "keep",
    "startup",
    "backup_dir",
    "extras",
    "emr_command",
    "emr_dir",
    "notifications",
    "closing_note",
    "theme",
)
_TEXTS = ("emr_command", "emr_dir", "backup_dir")
_CHOICES = ("startup", "theme")
_SWITCHES = ("notifications", "closing_note")


def _hours(text: str) -> float:
    """Return the hours that were typed, a whole number as such, so that it is shown as it was written."""
    hours = float(text)
    return int(hours) if hours.is_integer() else hours


_NUMBERS: Mapping[str, tuple[Callable[[str], float], str]] = {
    "frequency_hours": (_hours, N_("Write the hours as a number, such as 4.")),
    "keep": (int, N_("Write how many to keep as a whole number, such as 10.")),
}


def number_of(field: str, text: str) -> float:
    """Return the number that was typed into a field; raise SettingInvalid where it is none."""
    read, sentence = _NUMBERS[field]
    try:
        return read(text.strip().replace(",", "."))
    except ValueError as error:
        raise SettingInvalid(_(sentence), field=field) from error


def shown(preferences: Preferences) -> dict[str, Any]:
    """Return what stands in the fields of the form for these preferences."""
    values = {**asdict(preferences), "frequency_hours": f"{preferences.frequency_hours:g}"}
    return {**values, "extras": "\n".join(preferences.extras)}


def typed(form: Mapping[str, str], before: Preferences) -> tuple[Preferences, dict[str, SettingInvalid]]:
    """Return the preferences that were typed, and what is wrong with numbers that are none: those stay as before."""
    values: dict[str, Any] = {name: form.get(name, "").strip() for name in _TEXTS}
    values |= {name: form.get(name, getattr(before, name)) for name in _CHOICES}
    values |= {name: name in form for name in _SWITCHES}
    values["extras"] = tuple(line.strip() for line in form.get("extras", "").splitlines() if line.strip())
    unreadable = {}
    for field in _NUMBERS:
        try:
            values[field] = number_of(field, form.get(field, ""))
        except SettingInvalid as error:
            unreadable[field] = error
    return replace(before, **values), unreadable
