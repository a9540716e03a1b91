"""What the page itself refuses, beside the errors of the engine."""

from backup_core.errors import BackupError
from backup_core.text import N_

#: What can be done where another launcher looks after the data.
LOOK_ONLY = N_("Backups and restores are made there. Here you can look.")


class Refused(BackupError):
    """The request carries no key, or a spent one."""

    code = "refused"


class Forbidden(Refused):
    """The request comes from another page or was sent to another address: a key would not help."""

    code = "forbidden"


class Locked(BackupError):
    """Nobody has clicked for long, or nobody has given the PIN yet: this part of the page wants to be unlocked."""

    code = "page-locked"


class NotConfirmed(BackupError):
    """A step that replaces or deletes records was asked for without the tick in words."""

    code = "not-confirmed"


class TooLate(BackupError):
    """What should be cancelled can no longer be given up."""

    code = "too-late"


class LookedAfter(BackupError):
    """Another user's or another PC's launcher looks after the data: here it can only be looked at."""

    code = "looked-after"
