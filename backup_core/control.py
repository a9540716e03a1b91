"""Control: how the command line finds the launcher that runs, and what it may ask of it."""

import hashlib
import http.client
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from .errors import LauncherNotRunning
from .files import private_folder, write_atomically
from .places import state_folder
from .text import _

#: Seconds in which a launcher that is alive has answered.
PATIENCE = 5.0


@dataclass(frozen=True)
class Control:
    """Where a running launcher listens on 127.0.0.1, and the key of this run for a ticket and the status."""

    port: int
    pid: int
    key: str = field(repr=False)


def control_path(data_dir: Path) -> Path:
    """Return where the launcher of a data folder leaves its control file: a folder that only this user can read."""
    name = hashlib.sha256(os.path.normcase(data_dir.resolve()).encode(errors="surrogateescape")).hexdigest()[:32]
    return state_folder() / "launchers" / f"{name}.json"


def write(data_dir: Path, control: Control) -> Path:
    """Leave the control file of this launcher and return its path; raise OSError where the disk refuses."""
    path = control_path(data_dir)
    private_folder(path.parent)
    write_atomically(path, json.dumps(asdict(control)).encode())
    return path


def read(data_dir: Path) -> Control | None:
    """Return the control file of the launcher that looks after a data folder; None where none runs."""
    try:
        document = json.loads(control_path(data_dir).read_bytes())
        control = Control(port=int(document["port"]), pid=int(document["pid"]), key=str(document["key"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return control if psutil.pid_exists(control.pid) else None


def remove(data_dir: Path) -> None:
    """Take the control file away, if it is there."""
    control_path(data_dir).unlink(missing_ok=True)


def ask_ticket(control: Control) -> str:
    """Return a one-time ticket for the page; raise LauncherNotRunning where the launcher gives none."""
    connection = http.client.HTTPConnection("127.0.0.1", control.port, timeout=PATIENCE)
    try:
        connection.request("POST", "/control/ticket", headers={"Authorization": f"Bearer {control.key}"})
        answer = connection.getresponse()
        return str(json.loads(answer.read())["ticket"])
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        raise not_running() from error
    finally:
        connection.close()


def page_address(control: Control, ticket: str, path: str = "/") -> str:
    """Return the address that opens the page at `path`: the fragment stays in the browser."""
    return f"http://127.0.0.1:{control.port}{path}#t={ticket}"


def not_running() -> LauncherNotRunning:
    """Return the error for a page that nobody serves."""
    return LauncherNotRunning(
        _("DocAssist Backup is not running for this data folder."),
        hint=_("Start it with docassist-tray, then try again."),
    )
