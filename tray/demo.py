"""The demo's folder and its EMR: a sample clinic of its own, so that the demo never meets real data."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import platformdirs

from backup_core import children
from backup_core.errors import BackupError, SettingInvalid
from backup_core.files import PRIVATE, own_folder, private_folder
from backup_core.places import APP_NAME, DATA_DIR_VARIABLE
from backup_core.text import _

#: Lies in every folder that the demo has made, and tells a curious reader what the folder is.
NOTE = Path(PRIVATE) / "sample-clinic.txt"
_NOTE_TEXT = "This is a sample clinic with invented patients, made by docassist-tray --demo. You may delete it.\n"
#: Seconds that making the sample clinic may take on a slow computer.
_PATIENCE = 120


def demo_folder(asked: Path | None = None) -> Path:
    """Return the folder of the sample clinic (`asked`, or this user's own), made if needed and marked as the demo's.

    Raise SettingInvalid where the folder holds anything that the demo did not make.
    """
    folder = (asked or platformdirs.user_data_path(APP_NAME, appauthor=False) / "demo").absolute()
    if folder.exists() and not is_sample(folder) and (not folder.is_dir() or any(folder.iterdir())):
        raise SettingInvalid(
            _("The demo does not use %(folder)s, because there is something in it already.", folder=folder),
            field="data-dir",
            hint=_("Choose an empty folder for the demo, or leave --data-dir out."),
        )
    own_folder(private_folder(folder))
    (folder / NOTE).write_text(_NOTE_TEXT, encoding="utf-8")
    return folder


def is_sample(data_dir: Path) -> bool:
    """Return whether a data folder is the demo's."""
    return (data_dir / NOTE).is_file()


def standin_command() -> str:
    """Return the command of a stand-in that ends with this process, as a user would write it; run it in ROOT."""
    words = [*children.command("backup_core.standin"), str(os.getpid())]
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def fill(folder: Path) -> None:
    """Make the sample clinic in `folder` unless it is there, in a process of its own; raise BackupError on failure."""
    made = subprocess.run(
        children.command("backup_core.samplemaker"),
        cwd=children.ROOT,
        env={**os.environ, DATA_DIR_VARIABLE: str(folder)},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=_PATIENCE,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        reason = (made.stderr.strip().splitlines() or ["no reason was given"])[-1]
        raise BackupError(
            _("The sample clinic could not be made (%(reason)s).", reason=reason),
            hint=_("Delete %(folder)s and try again.", folder=folder),
        )
