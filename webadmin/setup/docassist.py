"""The step that asks how DocAssist is started."""

from dataclasses import replace
from pathlib import Path

from flask import render_template, request
from werkzeug.wrappers import Response

from backup_core.errors import SettingInvalid
from backup_core.settings import Preferences, faults

from .bp import bp, to
from .guide import Program
from .office import Draft, office

Answer = str | Response | tuple[str, int]


@bp.get("/docassist")
def docassist() -> Answer:
    """Ask how DocAssist is started."""
    draft = office().draft
    if draft.data_dir is None:
        return to("welcome")
    return _docassist_page(draft, draft.data_dir)


@bp.post("/docassist")
def choose_program() -> Answer:
    """Take the answer: one of the ways that were found, another one, or none."""
    draft = office().draft
    if draft.data_dir is None:
        return to("welcome")
    way = request.form.get("way", "")
    offered = {str(number): program for number, program in enumerate(_programs(draft, draft.data_dir))}
    offered["other"] = Program(request.form.get("command", "").strip(), request.form.get("folder", "").strip())
    program = offered.get(way, Program("", ""))
    wrong = faults(replace(Preferences(), emr_command=program.command, emr_dir=program.folder), draft.data_dir)
    if wrong:
        typed_draft = replace(draft, emr_command=program.command, emr_dir=program.folder)
        return _docassist_page(typed_draft, draft.data_dir, next(iter(wrong.values()))), 422
    office().decide(emr_command=program.command, emr_dir=program.folder, has_command=True)
    return to("habits")


def _docassist_page(draft: Draft, data_dir: Path, wrong: SettingInvalid | None = None) -> str:
    programs = _programs(office().draft, data_dir)
    way = "none" if not programs or (draft.has_command and not draft.emr_command) else "0"
    return render_template(
        "setup/docassist.html",
        draft=draft,
        programs=programs,
        way="other" if wrong else way,
        wrong=wrong,
        data_dir=data_dir,
    )


def _programs(draft: Draft, data_dir: Path) -> list[Program]:
    """Return the ways to start DocAssist: the one that is in the preferences already, then those that were found."""
    known = [Program(draft.emr_command, draft.emr_dir)] if draft.emr_command else []
    offered = office().guide.programs(data_dir)
    return known + [program for program in offered if program.command != draft.emr_command]
