"""The small list of folders: where one can begin, what lies in a folder, up and down by clicking."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from backup_core.clinics import look_at
from backup_core.errors import ArchiveUnusable, SettingInvalid
from backup_core.listing import State, look
from backup_core.settings import Preferences, faults
from backup_core.text import _

from .bp import bp
from .office import Chooser, Purpose, beginnings, key_of, listing, named, office
from .steps import ELSEWHERE, take_records

#: The page on which each choice is taken up.
_PAGES = {
    Purpose.RECORDS: "setup.docassist",
    Purpose.BACKUPS: "setup.habits",
    Purpose.ARCHIVE: "setup.new_pc",
    Purpose.HOME: "setup.new_pc",
}
_BACK = _PAGES | {Purpose.RECORDS: "setup.welcome"}
#: What the folder of the records is called where one is made for them.
RECORDS = "DocAssist Data"


@bp.post("/choose/<any(records, backups, archive, home):purpose>")
def begin(purpose: str) -> Response:
    """Open the list of folders for a purpose."""
    office().choose_at(Purpose(purpose), None)
    return redirect(url_for("setup.choose"), 303)


@bp.get("/choose")
def choose() -> str | Response:
    """Show where one can begin, or what lies in the folder that is open."""
    chooser = office().chooser
    if chooser is None:
        return redirect(url_for("setup.index"), 303)
    homes, drives = beginnings()
    return render_template(
        "setup/choose.html",
        purpose=chooser.purpose,
        listing=listing(chooser),
        homes=homes,
        drives=drives,
        key_of=key_of,
        back=_BACK[chooser.purpose],
        target=_home_in(chooser.at) if chooser.at and chooser.purpose is Purpose.HOME else None,
    )


@bp.post("/open")
def open_folder() -> Response:
    """Go into a folder that the list shows, up, or back to where one can begin."""
    chooser = _chooser()
    at = _reachable(chooser, request.form.get("folder", "")) if "folder" in request.form else None
    office().choose_at(chooser.purpose, at)
    return redirect(url_for("setup.choose"), 303)


@bp.post("/take")
def take() -> Response:
    """Take the folder that is open, or a file in it."""
    chooser = _chooser()
    if chooser.at is None:
        return redirect(url_for("setup.choose"), 303)
    match chooser.purpose:
        case Purpose.RECORDS:
            take_records(chooser.at)
        case Purpose.BACKUPS:
            office().decide(backup_dir=_backups_in(chooser.at))
        case Purpose.HOME:
            office().decide(home=_home_in(chooser.at))
        case Purpose.ARCHIVE:
            shown = listing(chooser)
            take_archive(request.form.get("file", ""), [entry.path for entry in shown.files] if shown else [])
    return redirect(url_for(_PAGES[chooser.purpose]), 303)


def _chooser() -> Chooser:
    chooser = office().chooser
    if chooser is None:
        raise SettingInvalid(_("No list of folders is open."), field="folder", hint=_("Go back and choose again."))
    return chooser


def _reachable(chooser: Chooser, key: str) -> Path:
    """Return the folder that `key` names among those one click away; raise SettingInvalid for any other."""
    paths = [place.path for places in beginnings() for place in places]
    shown = listing(chooser)
    if shown is not None:
        paths += [entry.path for entry in shown.folders] + ([shown.parent] if shown.parent else [])
    path = named(key, paths)
    if path is None:
        raise SettingInvalid(
            _("This folder is not there any more."), field="folder", hint=_("Go back and choose another one.")
        )
    return path


def take_archive(key: str, shown: Sequence[Path]) -> None:
    """Take the backup that `key` names among those that were shown; raise BackupError for what is none."""
    path = named(key, shown)
    try:
        archive = look(path) if path else None
    except OSError:
        archive = None
    if archive is None:
        raise SettingInvalid(_("This file is not there any more."), field="file", hint=_("Choose another one."))
    if archive.state is State.ENCRYPTED:
        raise ArchiveUnusable(
            _("This backup was locked by DocAssist, and only DocAssist can open it."), hint=_("Choose another backup.")
        )
    if archive.state is State.NEWER:
        raise ArchiveUnusable(archive.problem)
    if not archive.is_good or archive.manifest is None:
        raise ArchiveUnusable(
            _("This ZIP is no backup of DocAssist, or it is damaged."), hint=_("Choose another backup.")
        )
    office().decide(archive=archive, is_checked=False)


def _backups_in(folder: Path) -> Path:
    """Return the folder for the backups in the one that was chosen; raise SettingInvalid where it cannot be."""
    data_dir = office().draft.data_dir
    chosen = folder if folder.name == ELSEWHERE or folder.name == "backups" else folder / ELSEWHERE
    if data_dir is not None:
        for fault in faults(replace(Preferences(), backup_dir=str(chosen)), data_dir).values():
            raise fault
    return chosen


def _home_in(folder: Path) -> Path:
    """Return the folder for the records in the one that was chosen: that itself where it is one for records."""
    is_home = folder.name == RECORDS or look_at(folder).patients is not None or _is_bare(folder)
    return folder if is_home else office().guide.home_in(folder) or folder / RECORDS


def _is_bare(folder: Path) -> bool:
    try:
        return not any(folder.iterdir())
    except OSError:
        return False
