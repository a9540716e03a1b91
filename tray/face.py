"""What the launcher shows in the tray: its state as a look, and a click there passed on."""

import logging
import threading

from backup_core.history import Outcome
from backup_core.jobs import Job
from backup_core.places import APP_NAME
from backup_core.text import _
from webadmin.verdict import is_unopened

from .clicks import Clicks
from .gauge import Gauge
from .hands import Hands
from .iconlink import IconLink
from .look import Choice
from .menu import TrayState, look_for, menu_for
from .news import News
from .notices import Topic
from .plan import good_at
from .sight import View
from .tidings import Tidings

logger = logging.getLogger(__name__)

_TOLD = (Outcome.MADE, Outcome.UNCHANGED, Outcome.FAILED)


class Face:
    """The icon of one launcher; nothing happens without `shown`. Every method may be called from any thread."""

    def __init__(self, hands: Hands, *, shown: bool) -> None:
        self._hands = hands
        self._link = IconLink(self.click) if shown else None
        self._gauge = Gauge()
        self._measuring = threading.Lock()
        #: What is told by notifications.
        self.news = News(hands.clock, self._notify)
        self._clicks = Clicks(hands, self.news)
        self._tidings = Tidings(hands, self.news)
        hands.jobs.add_listener(self._follow)

    def start(self) -> None:
        """Show the icon as soon as there is a tray."""
        if self._link:
            self._link.start()

    def refresh(self) -> None:
        """Show the present state."""
        if self._link:
            self._hands.notices.put(Topic.ICON, self._link.problem)
            self._link.show(look_for(self.state(self._hands.jobs.current())))

    def close(self) -> None:
        """Take the icon away."""
        if self._link:
            self._link.close()

    def _notify(self, sentence: str) -> None:
        if self._link and self._hands.preferences.notifications:
            self._link.notify(APP_NAME, sentence)

    def state(self, job: Job | None = None) -> TrayState:
        """Return the facts that the icon shows, while `job` runs."""
        hands, desk = self._hands, self._hands.desk
        view, emr = hands.sight.view(hands.engine), desk.emr_state()
        newest, looks_on = view.newest, bool(desk.caretaker())
        return TrayState(
            now=hands.clock.now(),
            last_backup=good_at(newest, hands.engine.history.confirmations()),
            patients=newest.manifest.patient_count if newest and newest.manifest else None,
            next_due=desk.next_due(),
            hold=desk.hold(),
            job=job.kind if job else "",
            progress=self._measure(job),
            problem=view.unreachable or self._problem(),
            awake_since=hands.awake_since(),
            attention=next(iter(desk.notices()), "") or view.damaged or self._unopened(view),
            paused_until=desk.paused_until(),
            can_pause=not looks_on,
            looks_on=looks_on,
            emr=emr,
            can_start_emr=bool(hands.emr.command),
            can_close_emr=emr == "running",
            can_undo=view.can_undo,
            starts_at_login=hands.desk.starts_at_login(),
            ending=hands.is_ending,
            sample=hands.is_sample,
        )

    def _measure(self, job: Job | None) -> float | None:
        with self._measuring:
            return self._gauge.read(job) if job else None

    def _problem(self) -> str:
        run = self._hands.engine.history.last(outcomes=_TOLD)
        return run.reason if run and run.outcome is Outcome.FAILED else ""

    def _unopened(self, view: View) -> str:
        return _("Backed up, but not opened") if is_unopened(view.opened_at, self._hands.clock.now()) else ""

    def _follow(self, job: Job) -> None:
        self._tidings.follow(job)
        self.refresh()

    def click(self, wanted: str) -> None:
        """Do what was chosen in the menu, if it can still be done."""
        choice = Choice(wanted)
        # A click may arrive twice, or when what it wants cannot be done any more.
        offered = menu_for(self.state(self._hands.jobs.current()))
        if any(item.id == choice and item.enabled for item in offered):
            self._clicks.do(choice)
        else:
            logger.info("%s was chosen, but is not offered now", choice)
        self.refresh()
