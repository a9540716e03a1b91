"""DocAssist's own automatic backups: whether they are on, and how to turn them off without harm to its settings."""

from pathlib import Path

from .emrsettings import switches_on, without_switches
from .errors import BackupError, EmrRunning
from .files import translating, write_atomically
from .holders import find_holders
from .sources import CHROMA, CLINIC_DB, SETTINGS
from .text import _


def backs_up_by_itself(data_dir: Path) -> bool:
    """Return whether DocAssist's settings say that it makes backups by itself; False where they cannot be read."""
    try:
        return switches_on((data_dir / SETTINGS).read_bytes())
    except (OSError, ValueError):
        return False


def holders_of(data_dir: Path, command: str) -> list[str]:
    """Return the programs that work on the clinic in `data_dir`, or run DocAssist's `command`: see find_holders."""
    return find_holders([data_dir / CLINIC_DB, data_dir / CHROMA], data_dir / CLINIC_DB, command)


def turn_off(data_dir: Path, command: str) -> None:
    """Have DocAssist make no backups by itself from its next start on.

    Raise EmrRunning while it is open, for it would write its own settings over ours; BackupError where the disk
    refuses.
    """
    holders = holders_of(data_dir, command)
    if holders:
        raise EmrRunning(
            _(
                "The data is in use by %(holders)s, so DocAssist's own backups were left on.",
                holders=", ".join(holders),
            ),
            hint=_("Close DocAssist and try again, or leave its own backups on."),
            programs=", ".join(holders),
        )
    path = data_dir / SETTINGS
    with translating(BackupError, _("DocAssist's settings could not be changed")):
        before = path.read_bytes()
        after = without_switches(before)
        if after != before:
            mode = path.stat().st_mode
            write_atomically(path, after)
            path.chmod(mode)
