"""What the launcher looks after at each tick: the data folder, what is due, the EMR, the clock."""

import logging
from pathlib import Path

from backup_core import due
from backup_core.due import Hold
from backup_core.engine import BackupEngine
from backup_core.errors import BackupError, Busy
from backup_core.history import Trigger
from backup_core.progress import Stage
from backup_core.rotation import wants_replacement
from backup_core.text import N_, _
from webadmin.formats import day
from webadmin.verdict import is_old

from . import skips
from .hands import Hands
from .loop import TICK
from .news import Cause, News
from .notices import Topic
from .plan import good_at
from .prover import Prover
from .shares import mounts, warning

logger = logging.getLogger(__name__)

#: Seconds for which a data folder may be away, as a network drive is at login, before anybody is alarmed.
FOLDER_PATIENCE = 300.0
#: Seconds for which DocAssist may take to close for a restore before its user, who may sit at another PC, is called.
CLOSING_PATIENCE = 10.0
#: Seconds between two looks for an EMR that was started without us.
_EMR_LOOK = 15.0
#: Seconds for which nothing needs to be looked at where nothing happens.
_REST = 30.0
#: Seconds after which a backup folder that did not take the policy is told it again.
_TEACH_AGAIN = 300.0

_REASONS = {
    Hold.PAUSED: N_("Automatic backups are paused."),
    Hold.BATTERY: N_("The battery is nearly empty, so the backup waits for the charger."),
}


class Rounds:
    """The rounds of one launcher, made by its loop."""

    def __init__(self, hands: Hands, prover: Prover, news: News) -> None:
        """Tell by `news` what cannot wait until somebody looks at the page."""
        self._hands = hands
        self._prover = prover
        self._news = news
        self._missing_since: float | None = None
        self._closing_since: float | None = None
        self._emr_looked = hands.clock.monotonic()
        self._emr_has_ended = False
        self._newest_is_damaged = False
        self._folders: tuple[Path, Path] | None = None
        self._taught: BackupEngine | None = None
        self._teach_after = 0.0

    def emr_ended(self) -> None:
        """Have the next round back up what the EMR has left; from any thread."""
        self._emr_has_ended = True

    def newest_is_damaged(self) -> None:
        """Have the next round see whether to make a backup in the place of the newest, which is no good.

        From any thread.
        """
        self._newest_is_damaged = True

    def make(self) -> None:
        """Back up if something calls for it, and see to all else that may have changed."""
        # In this order: a backup that ends while the history is read is not known to the plan, which wants it again.
        was_idle = self._hands.jobs.current() is None
        self._hands.look()
        self.teach()
        if was_idle:
            self._back_up_if_due()
        self._notice_the_emr()
        self._mind_the_closing()
        self._mind_the_clock()
        self._mind_the_age()
        self._mind_the_alarm()
        self._mind_the_drives()
        self._prover.tick(self._hands.engine)

    def rest(self) -> float | None:
        """Return for how many seconds no other round is needed; None while something is going on."""
        hands, now = self._hands, self._hands.clock.monotonic()
        if hands.jobs.current() is not None or self._emr_has_ended:
            return None
        rest = min(_REST, (hands.plan.outlook().at - hands.clock.now()).total_seconds())
        if hands.emr.command and not hands.emr.is_running:
            # A little more: at that time the look should be due.
            rest = min(rest, self._emr_looked + _EMR_LOOK - now + 0.1)
        return max(rest, TICK)

    def folder_is_there(self) -> bool:
        """Return whether the data folder can be worked with; tell when it cannot, and alarm only after a while."""
        if self._hands.data_dir.is_dir():
            self._missing_since = None
            self._hands.notices.put(Topic.DATA_FOLDER, "")
            self._news.tell(Cause.DATA_FOLDER, "")
            return True
        now = self._hands.clock.monotonic()
        if self._missing_since is None:
            self._missing_since = now
        sentence = _("The data folder cannot be found, so nothing is backed up.")
        self._hands.notices.put(Topic.DATA_FOLDER, sentence)
        if now - self._missing_since >= FOLDER_PATIENCE:
            self._news.tell(Cause.DATA_FOLDER, sentence)
        return False

    def teach(self) -> None:
        """Write how many backups to keep into their folder, so that DocAssist's own tidying up obeys it too.

        A folder that is not there yet has nothing to keep, and is not made for this. From any thread.
        """
        engine, now = self._hands.engine, self._hands.clock.monotonic()
        if engine is self._taught or now < self._teach_after or not engine.backup_dir.is_dir():
            return
        try:
            if mended := engine.keeper.mend():
                self._hands.notices.put(Topic.RULES, mended)
            engine.keeper.set_policy(self._hands.preferences.policy)
            self._taught = engine
        except BackupError:
            logger.warning("the backup folder was not told how many backups to keep", exc_info=True)
            self._teach_after = now + _TEACH_AGAIN

    def _back_up_if_due(self) -> None:
        # Forgotten before the backup begins: what the EMR does and ends after that wants another one.
        has_ended, self._emr_has_ended = self._emr_has_ended, False
        lacks_newest = self._lacks_newest()
        try:
            if has_ended:
                self._tell_of_a_crash()
                self._hands.desk.back_up_after_emr()
                self._newest_is_damaged = False
            elif lacks_newest:
                self._hands.desk.back_up_now(Trigger.INTERVAL)
                self._newest_is_damaged = False
            elif self._hands.plan.is_due() and not self._was_our_fault():
                self._hands.desk.back_up_now(self._hands.plan.trigger())
            else:
                self._record_what_is_put_off()
        except Busy:
            self._emr_has_ended |= has_ended

    def _lacks_newest(self) -> bool:
        """Return whether a backup should be made now because the newest was found damaged, and forget it if not."""
        if not self._newest_is_damaged or self._hands.plan.paused_until() is not None:
            return False
        engine = self._hands.engine
        try:
            self._newest_is_damaged = wants_replacement(engine.archives(), engine.origin, self._hands.clock.now())
        except BackupError:
            # A backup would fail as well; the next round asks again.
            return False
        return self._newest_is_damaged

    def _tell_of_a_crash(self) -> None:
        end = self._hands.emr.last_end
        if end is not None and end.crashed:
            # The page says so until DocAssist is open again, when its data has long been backed up.
            if self._hands.notices.put(Topic.EMR, _("DocAssist has stopped unexpectedly. You can start it again.")):
                self._news.announce(
                    _(
                        "DocAssist has stopped unexpectedly. Its data is being backed up. "
                        "You can start it again by this icon."
                    )
                )

    def _record_what_is_put_off(self) -> None:
        """Leave one record of each cause for which a run is put off, however long it lasts."""
        held = self._hands.plan.held()
        if held is None:
            return
        hold, since = held
        skips.record(
            self._hands.engine.history,
            self._hands.plan.trigger(),
            self._hands.clock.now(),
            code=hold.value,
            reason=_(_REASONS[hold]),
            cause=f"{hold} {since.utc.isoformat()}",
        )

    def _was_our_fault(self) -> bool:
        """Return whether the last job failed just now by a fault of ours, which leaves nothing in the history."""
        job = self._hands.jobs.last()
        if job is None or job.error is None or job.finished_at is None or job.error.code != "internal":
            return False
        return self._hands.clock.now() - job.finished_at < due.FIRST_RETRY

    def _notice_the_emr(self) -> None:
        """Take up an EMR that was started without us, now and then."""
        now = self._hands.clock.monotonic()
        if not self._hands.emr.command or self._hands.emr.is_running or now - self._emr_looked < _EMR_LOOK:
            return
        self._emr_looked = now
        if self._hands.emr.notice():
            self._hands.notices.put(Topic.EMR, "")
            self._hands.desk.back_up_at_start(Trigger.EMR_START)

    def _mind_the_closing(self) -> None:
        """Call the user where DocAssist does not close for a restore: it may ask whether to save."""
        job, now = self._hands.jobs.current(), self._hands.clock.monotonic()
        sentence = ""
        if job is None or job.stage is not Stage.CLOSE_EMR:
            self._closing_since = None
        else:
            self._closing_since = now if self._closing_since is None else self._closing_since
            if now - self._closing_since >= CLOSING_PATIENCE:
                sentence = _("DocAssist has to close for the restore. Please save your work and close it.")
        self._hands.notices.put(Topic.CLOSING, sentence)
        self._news.tell(Cause.CLOSING, sentence)

    def _mind_the_clock(self) -> None:
        newest = self._hands.sight.view(self._hands.engine).newest
        made = newest.manifest.created_at_utc if newest and newest.manifest else None
        is_wrong = due.clock_is_wrong(self._hands.clock.now(), made)
        sentence = _(
            "This PC says it is %(today)s. Backups go on. Please set the date.", today=day(self._hands.clock.local())
        )
        self._hands.notices.put(Topic.CLOCK, sentence if is_wrong else "")

    def _mind_the_age(self) -> None:
        """Tell when there has been no backup for long, though what is wrong may have been told already."""
        newest = self._hands.sight.view(self._hands.engine).newest
        made = good_at(newest, self._hands.engine.history.confirmations())
        calls = made is not None and is_old(made, self._hands.clock.now(), self._hands.awake_since())
        self._news.tell(Cause.OLD, _("There has been no backup for more than 24 hours.") if calls else "")

    def _mind_the_alarm(self) -> None:
        alarm = self._hands.engine.keeper.alarm()
        sentence = alarm.reason if alarm else ""
        self._hands.notices.put(Topic.ALARM, sentence)
        self._news.tell(Cause.ALARM, sentence)

    def _mind_the_drives(self) -> None:
        """Warn once of a data or backup folder on a network drive."""
        folders = (self._hands.engine.data_dir, self._hands.engine.backup_dir)
        if folders != self._folders:
            self._folders = folders
            sentence = warning(*folders, mounts())
            self._hands.notices.put(Topic.DRIVES, sentence)
            self._news.tell(Cause.DRIVES, sentence)
