"""What the launcher shows in the tray, and what a click there sets going."""

import logging
import webbrowser
from collections.abc import Callable, Mapping
from pathlib import Path

from backup_core.errors import BackupError
from backup_core.history import Outcome, Run, Trigger
from backup_core.jobs import Job
from backup_core.places import APP_NAME

from .autostart import autostart_of_this_system
from .desk import CLOSE_PATIENCE
from .hands import Hands
from .iconlink import IconLink
from .look import Choice
from .menu import TrayState, look_for
from .notices import Topic
from .relaunch import launcher

logger = logging.getLogger(__name__)


class Face:
    """The icon of one launcher; nothing happens without `shown`. Every method may be called from any thread."""

    def __init__(self, hands: Hands, *, shown: bool) -> None:
        self._hands = hands
        self._link = IconLink(self._click) if shown else None
        self._autostart = autostart_of_this_system()
        self._told = ""
        hands.jobs.add_listener(self._follow)

    def start(self) -> None:
        """Show the icon as soon as there is a tray."""
        if self._link:
            self._link.start()

    def refresh(self) -> None:
        """Show the present state."""
        if self._link:
            self._hands.notices.put(Topic.ICON, self._link.problem)
            self._link.show(look_for(self._state(self._hands.jobs.current())))

    def notify(self, sentence: str) -> None:
        """Tell the user something once."""
        if self._link:
            self._link.notify(APP_NAME, sentence)

    def close(self) -> None:
        """Take the icon away."""
        if self._link:
            self._link.close()

    def _state(self, job: Job | None) -> TrayState:
        hands, past = self._hands, self._hands.plan.past
        view = hands.sight.view(hands.engine)
        newest = view.newest
        emr = hands.desk.emr_state()
        return TrayState(
            now=hands.clock.now(),
            last_backup=past.confirmed.utc if past.confirmed and newest else None,
            patients=newest.manifest.patient_count if newest and newest.manifest else None,
            next_due=hands.desk.next_due(),
            job=job.kind if job else "",
            progress=job.done / job.total if job and job.total else None,
            problem=self._problem(),
            attention=next(iter(hands.desk.notices()), ""),
            emr=emr,
            can_start_emr=bool(hands.emr.command),
            can_close_emr=emr == "running",
            can_undo=view.can_undo,
            starts_at_login=self._starts_at_login(),
            ending=hands.is_ending,
            sample=hands.is_sample,
        )

    def _starts_at_login(self) -> bool | None:
        """Return whether the launcher starts at login; None where that is not offered or cannot be told."""
        try:
            return None if self._hands.is_sample else self._autostart.is_on()
        except BackupError:
            logger.warning("could not look whether the launcher starts at login", exc_info=True)
            return None

    def _problem(self) -> str:
        if not self._hands.plan.past.failures:
            return ""
        ended = (Outcome.FAILED, Outcome.MADE, Outcome.UNCHANGED)
        run: Run | None = self._hands.engine.history.last(outcomes=ended)
        return run.reason if run and run.outcome is Outcome.FAILED else ""

    def _follow(self, job: Job) -> None:
        if job.error and str(job.error) != self._told:
            # What fails again for the same reason, at every retry, is no news.
            self.notify(f"{job.error} {job.error.hint}".strip())
        if job.state != "running":
            self._told = str(job.error or "")
        if job.state == "done" and job.kind in ("restore", "undo"):
            self.notify("The data was put back. DocAssist can be used again.")
        self.refresh()

    def _click(self, choice: str) -> None:
        hands = self._hands
        actions: Mapping[str, Callable[[], object]] = {
            Choice.OPEN_PAGE: hands.open_page,
            Choice.BACK_UP: hands.desk.back_up_now,
            # The page says what going back would do, and asks.
            Choice.UNDO: hands.open_page,
            Choice.START_EMR: lambda: hands.desk.start(Trigger.EMR_START),
            Choice.CLOSE_EMR: lambda: hands.emr.close(CLOSE_PATIENCE),
            Choice.OPEN_FOLDER: lambda: _open_folder(hands.engine.backup_dir),
            Choice.AT_LOGIN: self._switch_start_at_login,
            Choice.QUIT: hands.quit,
        }
        try:
            actions[choice]()
        except BackupError as error:
            self.notify(f"{error} {error.hint}".strip())
        self.refresh()

    def _switch_start_at_login(self) -> None:
        if self._autostart.is_on():
            self._autostart.turn_off()
        else:
            self._autostart.turn_on(launcher(*self._hands.words_at_login))


def _open_folder(folder: Path) -> None:
    if folder.is_dir():
        webbrowser.open(folder.as_uri())
