"""A simulated clinic: the launcher's own plan and the product's own rules on a PC whose clock and power do anything."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import Enum

from backup_core.clock import Moment, moment
from backup_core.due import LONGEST_RETRY, Outlook, Pause, pause_end, time_left
from backup_core.history import Action, Outcome, Run, Trigger
from backup_core.listing import Archive
from backup_core.unchanged import is_still_current
from tests.fakeclock import FakeClock
from tray.plan import Plan

from .shelf import GIGABYTE, LOOKED_AT, ORIGIN, Log, Shelf

TICK = timedelta(seconds=30)
#: How long a run takes here.
WORK = timedelta(seconds=2)


class Cut(Enum):
    """Where in a run the power fails: before the archive has its name, before the run is recorded, while tidying up."""

    UNPUBLISHED = 1
    UNRECORDED = 2
    TIDYING = 3


class PowerCut(Exception):
    """The PC is off."""


class Clinic:
    """One PC with one launcher, which asserts at each step what has to hold whatever happens."""

    def __init__(self, interval: timedelta, start: datetime) -> None:
        self.interval = interval
        self.clock = FakeClock(start)
        self._log = Log()
        self.shelf = Shelf(self._log)
        self.failing = False
        self.battery_is_low = False
        #: Whether the user cancels the next run, and where the power fails in it.
        self.cancelling = False
        self.cutting: Cut | None = None
        #: Time since the beginning, whatever the wall clock says.
        self.truly = timedelta()
        self.longest_wait = timedelta()
        #: The same without the time for which the user has paused the backups.
        self.longest_wait_unasked = timedelta()
        self._awake_since_attempt = self._unasked_since_attempt = timedelta()
        self._state = 0
        self._plan: Plan | None = None
        self._clean = True
        self._pause: Pause | None = None

    @property
    def runs(self) -> list[Run]:
        """All runs, newest first."""
        return self._log.newest_first

    @property
    def folder(self) -> list[Archive]:
        """The archives, in the order in which they were made."""
        return self.shelf.made

    @property
    def is_on(self) -> bool:
        """Whether the launcher runs."""
        return self._plan is not None

    # What people and the PC do.

    def work(self, time: timedelta) -> None:
        """Let the PC be awake for `time`, its launcher running, and the EMR write."""
        self._live(time, writing=True)

    def rest(self, time: timedelta) -> None:
        """Let the PC be awake for `time` without a change to the data."""
        self._live(time, writing=False)

    def sleep(self, time: timedelta) -> None:
        """Close the lid."""
        self.clock.sleep(time)
        self.truly += time

    def quit(self) -> None:
        """End the launcher in order, and the PC with it."""
        if self._plan is not None:
            with self._powered():
                self.back_up(Trigger.EXIT)
                self._end_life(clean=True)

    def lose_power(self) -> None:
        """End the launcher as a power cut does."""
        if self._plan is not None:
            self._end_life(clean=False)

    def click(self, times: int) -> None:
        """Click on Backup Now."""
        with self._powered():
            self._begin_life()
            for _ in range(times):
                self.back_up(Trigger.MANUAL)

    def open_emr(self) -> None:
        """Start the EMR once more."""
        with self._powered():
            self._begin_life()
            self._start(Trigger.EMR_START)

    def pause(self, time: timedelta) -> None:
        """Pause the automatic backups."""
        self._pause = Pause(moment(self.clock), self.clock.now() + time)
        if self._plan is not None:
            self._plan.pause(self._pause)

    # What the launcher does.

    def _live(self, time: timedelta, *, writing: bool) -> None:
        with self._powered():
            self._begin_life()
            end = self.truly + time
            while self.truly < end:
                self._state += writing
                self._idle(end)
                if self.truly < end:
                    self.back_up(self._planned.trigger())

    @contextmanager
    def _powered(self) -> Iterator[None]:
        try:
            yield
        except PowerCut:
            self._end_life(clean=False)

    @property
    def _planned(self) -> Plan:
        assert self._plan is not None
        return self._plan

    def _begin_life(self) -> None:
        if self._plan is None:
            self._plan = Plan(self.clock, lambda: self.battery_is_low)
            self._plan.clean_ending = self._clean
            if self._pause is not None:
                # As a launcher reads it from the note of the one before.
                self._pause = Pause(Moment(self._pause.begun.utc, self.clock.monotonic()), self._pause.until)
                self._plan.pause(self._pause)
            self._look()
            self._start(Trigger.STARTUP)

    def _end_life(self, *, clean: bool) -> None:
        self.clock.restart()
        self._plan, self._clean = None, clean

    def _start(self, trigger: Trigger) -> None:
        wanted = self._planned.start_wanted(self.shelf.last_good(ORIGIN), self._log.confirmations())
        if wanted and not self._planned.puts_off(trigger):
            self.back_up(trigger)

    def _idle(self, end: timedelta) -> None:
        """Tick until a run is made, or the time is over."""
        outlook = self._look()
        while outlook.hold or outlook.at > self.clock.now():
            wait = max(math.ceil((outlook.at - self.clock.now()) / TICK), 1) * TICK
            self._pass_time(min(wait, end - self.truly))
            if self.truly >= end:
                return
            announced, outlook = outlook, self._look()
            # A run that has waited for the charger, or for the end of a pause, may find the other in its way.
            assert outlook.hold is not announced.hold or outlook.at <= self.clock.now(), "the next time was not true"

    def _look(self) -> Outlook:
        """Return what the launcher announces now."""
        self._planned.look(self._log.runs(LOOKED_AT), self.interval / timedelta(hours=1))
        return self._planned.outlook()

    def _pass_time(self, time: timedelta) -> None:
        if pause_end(self._pause, moment(self.clock)) is None:
            self._unasked_since_attempt += time
            self.longest_wait_unasked = max(self.longest_wait_unasked, self._unasked_since_attempt)
        self.clock.pass_time(time)
        self.truly += time
        self._awake_since_attempt += time
        self.longest_wait = max(self.longest_wait, self._awake_since_attempt)

    def back_up(self, trigger: Trigger) -> None:
        """Run a backup as the engine does, and record it."""
        started, cut, made = self.clock.now(), self.cutting, None
        self.cutting = None
        self._pass_time(WORK)
        self._awake_since_attempt = self._unasked_since_attempt = timedelta()
        if cut is Cut.UNPUBLISHED:
            raise PowerCut
        newest, seen = self.shelf.last_good(ORIGIN), str(self._state)
        if self.failing or self.shelf.free < GIGABYTE:
            outcome, archive = Outcome.FAILED, None
        elif self.cancelling:
            outcome, archive, self.cancelling = Outcome.CANCELLED, None, False
        elif newest and is_still_current(newest, seen, self._log.runs(LOOKED_AT), trigger, self.clock):
            outcome, archive = Outcome.UNCHANGED, newest.name
        else:
            made = self.shelf.add(self.clock.now(), self.clock.local(), seen, self.truly, trigger)
            outcome, archive = Outcome.MADE, made.name
        if cut is Cut.UNRECORDED:
            raise PowerCut
        run = Run(
            action=Action.BACKUP,
            trigger=trigger,
            outcome=outcome,
            started_at=started,
            duration=WORK.total_seconds(),
            archive=archive,
            fingerprint=seen if archive else "",
        )
        self._log.append(run)
        if made is not None:
            self.shelf.prune(self.clock, trigger, made, _fail if cut is Cut.TIDYING else lambda name: None)
        self._check_after(run)

    def _check_after(self, run: Run) -> None:
        self._look()
        past = self._planned.past
        left = time_left(past, moment(self.clock), self.interval)
        assert timedelta() < left <= self.interval, "a run has to be followed by another one, and not at once"
        if past.failures:
            assert left <= LONGEST_RETRY, "a run that failed was taken out of the plan"
        elif run.outcome is Outcome.CANCELLED:
            assert left == self.interval, "what the user cancelled was tried again before its time"
        else:
            assert self.folder[-1].created_at.date() == self.clock.local().date(), "each day has its archive"


def _fail(name: str) -> None:
    raise PowerCut
