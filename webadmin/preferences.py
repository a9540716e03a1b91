"""The Preferences page: every field has its sentence, and nothing is saved half."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from backup_core.errors import SettingInvalid
from backup_core.settings import Preferences, faults

from .parts import parts

bp = Blueprint("preferences", __name__)


#: In the order in which they stand on the page.
FIELDS = ("frequency_hours", "keep", "backup_dir", "extras", "emr_command", "emr_dir")


def _hours(text: str) -> float:
    """Return the hours that were typed, a whole number as such, so that it is shown as it was written."""
    hours = float(text)
    return int(hours) if hours.is_integer() else hours


_NUMBERS: Mapping[str, tuple[Callable[[str], float], str]] = {
    "frequency_hours": (_hours, "Write the hours as a number, such as 4."),
    "keep": (int, "Write how many to keep as a whole number, such as 10."),
}


@bp.get("/preferences")
def index() -> str:
    """Show the preferences."""
    values = asdict(parts().settings.read())
    shown = {"frequency_hours": f"{values['frequency_hours']:g}", "extras": "\n".join(values["extras"])}
    return _page({**values, **shown})


@bp.post("/preferences")
def save() -> Response | tuple[str, int]:
    """Save the preferences, all of them or none; show what was typed again, with a sentence beside each fault."""
    preferences, unreadable = _typed(request.form)
    found = {**faults(preferences, parts().engine.data_dir), **unreadable}
    wrong = {field: found[field] for field in FIELDS if field in found}
    if wrong:
        return _page(request.form, wrong), 422
    parts().settings.save(preferences)
    parts().desk.preferences_changed()
    return redirect(url_for("preferences.index", saved="yes"), 303)


def _page(values: Mapping[str, object], wrong: Mapping[str, SettingInvalid] | None = None) -> str:
    return render_template(
        "preferences/index.html",
        values=values,
        wrong=wrong or {},
        problems=parts().settings.problems,
        saved="saved" in request.args,
        backup_dir=parts().engine.backup_dir,
        data_dir=parts().engine.data_dir,
    )


def _typed(form: Mapping[str, str]) -> tuple[Preferences, dict[str, SettingInvalid]]:
    """Return the preferences that were typed, and what is wrong with numbers that are none: those stay as before."""
    typed: dict[str, Any] = {name: form.get(name, "").strip() for name in ("emr_command", "emr_dir", "backup_dir")}
    typed["extras"] = tuple(line.strip() for line in form.get("extras", "").splitlines() if line.strip())
    unreadable = {}
    for name, (read, sentence) in _NUMBERS.items():
        try:
            typed[name] = read(form.get(name, "").strip().replace(",", "."))
        except ValueError:
            unreadable[name] = SettingInvalid(sentence, field=name)
    return replace(parts().settings.read(), **typed), unreadable
