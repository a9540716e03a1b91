"""A simulated clinic: a launcher that lives by `due` and `retention`, on a PC whose clock and power do what they do."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from backup_core.clock import Moment, moment
from backup_core.due import (
    LONGEST_RETRY,
    Outlook,
    Pause,
    Watch,
    may_skip_unchanged,
    outlook,
    pause_end,
    startup_wanted,
    time_left,
)
from backup_core.history import Action, Outcome, Run, Trigger
from backup_core.manifest import archive_name
from backup_core.retention import LAUNCHER_POLICY, Candidate, plan
from tests.fakeclock import FakeClock

TICK = timedelta(seconds=30)
#: How long a run takes here.
WORK = timedelta(seconds=2)
#: The due rules never look back further than to the last good run.
LOOKED_AT = 300


@dataclass(frozen=True)
class Made:
    """An archive of the simulation; `truly` is when it was made by a clock that does not lie."""

    name: str
    sequence: int
    made_at: datetime
    made_local: datetime
    contents: str
    truly: timedelta

    @property
    def candidate(self) -> Candidate:
        return Candidate(self.name, (self.sequence,), self.made_local, self.contents)


class Clinic:
    """One PC with one launcher, which asserts at each step what has to hold whatever happens."""

    def __init__(self, interval: timedelta, start: datetime) -> None:
        self.interval = interval
        self.clock = FakeClock(start)
        self.folder: list[Made] = []
        self.runs: list[Run] = []
        self.failing = False
        self.battery_is_low = False
        #: Whether the user cancels the next run.
        self.cancelling = False
        #: Time since the beginning, whatever the wall clock says.
        self.truly = timedelta()
        self.longest_wait = timedelta()
        #: The same without the time for which the user has paused the backups.
        self.longest_wait_unasked = timedelta()
        self._awake_since_attempt = self._unasked_since_attempt = timedelta()
        self._state = 0
        self._watch: Watch | None = None
        self._last_start: Moment | None = None
        self._clean = True
        self._sequence = 0
        self._pause: Pause | None = None
        self._low_since: Moment | None = None
        #: A run at a start was put off.
        self._owed = False

    # What people and the PC do.

    def work(self, time: timedelta) -> None:
        """Let the PC be awake for `time`, its launcher running, and the EMR write."""
        self._begin_life()
        end = self.truly + time
        while self.truly < end:
            self._state += 1
            self._idle(end)
            if self.truly < end:
                self.back_up(Trigger.INTERVAL)

    def rest(self, time: timedelta) -> None:
        """Let the PC be awake for `time` without a change to the data."""
        self._begin_life()
        end = self.truly + time
        while self.truly < end:
            self._idle(end)
            if self.truly < end:
                self.back_up(Trigger.INTERVAL)

    def sleep(self, time: timedelta) -> None:
        """Close the lid."""
        self.clock.sleep(time)
        self.truly += time

    def quit(self) -> None:
        """End the launcher in order, and the PC with it."""
        if self._watch is not None:
            self.back_up(Trigger.EXIT)
            self._end_life(clean=True)

    def lose_power(self) -> None:
        """End the launcher as a power cut does."""
        if self._watch is not None:
            self._end_life(clean=False)

    def click(self, times: int) -> None:
        """Click on Backup Now."""
        self._begin_life()
        for _ in range(times):
            self.back_up(Trigger.MANUAL)

    def open_emr(self) -> None:
        """Start the EMR once more."""
        self._begin_life()
        self._start(Trigger.EMR_START)

    def pause(self, time: timedelta) -> None:
        """Pause the automatic backups."""
        self._pause = Pause(moment(self.clock), self.clock.now() + time)

    # What the launcher does.

    def _begin_life(self) -> None:
        if self._watch is None:
            self._watch = Watch()
            self._watch.look(self.runs, moment(self.clock))
            self._start(Trigger.STARTUP)

    def _end_life(self, *, clean: bool) -> None:
        self.clock.restart()
        self._watch, self._last_start, self._clean = None, None, clean
        self._owed, self._low_since = False, None
        if self._pause is not None:
            # The next life reads it from its note.
            self._pause = Pause(Moment(self._pause.begun.utc, self.clock.monotonic()), self._pause.until)

    def _start(self, trigger: Trigger) -> None:
        now = moment(self.clock)
        if startup_wanted(now, good=self._good(now), last_start=self._last_start, clean_ending=self._clean):
            self._last_start = now
            self._owed = True
            if self._look().hold is None:
                self.back_up(trigger)

    def _good(self, now: Moment) -> Moment | None:
        good = next((run for run in self.runs if run.outcome in (Outcome.MADE, Outcome.UNCHANGED)), None)
        return Moment(good.started_at, now.running) if good else None

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
        assert self._watch is not None
        now = moment(self.clock)
        past = self._watch.look(self.runs[:LOOKED_AT], now)
        left = timedelta() if self._owed else time_left(past, now, self.interval)
        paused_until = pause_end(self._pause, now)
        waits = self.battery_is_low and not left and paused_until is None
        self._low_since = (self._low_since or now) if waits else None
        return outlook(left, now, paused_until=paused_until, low_since=self._low_since)

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
        assert self._watch is not None
        started = self.clock.now()
        self._pass_time(WORK)
        if self.failing:
            outcome, archive = Outcome.FAILED, None
        elif self.cancelling:
            outcome, archive, self.cancelling = Outcome.CANCELLED, None, False
        elif self._may_skip(trigger):
            outcome, archive = Outcome.UNCHANGED, self.folder[-1].name
        else:
            outcome, archive = Outcome.MADE, self._make()
        run = Run(
            action=Action.BACKUP,
            trigger=trigger,
            outcome=outcome,
            started_at=started,
            duration=WORK.total_seconds(),
            archive=archive,
        )
        self.runs.insert(0, run)
        self._owed = False
        self._awake_since_attempt = self._unasked_since_attempt = timedelta()
        self._check_after(run)

    def _may_skip(self, trigger: Trigger) -> bool:
        if not self.folder or self.folder[-1].contents != str(self._state):
            return False
        newest = self.folder[-1]
        return may_skip_unchanged(
            trigger,
            made_at=newest.made_at,
            made_local=newest.made_local,
            now=self.clock.now(),
            local=self.clock.local(),
        )

    def _make(self) -> str:
        self._sequence += 1
        local, taken = self.clock.local(), {made.name for made in self.folder}
        name = archive_name(local, taken=taken)
        assert name not in taken
        made = Made(name, self._sequence, self.clock.now(), local, str(self._state), self.truly)
        self.folder.append(made)
        gone = set(plan([made.candidate for made in self.folder], LAUNCHER_POLICY).prune)
        assert name not in gone, "a run pruned what it had made"
        self.folder = [made for made in self.folder if made.name not in gone]
        return name

    def _check_after(self, run: Run) -> None:
        assert self._watch is not None
        now = moment(self.clock)
        past = self._watch.look(self.runs[:LOOKED_AT], now)
        left = time_left(past, now, self.interval)
        assert timedelta() < left <= self.interval, "a run has to be followed by another one, and not at once"
        if past.failures:
            assert left <= LONGEST_RETRY, "a run that failed was taken out of the plan"
        elif run.outcome is Outcome.CANCELLED:
            assert left == self.interval, "what the user cancelled was tried again before its time"
        else:
            assert self.folder[-1].made_local.date() == self.clock.local().date(), "each day has its archive"
