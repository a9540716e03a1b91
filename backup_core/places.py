"""Places: which data folder is meant, and where this user's own files lie outside of it."""

import os
from collections.abc import Mapping
from pathlib import Path

import platformdirs

from .errors import BackupError
from .files import private_folder, translating, write_atomically
from .text import _

APP_NAME = "DocAssist Backup"
DATA_DIR_VARIABLE = "DOCASSIST_DATA_DIR"


def state_folder() -> Path:
    """Return the folder of this user for the log and for what a running launcher leaves; it need not be there."""
    return platformdirs.user_state_path(APP_NAME, appauthor=False)


def resolve_data_dir(argument: str | Path | None, environ: Mapping[str, str]) -> Path:
    """Return the data folder that is meant, an absolute path: argument, environment, saved choice, else `./data`."""
    chosen = argument or environ.get(DATA_DIR_VARIABLE) or saved_data_dir() or "data"
    return Path(chosen).expanduser().absolute()


def is_data_dir_known(argument: str | Path | None, environ: Mapping[str, str]) -> bool:
    """Return whether anybody has said where the data is; `./data` says it only where there is a clinic in it."""
    return bool(argument or environ.get(DATA_DIR_VARIABLE) or saved_data_dir()) or Path("data/clinic.db").is_file()


def setup_folder() -> Path:
    """Return what stands for the data folder, in the note of where the page is, as long as none was chosen."""
    return state_folder() / "set-up"


def saved_data_dir() -> Path | None:
    """Return the data folder that the user chose at set-up, or None."""
    try:
        saved = os.fsdecode(_choice().read_bytes()).strip()
    except OSError:
        return None
    return Path(saved) if "\0" not in saved and Path(saved).is_absolute() else None


def save_data_dir(path: Path) -> None:
    """Keep `path` as the data folder for the next start; raise BackupError where the disk refuses."""
    with translating(BackupError, _("The choice of the data folder could not be saved")):
        private_folder(_choice().parent)
        write_atomically(_choice(), os.fsencode(path.absolute()) + b"\n")


def _choice() -> Path:
    return platformdirs.user_config_path(APP_NAME, appauthor=False) / "data-folder"
