"""The launcher's real parts on a small clinic, without its page, its icon and its loop."""

import sqlite3
import threading
from contextlib import closing
from datetime import datetime
from pathlib import Path

from backup_core.engine import BackupEngine
from backup_core.history import Run
from backup_core.jobs import Job, JobRunner
from backup_core.settings import Preferences, Settings
from tests.fakeclock import FakeClock
from tray.desk import LauncherDesk
from tray.emr import Emr
from tray.news import News
from tray.notices import Notices
from tray.plan import Plan
from tray.prover import Prover
from tray.rounds import Rounds
from tray.sight import Sight
from tray.tidings import Tidings
from webadmin.verdict import awake_since


def make_small_clinic(data_dir: Path) -> None:
    """Make a clinic.db with 50 patients, and nothing else."""
    data_dir.mkdir()
    with closing(sqlite3.connect(data_dir / "clinic.db")) as database, database:
        database.execute("CREATE TABLE patients (id INTEGER PRIMARY KEY, name TEXT)")
        database.executemany("INSERT INTO patients (name) VALUES (?)", [("Invented",)] * 50)


class Launcher:
    """The parts of one launcher, with a clock that the test turns."""

    def __init__(self, data_dir: Path) -> None:
        self.clock = FakeClock()
        self.since = self.clock.now()
        self.data_dir = data_dir
        self.engine = BackupEngine(data_dir, clock=self.clock, patience=0.5)
        self.preferences = Preferences()
        self.jobs = JobRunner(clock=self.clock)
        self.battery_is_low = False
        self.plan = Plan(self.clock, lambda: self.battery_is_low)
        self.sight = Sight(self.clock)
        self.emr = Emr("", "", data_dir, lambda: self.rounds.emr_ended(), stand_in=True)
        self.notices = Notices()
        self.desk = self.desk_for(self.emr)
        self.is_sample = self.is_ending = False
        self.told: list[str] = []
        self._heard = threading.Condition()
        self._over: set[str] = set()
        # The prover has a clock of its own that stands still: nothing is opened here.
        self.news = News(self.clock, self.told.append)
        self.rounds = Rounds(self, Prover(FakeClock(), lambda archive, proof: None), self.news)
        self.tidings = Tidings(self, self.news)
        self.jobs.add_listener(self.follow)

    def desk_for(self, emr: Emr) -> LauncherDesk:
        """Return a desk of this launcher with another EMR."""
        return LauncherDesk(self.engine, self.jobs, self.plan, self.sight, emr, self.notices, lambda: None)

    def awake_since(self) -> datetime:
        return awake_since(self.engine.history.runs(), self.since, self.clock.now())

    def open_page(self, path: str = "/") -> None:
        raise AssertionError("nobody asked for the page")

    def quit(self) -> None:
        raise AssertionError("nobody asked to quit")

    def go_round(self) -> list[Run]:
        """Do what the loop does at a tick, wait for what it began, and return the new runs."""
        before = self.engine.history.runs()
        if self.rounds.folder_is_there():
            self.rounds.make()
        job = self.jobs.current()
        if job:
            self.finish(job)
        runs = self.engine.history.runs()
        return runs[: len(runs) - len(before)]

    def finish(self, job: Job) -> Job:
        """Return a job when it has ended and everybody has heard of it."""
        job = self.jobs.wait(job.id, 30)
        with self._heard:
            assert self._heard.wait_for(lambda: job.id in self._over, 30)
        return job

    def change(self, statement: str = "INSERT INTO patients (name) VALUES ('New')") -> None:
        """Change the data as the EMR would."""
        with closing(sqlite3.connect(self.data_dir / "clinic.db")) as database, database:
            database.execute(statement)

    def patients(self) -> int:
        """Return how many patients the data has."""
        with closing(sqlite3.connect(self.data_dir / "clinic.db")) as database:
            return int(database.execute("SELECT count(*) FROM patients").fetchone()[0])

    def look(self) -> None:
        """Take up what history and preferences say now."""
        preferences = Settings(self.data_dir).read()
        self.preferences = preferences
        self.plan.look(self.engine.history.runs(), preferences.frequency_hours)

    def follow(self, job: Job) -> None:
        """Hear of a job, as the launcher and its icon do."""
        if job.state != "running":
            self.sight.forget()
        self.tidings.follow(job)
        if job.state != "running":
            with self._heard:
                self._over.add(job.id)
                self._heard.notify_all()
