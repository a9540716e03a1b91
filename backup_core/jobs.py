"""JobRunner: one operation at a time on a thread of its own, seen from elsewhere as a frozen Job."""

import logging
import threading
import uuid
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from .clock import SYSTEM_CLOCK, Clock
from .errors import BackupError, Busy, Cancelled
from .gentle import about_to_step_back, behind, give_back, step_back
from .progress import OnProgress, Progress, Stage
from .runs import Trigger
from .text import N_, _

#: Seconds between two reports of progress to the listeners within one stage.
REPORT_EVERY = 0.2
#: How many jobs can still be asked for by their id.
REMEMBERED = 50

#: The kinds of jobs, and what a user who has to wait is told.
NAMES = {
    "create": N_("a backup"),
    "restore": N_("a restore"),
    "undo": N_("going back to before a restore"),
    "delete": N_("deleting a backup"),
    "copy": N_("saving a copy"),
    "prove": N_("checking a backup"),
    "intake": N_("checking a file"),
    "move": N_("moving backups"),
    "selftest": N_("the self-test"),
}

#: The stages in which an operation can be given up with everything as it was: nothing is published or replaced yet.
CANCELLABLE = frozenset(
    {
        Stage.CLOSE_EMR,
        Stage.CHECK,
        Stage.SNAPSHOT,
        Stage.PACK,
        Stage.VERIFY,
        Stage.EXTRACT,
        Stage.PROVE,
        Stage.MOVE,
        Stage.SELF_TEST,
    }
)

#: What nobody waits for, while somebody may be working: it has only what the EMR leaves of processor and disk.
_BEHIND = (Trigger.INTERVAL.value,)
#: What the start of DocAssist waits for until the data is copied, and what nobody waits for after that.
_BEHIND_ONCE_COPIED = (Trigger.STARTUP.value, Trigger.EMR_START.value)
_COPYING = (Stage.CHECK, Stage.SNAPSHOT)

logger = logging.getLogger(__name__)

Work = Callable[[OnProgress], object]


@dataclass(frozen=True)
class Job:
    """One operation as it is at this moment; `done` of `total` bytes of `stage`, total 0 where it is not known."""

    id: str
    #: One of NAMES.
    kind: str
    trigger: str
    #: Aware UTC, as `finished_at`.
    started_at: datetime
    stage: Stage | None = None
    done: int = 0
    total: int = 0
    state: Literal["running", "done", "failed", "cancelled"] = "running"
    #: Whether somebody has asked to cancel it.
    stopping: bool = False
    #: What the work returned.
    result: object | None = None
    error: BackupError | None = None
    finished_at: datetime | None = None

    @property
    def can_be_cancelled(self) -> bool:
        """Whether it runs, and can still be given up with everything as it was."""
        return self.state == "running" and not self.stopping and self.stage in CANCELLABLE


class JobRunner:
    """Runs one job at a time; whoever comes second is told what runs."""

    def __init__(self, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._jobs: dict[str, Job] = {}
        self._running: str | None = None
        self._finished: str | None = None
        self._closed = False
        self._reported = 0.0
        self._listeners: list[Callable[[Job], None]] = []

    def start(self, kind: str, work: Work, *, trigger: str = "manual") -> Job:
        """Begin `work` on a thread of its own and return its job; raise Busy while another one runs, or after close.

        A BackupError of the work is the job's error. Any other exception is a fault of ours: it is logged, the job
        fails with the code "internal", and the exception goes on to `threading.excepthook`.
        """
        job = Job(uuid.uuid4().hex, kind, trigger, self._clock.now())
        with self._changed:
            self._refuse_a_second()
            self._jobs = dict([*self._jobs.items()][-REMEMBERED + 1 :]) | {job.id: job}
            self._running = job.id
            self._reported = self._clock.monotonic()
        self._tell(job)
        threading.Thread(target=self._work, args=(job.id, work, trigger), name=f"job-{kind}", daemon=True).start()
        return job

    def current(self) -> Job | None:
        """Return the job that runs, or None."""
        with self._changed:
            return self._jobs[self._running] if self._running else None

    def last(self) -> Job | None:
        """Return the job that finished last, or None."""
        with self._changed:
            return self._jobs.get(self._finished) if self._finished else None

    def get(self, job_id: str) -> Job | None:
        """Return one of the newest jobs by its id, or None."""
        with self._changed:
            return self._jobs.get(job_id)

    def wait(self, job_id: str, timeout: float | None = None) -> Job:
        """Return the job when it has finished, or as it is after `timeout` seconds; raise KeyError for no such job."""
        with self._changed:
            self._changed.wait_for(lambda: self._jobs[job_id].state != "running", timeout)
            return self._jobs[job_id]

    def cancel(self, job_id: str) -> bool:
        """Ask a job to stop at its next report; return whether it may still do so: after the swap began, it may not."""
        with self._changed:
            job = self._jobs.get(job_id)
            if job is None or not job.can_be_cancelled:
                return False
            self._jobs[job_id] = replace(job, stopping=True)
        return True

    def add_listener(self, listener: Callable[[Job], None]) -> None:
        """Call `listener` with the job when one changes, on the job's thread; it must not block."""
        self._listeners.append(listener)

    def close(self, timeout: float) -> bool:
        """Take no more jobs; return whether the running one has finished within `timeout` seconds."""
        with self._changed:
            self._closed = True
            return self._changed.wait_for(lambda: self._running is None, timeout)

    def _refuse_a_second(self) -> None:
        if self._running:
            kind = self._jobs[self._running].kind
            raise Busy(
                _("DocAssist Backup is busy with %(names)s.", names=_(NAMES.get(kind, kind))),
                hint=_("Wait until that has finished, then try again."),
                running=kind,
                job=self._running,
            )
        if self._closed:
            raise Busy(_("DocAssist Backup is being closed."), hint=_("Start it again, then try again."))

    def _work(self, job_id: str, work: Work, trigger: str) -> None:
        result: object | None = None
        error: BackupError | None = _Internal()
        is_waited_for = trigger in _BEHIND_ONCE_COPIED

        def report(progress: Progress) -> None:
            nonlocal is_waited_for
            self._progress(job_id, progress)
            if is_waited_for and progress.stage not in _COPYING:
                is_waited_for = False
                step_back()

        try:
            with behind() if trigger in _BEHIND else about_to_step_back() if is_waited_for else nullcontext():
                result = work(report)
            error = None
        except Cancelled as stopped:
            logger.info("job cancelled")
            error = stopped
        except BackupError as failure:
            logger.warning("job failed: %s", failure, exc_info=True)
            error = failure
        except Exception as fault:
            # Without its traceback: that is told by the hook.
            logger.error("job failed by a fault of the program: %r", fault)
            raise
        finally:
            # Whatever becomes of the memory, nobody waits for ever for a job that has ended.
            try:
                give_back()
            finally:
                self._finish(job_id, result, error)

    def _progress(self, job_id: str, progress: Progress) -> None:
        """Take a report of the work; raise Cancelled where it should stop and still may."""
        with self._changed:
            before = self._jobs[job_id]
            if before.stopping and progress.stage in CANCELLABLE:
                raise Cancelled
            job = replace(before, stage=progress.stage, done=progress.done, total=progress.total)
            self._jobs[job_id] = job
            now = self._clock.monotonic()
            is_news = before.stage != job.stage or now - self._reported >= REPORT_EVERY
            if is_news:
                self._reported = now
        if is_news:
            self._tell(job)

    def _finish(self, job_id: str, result: object | None, error: BackupError | None) -> None:
        with self._changed:
            job = replace(
                self._jobs[job_id],
                state=_state(error),
                result=result,
                error=None if isinstance(error, Cancelled) else error,
                stopping=False,
                finished_at=self._clock.now(),
            )
            self._jobs[job_id] = job
            self._running, self._finished = None, job_id
            self._changed.notify_all()
        self._tell(job)

    def _tell(self, job: Job) -> None:
        for listener in self._listeners:
            listener(job)


def _state(error: BackupError | None) -> Literal["done", "failed", "cancelled"]:
    if error is None:
        return "done"
    return "cancelled" if isinstance(error, Cancelled) else "failed"


class _Internal(BackupError):
    """A fault of the program, told to the user without its details."""

    code = "internal"

    def __init__(self) -> None:
        super().__init__("Something went wrong inside DocAssist Backup.", hint="The log file has the details.")
