"""The Preferences page: every field has its sentence, and nothing is saved half."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from backup_core.engine import BackupEngine
from backup_core.errors import BackupError, SettingInvalid
from backup_core.files import free_space
from backup_core.preferences import STARTUP_RULES, THEMES
from backup_core.settings import Preferences, faults

from .advice import missing_extras, on_hours, on_keeping
from .choices import FIELDS, number_of, shown, typed
from .parts import parts
from .relocation import earlier

bp = Blueprint("preferences", __name__)


@bp.get("/preferences")
def index() -> str:
    """Show the preferences."""
    return _page(shown(parts().settings.read()))


@bp.post("/preferences")
def save() -> Response | tuple[str, int]:
    """Save the preferences, all of them or none; show what was typed again, with a sentence beside each fault."""
    before = parts().settings.read()
    chosen, unreadable = typed(request.form, before)
    found: dict[str, BackupError] = {**faults(chosen, parts().engine.data_dir), **unreadable}
    wrong = {field: found[field] for field in FIELDS if field in found}
    if not wrong:
        wrong = _save(before, chosen)
    if wrong:
        return _page({**request.form.to_dict(), "older_dirs": before.older_dirs}, wrong), 422
    return redirect(url_for("preferences.index", saved="yes"), 303)


@bp.get("/preferences/advice/<field>")
def advice(field: str) -> str:
    """Show beside a field what is worth knowing of what stands in it, before it is saved."""
    try:
        value = number_of("keep" if field == "keep" else "frequency_hours", request.args.get(field, ""))
    except SettingInvalid:
        return ""
    told = on_keeping(int(value), parts().engine) if field == "keep" else on_hours(value)
    return render_template("preferences/advice.html", advice=told)


def _save(before: Preferences, chosen: Preferences) -> dict[str, BackupError]:
    """Save the preferences and what goes with them, or nothing; return what is wrong, by field."""
    desk, settings = parts().desk, parts().settings
    chosen = _with_earlier(before, chosen)
    old, new = _backup_dir(before), _backup_dir(chosen)
    if old != new:
        try:
            BackupEngine(parts().engine.data_dir, new).keeper.take_over(old)
        except BackupError as error:
            return {"backup_dir": error}
    was_on, wanted = desk.starts_at_login(), "at_login" in request.form
    is_turned = was_on is not None and was_on != wanted
    if is_turned:
        try:
            desk.start_at_login(on=wanted)
        except BackupError as error:
            return {"at_login": error}
    try:
        settings.save(chosen)
    except BackupError:
        if is_turned:
            desk.start_at_login(on=not wanted)
        raise
    desk.preferences_changed()
    return {}


def _with_earlier(before: Preferences, chosen: Preferences) -> Preferences:
    """Return the preferences with the backup folder of before among the earlier ones, if there are backups in it."""
    old, new = _backup_dir(before), _backup_dir(chosen)
    folders = [*before.older_dirs]
    if old != new and old.is_dir() and BackupEngine(parts().engine.data_dir, old).archives():
        folders.insert(0, str(old))
    return replace(chosen, older_dirs=tuple(dict.fromkeys(folder for folder in folders if Path(folder) != new)))


def _backup_dir(preferences: Preferences) -> Path:
    chosen = preferences.backup_dir
    return Path(chosen) if chosen else parts().engine.data_dir / "backups"


def _page(values: Mapping[str, object], wrong: Mapping[str, BackupError] | None = None) -> str:
    engine, settings, wrong = parts().engine, parts().settings, wrong or {}
    preferences = settings.read()
    return render_template(
        "preferences/index.html",
        values=values,
        wrong=wrong,
        problems=settings.problems,
        saved="saved" in request.args,
        backup_dir=engine.backup_dir,
        data_dir=engine.data_dir,
        free=free_space(engine.backup_dir),
        startup_rules=STARTUP_RULES,
        themes=THEMES,
        at_login="at_login" in values if wrong else parts().desk.starts_at_login(),
        can_start_at_login=parts().desk.starts_at_login() is not None,
        hours_advice=on_hours(preferences.frequency_hours),
        keep_advice=on_keeping(preferences.keep, engine),
        missing=missing_extras(preferences.extras, engine),
        earlier=earlier(),
        job=parts().jobs.current() or parts().jobs.last(),
    )
