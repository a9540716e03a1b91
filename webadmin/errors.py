"""What the page itself refuses, beside the errors of the engine."""

from backup_core.errors import BackupError


class Refused(BackupError):
    """The request carries no key, or a spent one."""

    code = "refused"


class Forbidden(Refused):
    """The request comes from another page or was sent to another address: a key would not help."""

    code = "forbidden"


class NotConfirmed(BackupError):
    """A step that replaces or deletes records was asked for without the tick in words."""

    code = "not-confirmed"
