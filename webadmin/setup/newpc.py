"""A new PC: a backup from a USB stick is checked, and its records are put into a folder that has none yet."""

import contextlib
from pathlib import Path

import platformdirs
from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from backup_core import archive as archives
from backup_core.clinics import look_at
from backup_core.engine import BackupEngine
from backup_core.errors import BackupError, SettingInvalid
from backup_core.files import private_folder, translating
from backup_core.folders import list_folder, plugged
from backup_core.listing import Archive, is_archive_name, look
from backup_core.progress import OnProgress
from backup_core.restore import Restored
from backup_core.text import _
from webadmin.parts import parts

from .bp import bp
from .folders import RECORDS, take_archive
from .office import Draft, key_of, named, office

#: How many backups are offered without a walk through the folders.
_OFFERED = 5


@bp.get("/new-pc")
def new_pc() -> str:
    """Ask for the backup, and for the folder in which its records will lie."""
    draft = office().draft
    offered = [] if draft.archive else on_sticks()
    return render_template("setup/new_pc.html", draft=draft, homes=_homes(draft), offered=offered, key_of=key_of)


@bp.post("/new-pc/offered")
def take_offered() -> Response:
    """Take one of the backups that lie on a drive that is plugged in."""
    take_archive(request.form.get("file", ""), [archive.path for archive in on_sticks()])
    return redirect(url_for("setup.new_pc"), 303)


@bp.post("/new-pc")
def bring_back() -> Response:
    """Check the backup, then put its records into the folder."""
    draft = office().draft
    home = named(request.form.get("home", ""), _homes(draft))
    if draft.archive is None or home is None:
        raise SettingInvalid(_("Nothing was changed."), field="home", hint=_("Choose a backup and a folder first."))
    office().decide(home=home)
    _refuse_records(home)
    archive, decide = draft.archive, office().decide

    def work(on_progress: OnProgress) -> Restored:
        archives.verify(archive.path, on_progress)
        # That took a while, in which DocAssist may have been opened there.
        _refuse_records(home)
        with translating(BackupError, _("The folder could not be made"), hint=_("Choose another folder.")):
            private_folder(home)
        restored = BackupEngine(home).restore(archive, on_progress=on_progress)
        decide(data_dir=home, has_command=False, has_habits=False)
        return restored

    job = parts().jobs.start("restore", work)
    return redirect(url_for("setup.bringing", job_id=job.id), 303)


@bp.get("/new-pc/<job_id>")
def bringing(job_id: str) -> str | Response:
    """Show how far it is, or what came of it."""
    job = parts().jobs.get(job_id)
    if job is None:
        return redirect(url_for("setup.new_pc"), 303)
    return render_template("setup/bringing.html", job=job, draft=office().draft)


def on_sticks() -> list[Archive]:
    """Return the newest good backups at the top of the drives that are plugged in, or one folder down."""
    tops = [list_folder(place.path, is_archive_name) for place in plugged()]
    below = [list_folder(entry.path, is_archive_name) for top in tops for entry in top.folders]
    paths = [entry.path for listing in (*tops, *below) for entry in listing.files]
    newest = sorted(paths, key=lambda path: path.name, reverse=True)[:_OFFERED]
    found = []
    for path in newest:
        # A stick may be pulled out at any time.
        with contextlib.suppress(OSError):
            found.append(look(path))
    return [archive for archive in found if archive.is_good and archive.manifest is not None]


def _refuse_records(home: Path) -> None:
    """Raise SettingInvalid where a folder holds patients, or what may be some."""
    if not look_at(home).is_empty:
        raise SettingInvalid(
            _("There are records in this folder already, so nothing was put there."),
            field="home",
            hint=_("Choose this folder as the one to protect, and restore the backup on the page that follows."),
        )


def _homes(draft: Draft) -> list[Path]:
    """Return the folders that are offered for the records: the chosen one, those beside a DocAssist, and our own."""
    guide = office().guide
    beside = [found.clinic.folder for found in guide.findings().found if found.clinic.is_empty]
    beside += [home for home in guide.homes() if look_at(home).is_empty]
    usual = Path(platformdirs.user_documents_dir()) / RECORDS
    return list(dict.fromkeys([*([draft.home] if draft.home else []), *beside, usual]))
