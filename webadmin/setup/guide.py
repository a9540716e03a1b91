"""What only the launcher can do for the set-up, as the page sees it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from backup_core.clinics import Clinic


@dataclass(frozen=True)
class Program:
    """A way to start DocAssist: the command as one would type it, and the folder to start it in."""

    command: str
    folder: str
    #: Whether it is open now.
    is_open: bool = False


@dataclass(frozen=True)
class Found:
    """A clinic on this PC, and the program that is open on it, if one is."""

    clinic: Clinic
    program: Program | None = None


@dataclass(frozen=True)
class Findings:
    """What was found up to now; `searching` says that there may be more."""

    found: tuple[Found, ...] = ()
    searching: bool = False


@dataclass(frozen=True)
class Plan:
    """What the user has decided."""

    data_dir: Path
    #: "" where the user starts DocAssist without us.
    emr_command: str = ""
    emr_dir: str = ""
    #: None for the folder `backups` inside the data folder.
    backup_dir: Path | None = None
    at_login: bool = True
    #: Whether DocAssist's own automatic backups are turned off.
    silence: bool = False


class Guide(Protocol):
    """The launcher's side of the set-up. Every method may be called from any thread."""

    def findings(self) -> Findings:
        """Return what was found up to now, and begin to look at the first call."""

    def look_again(self) -> None:
        """Begin to look anew."""

    def programs(self, data_dir: Path) -> list[Program]:
        """Return the ways to start DocAssist on this data, the likeliest first."""

    def homes(self) -> list[Path]:
        """Return where the DocAssists that were found up to now look for their records, there or not."""

    def home_in(self, folder: Path) -> Path | None:
        """Return where the DocAssist in `folder` looks for its records; None where there is no DocAssist."""

    def finish(self, plan: Plan) -> None:
        """Carry out the plan; return when the launcher serves this page in our place.

        Raise BackupError, and stay with the set-up, where a step of it is refused.
        """
