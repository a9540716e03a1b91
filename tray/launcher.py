"""The launcher of one data folder: its parts put together, its life from start to an orderly end."""

import logging
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import datetime
from pathlib import Path

from backup_core.atwork import look
from backup_core.clock import SYSTEM_CLOCK
from backup_core.control import Control
from backup_core.engine import BackupEngine
from backup_core.history import Trigger
from backup_core.jobs import Job, JobRunner
from backup_core.listing import Archive
from backup_core.preferences import ALWAYS
from backup_core.proofs import Proof
from backup_core.settings import Preferences, Settings
from webadmin import create_app
from webadmin.verdict import awake_since

from .atlogin import AtLogin
from .claim import Claim
from .demo import is_sample
from .desk import LauncherDesk
from .door import Door
from .emr import Emr
from .ending import Ending, has_changed, last_backup
from .face import Face
from .instance import Instance, LauncherRunning
from .loop import Loop
from .news import Cause
from .notices import Notices, Topic
from .options import Options, at_login
from .plan import Plan
from .prover import Prover
from .rounds import Rounds
from .sessionend import SessionEnd, window_of_this_system
from .sight import Sight

logger = logging.getLogger(__name__)

#: Seconds for which an operation waits for one of another process.
LOCK_PATIENCE = 60.0
#: Seconds for which the end waits for a backup that is just being opened to be left alone.
_PROVER_PATIENCE = 3.0


class Launcher:
    """Looks after one data folder, from `run` to its end."""

    def __init__(self, options: Options, data_dir: Path, door: Door | None = None) -> None:
        """Claim the data folder, if it is there, and a port for the page unless it has a `door` already.

        Raise LauncherRunning if another launcher of this user on this PC has the folder, SettingInvalid if the port
        asked for cannot be had. One of another user or PC is looked on at until it has ended.
        """
        self.clock = SYSTEM_CLOCK
        self._since = self.clock.now()
        self.is_ending = False
        #: Whether the set-up follows it behind the same door.
        self.leaves_for_set_up = False
        self.is_sample = is_sample(data_dir)
        self.data_dir = data_dir
        self.words_at_login = at_login(options, data_dir)
        self.jobs = JobRunner()
        self.notices = Notices()
        self.plan = Plan(self.clock)
        self.sight = Sight(self.clock)
        self.emr = Emr("", "", data_dir, self._emr_ended, stand_in=options.demo)
        self._options = options
        self._settings = Settings(data_dir)
        self._instance = Instance(data_dir)
        self._claim = Claim(self._instance, self.plan, self.notices)
        self._loop = Loop(self._tick)
        self._ending = Ending(self.quit)
        self._window = window_of_this_system(SessionEnd(self._has_changed, self._ending.hurry))
        self._has_begun = False
        self._has_opened_emr = False
        self._heard_of = ""
        before = self._claim.take() if data_dir.is_dir() else None
        self.door = door or Door(options.port, before.port if before else None)
        self._furnish(self._settings.read())
        self.jobs.add_listener(self._follow)
        self._face = Face(self, shown=options.icon)
        self._prover = Prover(self.clock, self._proven, self._at_work)
        self._rounds = Rounds(self, self._prover, self._face.news)

    @property
    def control(self) -> Control:
        """What the command line needs to reach this launcher."""
        return self.door.control

    def run(self, on_ready: Callable[[], None]) -> None:
        """Look after the data folder until `quit`; call `on_ready` when the page can be opened."""
        self.door.open()
        if self._window:
            self._window.open()
        try:
            self.door.announce(self.data_dir)
            self._face.start()
            on_ready()
            self._loop.run()
        finally:
            self._end()

    def quit(self) -> None:
        """Begin the end of the launcher; from any thread, and from a signal handler."""
        self._loop.stop()

    def set_up_again(self) -> None:
        """Begin the end of the launcher with its page left open for the set-up; from any thread."""
        self.leaves_for_set_up = True
        self.quit()

    def open_page(self, path: str = "/") -> None:
        """Open the admin page in the browser, at `path`."""
        self.door.show(path)

    def awake_since(self) -> datetime:
        """Return since when a backup might have been made today (aware UTC)."""
        return awake_since(self.engine.history.runs(), self._since, self.clock.now())

    def _furnish(self, preferences: Preferences) -> None:
        """Build what depends on the preferences; what runs goes on with what it was begun with."""
        options = self._options
        self.preferences = preferences
        self.emr.configure(options.emr or preferences.emr_command, options.emr_dir or preferences.emr_dir)
        self.engine = BackupEngine(
            self.data_dir,
            options.backup_dir or (Path(preferences.backup_dir) if preferences.backup_dir else None),
            policy=preferences.policy,
            extras=preferences.extras,
            older_dirs=preferences.older_dirs,
            emr_command=self.emr.command,
            patience=LOCK_PATIENCE,
        )
        self.desk = LauncherDesk(
            self.engine,
            self.jobs,
            self.plan,
            self.sight,
            self.emr,
            self.notices,
            self.look,
            lambda: self._claim.caretaker,
            AtLogin(None if self.is_sample else self.words_at_login),
            self.set_up_again,
        )
        self.door.serve(
            create_app(
                self.engine,
                self.jobs,
                self.door.access,
                self.desk,
                self._settings,
                sample=self.is_sample,
                since=self._since,
            )
        )
        self.sight.forget()

    def look(self) -> None:
        """Take up what the preferences and the history say now."""
        preferences = self._settings.read()
        self.notices.put(Topic.SETTINGS, " ".join(self._settings.problems))
        if preferences != self.preferences:
            self._furnish(preferences)
            if self._instance.is_claimed:
                self._rounds.teach()
        self.plan.look(self.engine.history.runs(), preferences.frequency_hours, always=preferences.startup == ALWAYS)

    def _tick(self) -> float | None:
        rest = None
        if self._rounds.folder_is_there():
            if self._is_ours():
                if self._has_begun:
                    self._rounds.make()
                    rest = self._rounds.rest()
                else:
                    self.look()
                    self._begin()
            elif self._claim.caretaker:
                self.look()
                self._look_on()
        self._face.refresh()
        return rest

    def _is_ours(self) -> bool:
        """Return whether the data folder is claimed, which it could not be while it was not there."""
        try:
            return self._claim.is_held()
        except LauncherRunning as error:
            logger.warning("another launcher was faster: %s", error)
            self.quit()
            return False

    def _begin(self) -> None:
        # The first backup takes its time, and the icon should be there before that.
        self._face.refresh()
        self._instance.serves_on(self.control.port)
        self._rounds.teach()
        self.desk.take_up_pause()
        self._has_begun = self.desk.start(Trigger.STARTUP, open_emr=not self._options.at_login)

    def _look_on(self) -> None:
        """Leave the data to the launcher that looks after it; DocAssist is opened here all the same, once."""
        self._has_begun = False
        self.sight.forget()
        if not self._has_opened_emr:
            self._has_opened_emr = self.desk.start(Trigger.STARTUP, open_emr=not self._options.at_login)

    def _follow(self, job: Job) -> None:
        if job.state != "running":
            if isinstance(job.result, Proof) and job.result.problem and job.result.was_newest:
                self._rounds.newest_is_damaged()
            self.sight.forget()
        # At its end, and at its beginning: from then on there is something to look at.
        if job.state != "running" or job.id != self._heard_of:
            self._heard_of = job.id
            self._loop.wake()

    def _proven(self, archive: Archive, proof: Proof) -> None:
        self.sight.forget()
        if proof.problem:
            self._face.news.tell(Cause.DAMAGED, f"{archive.name}: {proof.problem}")
            if proof.was_newest:
                self._rounds.newest_is_damaged()
        self._loop.wake()

    def _at_work(self) -> str:
        """Return the kind of job that is running, here or in another program that works on this data; "" for none."""
        work = self.jobs.current() or look(self.data_dir)
        return work.kind if work else ""

    def _emr_ended(self) -> None:
        self._rounds.emr_ended()
        self._loop.wake()

    def _end(self) -> None:
        """Make the last backup and let go of everything; whatever goes wrong on the way, each step is taken."""
        self.is_ending = True
        is_backed_up = False
        with ExitStack() as steps:
            if self._window:
                steps.callback(self._window.close)
            steps.callback(self._ending.over)
            steps.callback(lambda: self._instance.release(cleanly=is_backed_up))
            steps.callback(self._face.close)
            if not self.leaves_for_set_up:
                steps.callback(self.door.close)
            # A start from now on does not open the page of one that is leaving: it waits for the end and follows.
            with suppress(OSError):
                self.door.hide(self.data_dir)
            self._face.refresh()
            self._prover.stop(_PROVER_PATIENCE)
            if self._options.demo:
                with self.emr.expected_to_end():
                    self.emr.close(self._ending.patience)
            if self._has_begun and self.data_dir.is_dir():
                is_backed_up = last_backup(self.jobs, self.desk, self._ending.patience)

    def _has_changed(self) -> bool:
        """Return whether the last backup would hold anything new."""
        return self._has_begun and has_changed(self.engine, self.plan.past)
