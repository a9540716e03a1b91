"""The steps: whose records, the habits, and the start; how DocAssist is started has a module of its own."""

from dataclasses import replace
from pathlib import Path

from flask import render_template, request
from werkzeug.wrappers import Response

from backup_core.clinics import Finding, look_at
from backup_core.drives import Kind, drives
from backup_core.emrswitch import backs_up_by_itself, holders_of
from backup_core.errors import SettingInvalid
from backup_core.settings import Preferences, Settings, faults
from backup_core.text import _
from webadmin.away import go_to

from .bp import bp, to
from .guide import Plan
from .office import Draft, Purpose, key_of, named, office

#: What the folder of the backups is called on another drive.
ELSEWHERE = "DocAssist Backups"


@bp.get("/")
def index() -> Response:
    """Go to the first step that was not taken."""
    draft = office().draft
    steps = ((draft.data_dir, "welcome"), (draft.has_command, "docassist"), (draft.has_habits, "habits"))
    return to(next((step for is_taken, step in steps if not is_taken), "summary"))


@bp.get("/welcome")
def welcome() -> str:
    """Say what this is, and show which clinics there are on this PC."""
    return render_template("setup/welcome.html", findings=office().guide.findings(), key_of=key_of)


@bp.get("/found")
def found() -> str:
    """Show again which clinics there are."""
    return render_template("setup/found.html", findings=office().guide.findings(), key_of=key_of)


@bp.post("/look-again")
def look_again() -> Response:
    """Look for clinics anew."""
    office().guide.look_again()
    return to("welcome")


@bp.post("/records")
def records() -> Response:
    """Take one of the clinics that were found."""
    folders = [one.clinic.folder for one in office().guide.findings().found]
    chosen = named(request.form.get("clinic", ""), folders)
    if chosen is None:
        raise SettingInvalid(_("This folder is not in the list any more."), field="clinic", hint=_("Look again."))
    take_records(chosen)
    return to("docassist")


@bp.get("/habits")
def habits() -> str | Response:
    """Ask what happens at login, where the backups go, and about DocAssist's own."""
    draft = office().draft
    if draft.data_dir is None:
        return to("welcome")
    return render_template(
        "setup/habits.html",
        draft=draft,
        own=draft.data_dir / "backups",
        places=_backup_places(draft, draft.data_dir),
        key_of=key_of,
        doubled=backs_up_by_itself(draft.data_dir),
        holders=holders_of(draft.data_dir, draft.emr_command),
    )


@bp.post("/habits")
def choose_habits() -> str | Response:
    """Take the answers."""
    draft = office().draft
    if draft.data_dir is None:
        return to("welcome")
    ticked = {name: name in request.form for name in ("at_login", "silence")}
    chosen = named(request.form.get("backups", ""), [path for path, _drive in _backup_places(draft, draft.data_dir)])
    office().decide(**ticked, backup_dir=chosen, has_habits="choose" not in request.form)
    if "choose" in request.form:
        office().choose_at(Purpose.BACKUPS, None)
        return to("choose")
    return to("summary")


@bp.get("/summary")
def summary() -> str | Response:
    """Show all that was decided."""
    draft = office().draft
    if draft.data_dir is None or not (draft.has_command and draft.has_habits):
        return to("index")
    return render_template(
        "setup/summary.html",
        draft=draft,
        clinic=look_at(draft.data_dir),
        backups=draft.backup_dir or draft.data_dir / "backups",
        silence=draft.silence and backs_up_by_itself(draft.data_dir),
    )


@bp.post("/start")
def start() -> str | Response:
    """Carry it out, and let the browser go to the page of the launcher."""
    draft = office().draft
    if draft.data_dir is None:
        return to("welcome")
    silence = draft.silence and backs_up_by_itself(draft.data_dir)
    office().guide.finish(
        Plan(draft.data_dir, draft.emr_command, draft.emr_dir, draft.backup_dir, draft.at_login, silence)
    )
    return go_to("/")


def take_records(folder: Path) -> None:
    """Take the clinic in `folder`; raise SettingInvalid where there is none."""
    finding = look_at(folder).finding
    if finding is Finding.NONE:
        raise SettingInvalid(
            _("There are no records of DocAssist in this folder: it has no clinic.db."),
            field="data_dir",
            hint=_("Choose the folder in which clinic.db lies."),
        )
    if finding is Finding.FOREIGN:
        raise SettingInvalid(
            _("The clinic.db in this folder was made by another program: it has no list of patients."),
            field="data_dir",
            hint=_("Choose another folder."),
        )
    before = Settings(folder).read()
    office().decide(
        data_dir=folder,
        emr_command=before.emr_command,
        emr_dir=before.emr_dir,
        backup_dir=Path(before.backup_dir) if before.backup_dir else None,
        has_command=False,
        has_habits=False,
    )


def _backup_places(draft: Draft, data_dir: Path) -> list[tuple[Path, bool]]:
    """Return the folders beside the usual one where backups can go, and whether each can be unplugged."""
    found = [(drive.path / ELSEWHERE, drive.kind is Kind.STICK) for drive in drives(apart_from=[data_dir])]
    chosen = draft.backup_dir
    if chosen is not None and chosen not in [path for path, _drive in found]:
        found.insert(0, (chosen, False))
    return [
        (path, is_plugged)
        for path, is_plugged in found
        if not faults(replace(Preferences(), backup_dir=str(path)), data_dir)
    ]
