"""What page, menu and loop can ask of the launcher: backups, and restores with the EMR closed around them."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from backup_core.due import Hold, next_midnight
from backup_core.engine import BackupEngine
from backup_core.errors import BackupError, EmrRunning, RepositoryLocked
from backup_core.history import Run, Trigger
from backup_core.jobs import Job, JobRunner
from backup_core.progress import OnProgress, Progress, Stage
from backup_core.restore import Restored
from backup_core.swap import Swap
from backup_core.text import _
from webadmin.desk import EmrState, PauseLength, PlainDesk, RestoreWork
from webadmin.errors import LOOK_ONLY, LookedAfter

from . import skips
from .atlogin import AtLogin
from .emr import Emr
from .notices import Notices, Topic
from .pause import PauseNote
from .plan import Plan
from .sight import Sight

logger = logging.getLogger(__name__)

#: Seconds for which a snapshot may hold up the start of the EMR.
SNAPSHOT_PATIENCE = 5.0
#: Seconds that the EMR, and the person before it, have to save and close.
CLOSE_PATIENCE = 120.0

_UNTIL_SNAPSHOT = (None, Stage.CHECK, Stage.SNAPSHOT)


class LauncherDesk(PlainDesk):
    """The launcher's side of the page. Every method may be called from any thread."""

    def __init__(
        self,
        engine: BackupEngine,
        jobs: JobRunner,
        plan: Plan,
        sight: Sight,
        emr: Emr,
        notices: Notices,
        on_preferences: Callable[[], None],
        caretaker: Callable[[], str] = str,
        at_login: AtLogin | None = None,
        set_up_again: Callable[[], object] = str,
    ) -> None:
        super().__init__(engine, jobs)
        self._plan = plan
        self._sight = sight
        self._emr = emr
        self._notices = notices
        self._on_preferences = on_preferences
        self._caretaker = caretaker
        self._at_login = at_login or AtLogin(None)
        self._set_up_again = set_up_again
        self._pauses = PauseNote(engine.data_dir, plan.clock)

    def emr_state(self) -> EmrState:
        """Return whether the EMR is open, as far as its command is known."""
        if self._emr.is_running:
            return "running"
        return "not-running" if self._emr.command else "unknown"

    def next_due(self) -> datetime | None:
        """Return when the next automatic backup is due (aware UTC), or None where another launcher makes it."""
        return None if self._caretaker() else self._plan.outlook().at

    def hold(self) -> Hold | None:
        """Return what puts the next automatic backup off."""
        return None if self._caretaker() else self._plan.outlook().hold

    def paused_until(self) -> datetime | None:
        """Return until when the automatic backups are paused (aware UTC), or None if they are not."""
        return self._plan.paused_until()

    def pause(self, length: PauseLength) -> None:
        """Pause the automatic backups, also beyond the end of this launcher."""
        clock = self._plan.clock
        now = clock.now()
        until = now + timedelta(hours=1) if length == "hour" else next_midnight(now, clock.local())
        self._plan.pause(self._pauses.write(until))

    def resume(self) -> None:
        """End the pause."""
        self._pauses.clear()
        self._plan.pause(None)

    def take_up_pause(self) -> None:
        """Go on with the pause that a launcher before this one has noted."""
        self._plan.pause(self._pauses.read())

    def starts_at_login(self) -> bool | None:
        """Return whether the launcher starts at login; None where that is not offered or cannot be told."""
        return self._at_login.is_on()

    def start_at_login(self, *, on: bool) -> None:
        """Start at login from now on, or no longer; raise BackupError where the system refuses."""
        self._at_login.turn(on=on)

    def start_emr(self) -> None:
        """Start the EMR on a thread of its own: it may wait for a snapshot."""
        threading.Thread(target=self.start, args=(Trigger.EMR_START,), name="emr-starter", daemon=True).start()

    def close_emr(self) -> None:
        """Ask the EMR to close on a thread of its own: its user may take a while."""
        threading.Thread(target=self._emr.close, args=(CLOSE_PATIENCE,), name="emr-closer", daemon=True).start()

    def caretaker(self) -> str:
        """Return who else looks after the data, as a sentence, or ""."""
        return self._caretaker()

    def back_up_now(self, trigger: Trigger = Trigger.MANUAL) -> Job:
        """Start a backup; raise Busy if something else runs, LookedAfter where another launcher makes the backups."""
        self._require_care()
        return super().back_up_now(trigger)

    def notices(self) -> list[str]:
        """Return the sentences that every page shows at its top."""
        return self._notices.sentences()

    def set_up_again(self) -> None:
        """Begin the end of the launcher, with the page left open for the set-up."""
        self._set_up_again()

    def preferences_changed(self) -> None:
        """Take up the preferences that were just saved."""
        self._on_preferences()

    def start(self, trigger: Trigger, *, open_emr: bool = True) -> bool:
        """Recover what was cut off, back up if this start calls for it, and start the EMR once the snapshot is taken.

        The EMR waits for the snapshot because an upgrade may change the database in its first second, but for some
        seconds only, also where it is another program that makes a backup. Without `open_emr` it is left to its user
        to open it. Return False where another program is restoring, so that all this should be tried again; what fails
        otherwise is told in the notices. Where another launcher looks after the data, the EMR is opened and
        that is all.
        """
        if self._caretaker():
            return self._open_beside(open_emr=open_emr)
        try:
            self._sweep()
            self._recover()
        except RepositoryLocked as error:
            logger.warning("DocAssist has to wait: %s", error)
            self._notices.put(Topic.EMR, _("%(reason)s DocAssist is started after that.", reason=error))
            return False
        except BackupError as error:
            logger.exception("nothing is started on data that could not be recovered")
            self._notices.put(Topic.RECOVERY, f"{error} {error.hint}")
            return True
        is_open = self._emr.adopt()
        job = self.back_up_at_start(trigger)
        if job and open_emr and self._emr.command and not is_open:
            self._wait_for_snapshot(job)
            if Swap.has_traces(self._engine.data_dir):
                # Another program has begun to restore meanwhile.
                return False
        if open_emr:
            self._open_emr()
        return True

    def back_up_at_start(self, trigger: Trigger) -> Job | None:
        """Begin a backup if a start of the launcher or the EMR calls for one now; return its job."""
        if self._jobs.current() is not None:
            return None
        newest = self._sight.view(self._engine).newest
        wanted = self._plan.start_wanted(newest, self._engine.history.confirmations())
        # A backup of damaged data fails, and names the backup that is to be restored.
        if (not wanted or self._plan.puts_off(trigger)) and not self._engine.damage():
            if not wanted and newest is not None:
                reason = _("This start needed no backup, because there is a recent one.")
                now = self._plan.clock.now()
                skips.record(
                    self._engine.history, trigger, now, code="fresh", reason=reason, cause=f"fresh {newest.name}"
                )
            return None
        return self.back_up_now(trigger)

    def back_up_after_emr(self) -> Job:
        """Begin the backup that follows the end of the EMR; a restore that the EMR has armed is done before it."""

        def work(on_progress: OnProgress) -> Run:
            self._recover()
            return self._engine.back_up(Trigger.EMR_EXIT, on_progress)

        return self._jobs.start("create", work, trigger=Trigger.EMR_EXIT.value)

    def around(self, work: RestoreWork) -> RestoreWork:
        """Return `work` with the EMR closed before it and started again after it, if it was open."""

        self._require_care()

        def closed(on_progress: OnProgress) -> Restored:
            if not self._emr.is_running:
                return work(on_progress)
            on_progress(Progress(Stage.CLOSE_EMR))
            with self._emr.expected_to_end():
                # Reported again and again, so that the wait can be given up on the page.
                if not self._emr.close(CLOSE_PATIENCE, lambda: on_progress(Progress(Stage.CLOSE_EMR))):
                    raise EmrRunning(
                        _("DocAssist did not close, so nothing was changed."),
                        hint=_("Save your work, close DocAssist yourself, then try again."),
                    )
            try:
                return work(on_progress)
            finally:
                on_progress(Progress(Stage.START_EMR))
                self._reopen_emr()

        return closed

    def _require_care(self) -> None:
        """Raise LookedAfter where another launcher looks after the data."""
        sentence = self._caretaker()
        if sentence:
            raise LookedAfter(sentence, hint=_(LOOK_ONLY))

    def _open_beside(self, *, open_emr: bool) -> bool:
        """Start the EMR, unless the launcher that looks after the data is restoring just now: then return False."""
        if Swap.has_traces(self._engine.data_dir):
            return False
        if open_emr:
            self._open_emr()
        return True

    def _reopen_emr(self) -> None:
        try:
            self._recover()
        except BackupError as error:
            logger.exception("DocAssist stays closed, because a restore could not be brought to an end")
            self._notices.put(Topic.RECOVERY, f"{error} {error.hint}")
        else:
            self._open_emr()

    def _open_emr(self) -> None:
        try:
            if self._emr.command:
                self._emr.start()
            self._notices.put(Topic.EMR, "")
        except BackupError as error:
            logger.exception("the EMR was not started")
            self._notices.put(Topic.EMR, f"{error} {error.hint}")

    def _sweep(self) -> None:
        """Remove what a launcher that was killed has left: copies of records should lie nowhere but in backups."""
        try:
            self._engine.sweep()
        except BackupError:
            logger.exception("what a cut-off run has left could not be removed yet")

    def _recover(self) -> None:
        # Recovering waits for whoever works on the data, and nobody should wait for a mere backup.
        if not Swap.has_traces(self._engine.data_dir):
            return
        decided = self._engine.recover()
        if decided:
            logger.warning("recovered: %s", decided)
            self._notices.put(Topic.RECOVERY, decided)

    def _wait_for_snapshot(self, job: Job) -> None:
        deadline = time.monotonic() + SNAPSHOT_PATIENCE
        while job.state == "running" and job.stage in _UNTIL_SNAPSHOT and time.monotonic() < deadline:
            time.sleep(0.02)
            job = self._jobs.get(job.id) or job
