"""What only the launcher knows and does, as the page sees it; and the same where there is no launcher."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal, Protocol

from backup_core.due import Hold
from backup_core.engine import BackupEngine
from backup_core.history import Trigger
from backup_core.jobs import Job, JobRunner
from backup_core.progress import OnProgress
from backup_core.restore import Restored

EmrState = Literal["running", "not-running", "unknown"]
#: How long the automatic backups can be paused: for an hour, or until the day ends.
PauseLength = Literal["hour", "tomorrow"]
RestoreWork = Callable[[OnProgress], Restored]


class Desk(Protocol):
    """The launcher's side of the page. Every method may be called from any thread and returns at once."""

    def emr_state(self) -> EmrState:
        """Return whether the EMR is open."""

    def next_due(self) -> datetime | None:
        """Return when the next automatic backup is due (aware UTC), or None if none is planned."""

    def hold(self) -> Hold | None:
        """Return what puts the next automatic backup off; one that waits for the charger comes as soon as it is in."""

    def paused_until(self) -> datetime | None:
        """Return until when the automatic backups are paused (aware UTC), or None if they are not."""

    def pause(self, length: PauseLength) -> None:
        """Pause the automatic backups; the one at closing goes on."""

    def resume(self) -> None:
        """End the pause."""

    def start_emr(self) -> None:
        """Have the EMR started; what fails is told in the notices."""

    def close_emr(self) -> None:
        """Have the EMR asked to close, as its user would; it may refuse, or ask its user first."""

    def back_up_now(self, trigger: Trigger = Trigger.MANUAL) -> Job:
        """Start a backup; raise Busy if something else runs."""

    def restore(self, name: str, *, other_clinic: bool, newer: bool, with_settings: bool) -> Job:
        """Start a restore of the archive of that name: close the EMR, restore, start the EMR again; raise Busy."""

    def undo(self) -> Job:
        """Start going back to before the last restore, in the same way; raise Busy, NothingToUndo."""

    def set_up_again(self) -> None:
        """Have the launcher come to its end and the set-up take its place on this page."""

    def preferences_changed(self) -> None:
        """Take up the preferences that were just saved."""

    def starts_at_login(self) -> bool | None:
        """Return whether the launcher starts at login; None where that is not offered or cannot be told."""

    def start_at_login(self, *, on: bool) -> None:
        """Start at login from now on, or no longer; raise BackupError where the system refuses."""

    def notices(self) -> list[str]:
        """Return the sentences that every page shows at its top."""

    def caretaker(self) -> str:
        """Return who else looks after the data, as a sentence, so that here it can only be looked at; or ""."""


class PlainDesk:
    """A desk over the engine alone: no EMR to close, no plan of backups."""

    def __init__(self, engine: BackupEngine, jobs: JobRunner) -> None:
        self._engine = engine
        self._jobs = jobs

    def emr_state(self) -> EmrState:
        """Return "unknown": nobody watches the EMR."""
        return "unknown"

    def next_due(self) -> datetime | None:
        """Return None: nothing is planned."""
        return None

    def hold(self) -> Hold | None:
        """Return None: nothing is planned."""
        return None

    def paused_until(self) -> datetime | None:
        """Return None: nothing is planned."""
        return None

    def pause(self, length: PauseLength) -> None:
        """Do nothing: nothing is planned."""

    def resume(self) -> None:
        """Do nothing: nothing is planned."""

    def start_emr(self) -> None:
        """Do nothing: nobody knows how to start the EMR."""

    def close_emr(self) -> None:
        """Do nothing: nobody watches the EMR."""

    def back_up_now(self, trigger: Trigger = Trigger.MANUAL) -> Job:
        """Start a backup; raise Busy if something else runs."""
        return self._jobs.start(
            "create", lambda on_progress: self._engine.back_up(trigger, on_progress), trigger=trigger.value
        )

    def restore(self, name: str, *, other_clinic: bool, newer: bool, with_settings: bool) -> Job:
        """Start a restore of the archive of that name; raise UnknownArchive, Busy."""
        archive = self._engine.find(name)

        def work(on_progress: OnProgress) -> Restored:
            return self._engine.restore(
                archive, other_clinic=other_clinic, newer=newer, with_settings=with_settings, on_progress=on_progress
            )

        return self._jobs.start("restore", self.around(work))

    def undo(self) -> Job:
        """Start going back to before the last restore; raise Busy."""
        return self._jobs.start("undo", self.around(lambda on_progress: self._engine.undo(on_progress=on_progress)))

    def around(self, work: RestoreWork) -> RestoreWork:
        """Return what is done for a restore or an undo: `work` itself, with no EMR to close around it."""
        return work

    def set_up_again(self) -> None:
        """Do nothing: there is no launcher whose place the set-up could take."""

    def preferences_changed(self) -> None:
        """Do nothing: no plan depends on the preferences."""

    def starts_at_login(self) -> bool | None:
        """Return None: nothing here can be started at login."""
        return None

    def start_at_login(self, *, on: bool) -> None:
        """Do nothing: nothing here can be started at login."""

    def notices(self) -> list[str]:
        """Return no notices."""
        return []

    def caretaker(self) -> str:
        """Return "": nobody else looks after the data."""
        return ""
