"""Settings: the preferences of a data folder."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Preferences:
    """What the user can choose."""

    #: Hours between two backups while the launcher runs.
    frequency_hours: float = 4
    #: How many of the newest archives are kept.
    keep: int = 10
    #: The command that starts DocAssist, as one would type it; "" where it is not known.
    emr_command: str = ""
    #: The folder in which DocAssist is started; "" for that of its program.
    emr_dir: str = ""
    #: Where the archives lie; "" for `backups` inside the data folder.
    backup_dir: str = ""
    #: More files and folders to protect: paths inside the data folder, with `/`.
    extras: tuple[str, ...] = ()
