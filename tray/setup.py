"""The set-up: asks on the page which data to look after, carries out the answers, and makes way for the launcher."""

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from backup_core.emrswitch import turn_off
from backup_core.errors import BackupError, Busy
from backup_core.jobs import JobRunner
from backup_core.places import setup_folder
from backup_core.settings import Settings, save_data_dir
from backup_core.text import _
from webadmin.setup import Findings, Plan, Program, create_setup_app

from .atlogin import AtLogin
from .door import Door
from .iconlink import IconLink
from .launcher import Launcher
from .look import SEPARATOR, Choice, IconState, Item, Look
from .loop import Loop
from .options import Options, at_login
from .programs import DATA, programs_beside, programs_in
from .search import Search

logger = logging.getLogger(__name__)

#: Seconds in which a launcher that is put together claims its folder, or is refused it.
_PATIENCE = 60.0


def for_any_data(options: Options) -> Options:
    """Return the options without what was meant for one data folder."""
    return replace(options, data_dir=None, backup_dir=None, emr="", emr_dir="", demo=False, at_login=False)


class SetUp:
    """The set-up behind a door, from its first page to the launcher that takes its place."""

    def __init__(self, options: Options, door: Door) -> None:
        """Take what the command line said of DocAssist as the likeliest way to start it."""
        self._options = for_any_data(options)
        self._said = [Program(options.emr, options.emr_dir)] if options.emr else []
        self._door = door
        self._loop = _idle()
        self._guard = threading.Lock()
        self._search: Search | None = None
        self._finishing = threading.Lock()
        self._plan: Plan | None = None
        self._answers: queue.Queue[BackupError | None] = queue.Queue()
        self._jobs = JobRunner()
        self._icon = IconLink(self._click) if options.icon else None
        door.serve(create_setup_app(self, self._jobs, door.access))

    def run(self, on_ready: Callable[[], None]) -> Launcher | None:
        """Return the launcher that the user has set up, to be run behind the same door; None when told to quit.

        `on_ready` is called when the page can be opened.
        """
        self._door.open()
        self._door.announce(setup_folder())
        try:
            if self._icon:
                self._icon.start()
                self._icon.show(_look())
            on_ready()
            made = self._wait_for_launcher()
        finally:
            self._door.hide(setup_folder())
            if self._icon:
                self._icon.close()
        if made is None:
            self._jobs.close(_PATIENCE)
            self._door.close()
        return made

    def address(self) -> str:
        """Return an address that opens the page once, within a minute."""
        return self._door.address()

    def quit(self) -> None:
        """End the set-up with nothing set up; from any thread, and from a signal handler."""
        self._loop.stop()

    def findings(self) -> Findings:
        """Return what was found up to now, and begin to look at the first call."""
        return self._started_search().findings()

    def look_again(self) -> None:
        """Begin to look anew."""
        with self._guard:
            self._search = None
        self._started_search()

    def programs(self, data_dir: Path) -> list[Program]:
        """Return the ways to start DocAssist on this data, the likeliest first."""
        search = self._started_search()
        opened = [found.program for found in search.findings().found if found.clinic.folder == data_dir]
        beside = programs_beside(data_dir, search.program_folders)
        return list(dict.fromkeys([*self._said, *filter(None, opened), *beside]))

    def homes(self) -> list[Path]:
        """Return where the DocAssists that were found up to now look for their records, there or not."""
        return [folder / DATA for folder in self._started_search().program_folders]

    def home_in(self, folder: Path) -> Path | None:
        """Return where the DocAssist in `folder` looks for its records; None where there is no DocAssist."""
        return folder / DATA if programs_in(folder) else None

    def finish(self, plan: Plan) -> None:
        """Carry out the plan; return when the launcher serves the page in our place, raise BackupError if refused."""
        if not self._finishing.acquire(blocking=False):
            raise Busy(_("DocAssist Backup is being started."), hint=_("Wait a moment."))
        try:
            self._carry_out(plan)
            self._plan = plan
            self._loop.stop()
            refusal = self._answers.get(timeout=_PATIENCE)
        finally:
            self._finishing.release()
        if refusal:
            raise refusal

    def _wait_for_launcher(self) -> Launcher | None:
        while True:
            self._loop.run()
            plan, self._plan = self._plan, None
            if plan is None:
                return None
            # What asks us to quit from here on meets a loop that has not begun yet, and ends it at once.
            self._loop = _idle()
            try:
                made = Launcher(self._options, plan.data_dir, self._door)
            except BackupError as error:
                logger.warning("the launcher that was set up cannot begin", exc_info=True)
                self._answers.put(error)
            else:
                self._answers.put(None)
                return made

    def _carry_out(self, plan: Plan) -> None:
        if plan.silence:
            turn_off(plan.data_dir, plan.emr_command)
        settings = Settings(plan.data_dir)
        settings.save(
            replace(
                settings.read(),
                emr_command=plan.emr_command,
                emr_dir=plan.emr_dir,
                backup_dir=str(plan.backup_dir or ""),
            )
        )
        save_data_dir(plan.data_dir)
        AtLogin(at_login(self._options, plan.data_dir)).turn(on=plan.at_login)

    def _started_search(self) -> Search:
        with self._guard:
            if self._search is None:
                self._search = Search()
                self._search.start()
            return self._search

    def _click(self, choice: str) -> None:
        if choice == Choice.QUIT:
            self.quit()
        else:
            self._door.show()


def _idle() -> Loop:
    """Return a loop in which nothing happens until it is stopped."""
    return Loop(lambda: 3600.0)


def _look() -> Look:
    menu = (
        Item(Choice.OPEN_PAGE, _("Set up DocAssist Backup…"), default=True),
        SEPARATOR,
        Item(Choice.QUIT, _("Quit")),
    )
    return Look(IconState.NOT_RUNNING, _("DocAssist Backup: not set up yet"), menu)
