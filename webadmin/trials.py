"""What the Preferences try out before anything is saved: a folder, and the command of DocAssist."""

from pathlib import Path

from flask import Blueprint, render_template, request

from backup_core.emrcommand import find_program
from backup_core.errors import SettingInvalid
from backup_core.foldertest import try_folder
from backup_core.settings import Preferences, faults

from .parts import parts

bp = Blueprint("trials", __name__)


@bp.post("/preferences/try/folder")
def folder() -> str:
    """Write, read, rename and delete a file in the backup folder that was typed, and show what came of it."""
    typed = request.form.get("backup_dir", "").strip()
    fault = _fault("backup_dir", Preferences(backup_dir=typed))
    place = Path(typed) if typed else parts().engine.data_dir / "backups"
    found = None if fault else try_folder(place)
    return render_template("preferences/folder.html", place=place, fault=fault, found=found)


@bp.post("/preferences/try/command")
def command() -> str:
    """Look for the program that the command which was typed would start; it is not started."""
    typed = Preferences(
        emr_command=request.form.get("emr_command", "").strip(), emr_dir=request.form.get("emr_dir", "").strip()
    )
    fault = _fault("emr_command", typed) or _fault("emr_dir", typed)
    found = None if fault else find_program(typed.emr_command, typed.emr_dir)
    return render_template("preferences/command.html", fault=fault, found=found)


def _fault(field: str, preferences: Preferences) -> SettingInvalid | None:
    return faults(preferences, parts().engine.data_dir).get(field)
