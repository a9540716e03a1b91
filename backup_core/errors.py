"""The error tree: what can go wrong, as a sentence for the clinic and facts for a program.

BackupError
├── SourceMissing        no data folder, or no clinic.db in it
├── SnapshotFailed       the live data could not be read as one instant
│   └── SourceDamaged    ... because a database in it is damaged
├── ArchiveUnusable      an archive is damaged, foreign, or of a newer format
├── UnknownArchive       no archive of that name
├── RepositoryUnusable   the backup folder is gone or cannot be written
│   └── RepositoryFull   ... because the disk is full
├── RepositoryLocked     another operation holds the data folder or the repository for too long
├── Busy                 this launcher already runs an operation
├── Cancelled            the user stopped the operation before it changed anything
├── EmrRunning           a program has the data open
├── OtherClinic          the archive looks like another clinic's records
├── NewerData            the archive was made by a newer EMR, and nobody has said that this is meant
├── NothingToUndo        no restore that could be undone
├── RestoreFailed        the swap failed; `rolled_back` says whether today's data is as it was
├── CopyFailed           an archive could not be copied to another drive
├── SettingInvalid       a preference that cannot be accepted
└── LauncherNotRunning   there is no page to open
"""

from typing import ClassVar

from backup_core.text import _

Fact = str | int | float | bool | None


class BackupError(Exception):
    """Something that the user should be told, with what to do next.

    `str(error)` is one sentence, `hint` another; `code` is stable and `facts` are the typed values in the sentence,
    for history, `--json` and translations. Paths and causes go to the log.
    """

    code: ClassVar[str] = "failed"

    def __init__(self, sentence: str, *, hint: str = "", **facts: Fact) -> None:
        super().__init__(sentence)
        self.hint = hint
        self.facts = facts


class SourceMissing(BackupError):
    """There is nothing to back up where the data should be."""

    code = "source-missing"


class SnapshotFailed(BackupError):
    """The live data could not be copied as one instant."""

    code = "snapshot-failed"


class SourceDamaged(SnapshotFailed):
    """A live database is damaged; `source` names it."""

    code = "source-damaged"

    def __init__(self, source: str, problem: str) -> None:
        super().__init__(
            _("%(source)s is damaged: %(problem)s.", source=source, problem=problem),
            hint=_("Older backups are kept. Restore the newest good one, or ask for help before you go on."),
            source=source,
        )


class ArchiveUnusable(BackupError):
    """The archive is damaged, is no backup of ours, or needs a newer version."""

    code = "archive-unusable"


class UnknownArchive(BackupError):
    """There is no archive of that name in the repository."""

    code = "unknown-archive"


class RepositoryUnusable(BackupError):
    """The backup folder is gone, or cannot be read or written."""

    code = "repository-unusable"


class RepositoryFull(RepositoryUnusable):
    """The disk has no room for the operation."""

    code = "disk-full"


class RepositoryLocked(BackupError):
    """Another process has held the data folder or the repository for longer than the caller would wait."""

    code = "locked"


class Busy(BackupError):
    """Another operation of this launcher is running."""

    code = "busy"


class Cancelled(BackupError):
    """The user has stopped the operation, and everything is as it was before, unless `sentence` tells otherwise."""

    code = "cancelled"

    def __init__(self, sentence: str = "") -> None:
        super().__init__(sentence or _("It was cancelled, and nothing was changed."))


class EmrRunning(BackupError):
    """A program has the data open, so that it cannot be replaced."""

    code = "emr-running"


class OtherClinic(BackupError):
    """The archive looks like another clinic's records, and nobody has said that this is meant."""

    code = "other-clinic"


class NewerData(BackupError):
    """The archive was made by a newer version of the EMR, and nobody has said that this is meant."""

    code = "newer-data"


class NothingToUndo(BackupError):
    """No restore was made that could be undone."""

    code = "nothing-to-undo"


class RestoreFailed(BackupError):
    """The restore did not happen; `rolled_back` is True where today's data is as it was before."""

    code = "restore-failed"

    def __init__(self, sentence: str, *, rolled_back: bool = False, hint: str = "", **facts: Fact) -> None:
        super().__init__(sentence, hint=hint, rolled_back=rolled_back, **facts)
        self.rolled_back = rolled_back


class CopyFailed(BackupError):
    """An archive could not be copied to another drive, or the drive did not keep it."""

    code = "copy-failed"


class SettingInvalid(BackupError):
    """A preference was given a value that cannot be accepted; `field` names it."""

    code = "setting-invalid"

    def __init__(self, sentence: str, *, field: str, hint: str = "", **facts: Fact) -> None:
        super().__init__(sentence, hint=hint, field=field, **facts)
        self.field = field


class LauncherNotRunning(BackupError):
    """No launcher is running for the data folder, so there is no page to open."""

    code = "launcher-not-running"
