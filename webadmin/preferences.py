"""The Preferences page: every field has its sentence, and nothing is saved half."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from backup_core.errors import SettingInvalid
from backup_core.settings import Preferences, faults

from .parts import parts

bp = Blueprint("preferences", __name__)


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
    wrong = {**faults(preferences, parts().engine.data_dir), **unreadable}
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
    preferences = replace(
        parts().settings.read(),
        emr_command=form.get("emr_command", "").strip(),
        emr_dir=form.get("emr_dir", "").strip(),
        backup_dir=form.get("backup_dir", "").strip(),
        extras=tuple(line.strip() for line in form.get("extras", "").splitlines() if line.strip()),
    )
    unreadable = {}
    for field, (read, sentence) in _NUMBERS.items():
        try:
            preferences = replace(preferences, **{field: read(form.get(field, "").strip().replace(",", "."))})
        except ValueError:
            unreadable[field] = SettingInvalid(sentence, field=field)
    return preferences, unreadable


_NUMBERS: Mapping[str, tuple[Callable[[str], float], str]] = {
    "frequency_hours": (float, "Write the hours as a number, such as 4."),
    "keep": (int, "Write how many to keep as a whole number, such as 10."),
}
