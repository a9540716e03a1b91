"""Every operation leaves a run in the history, whatever came of it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .clock import Clock
from .errors import BackupError, Cancelled, Fact
from .files import translating
from .history import History
from .runs import Action, Outcome, Run, Trigger
from .stages import Stages
from .text import _

logger = logging.getLogger(__name__)


@dataclass
class Entry:
    """What an operation notes of itself while it runs; `run` is there when it has been recorded."""

    outcome: Outcome = Outcome.DONE
    archive: str | None = None
    reason: str = ""
    fingerprint: str = ""
    facts: dict[str, Fact] = field(default_factory=dict)
    stages: Stages = field(default_factory=Stages)
    run: Run | None = None
    _wanted: bool = True

    def discard(self) -> None:
        """Record nothing if the operation ends well: nothing was done."""
        self._wanted = False

    @property
    def is_wanted(self) -> bool:
        """Whether there is something to record."""
        return self._wanted or self.outcome in (Outcome.FAILED, Outcome.CANCELLED)


class Recorder:
    """Times operations and appends them to the history of a data folder that is there."""

    def __init__(self, history: History, clock: Clock, data_dir: Path) -> None:
        self._history = history
        self._clock = clock
        self._data_dir = data_dir

    @contextmanager
    def record(self, action: Action, trigger: Trigger) -> Iterator[Entry]:
        """Give an entry to fill in; a BackupError in the block is recorded as its reason and raised on.

        What the disk or SQLite refuse in it, and no step has put into words of its own, is one too.
        """
        entry = Entry()
        started_at, started = self._clock.now(), self._clock.monotonic()
        code = ""
        try:
            with translating(BackupError, _("The computer refused a step of the work")):
                yield entry
        except BackupError as error:
            outcome = Outcome.CANCELLED if isinstance(error, Cancelled) else Outcome.FAILED
            entry.outcome, entry.reason, code = outcome, str(error), error.code
            entry.facts |= error.facts
            # Without its traceback: that is told by whoever asked for the operation.
            logger.warning("%s (%s) %s: %s", action, trigger, outcome, error)
            raise
        except BaseException:
            # A fault of ours, or Ctrl+C: it goes on to whoever started this, and must not look like a success.
            entry.outcome, entry.reason, code = (
                Outcome.FAILED,
                _("It was stopped by a fault of the program."),
                "internal",
            )
            raise
        finally:
            entry.run = Run(
                action=action,
                trigger=trigger,
                outcome=entry.outcome,
                started_at=started_at,
                duration=self._clock.monotonic() - started,
                archive=entry.archive,
                code=code,
                reason=entry.reason,
                facts=entry.facts,
                fingerprint=entry.fingerprint,
                stages=entry.stages.seconds(),
            )
            # A data folder that is not there, as on a drive that is not connected, must not come to be by this.
            if entry.is_wanted and self._data_dir.is_dir():
                self._history.append(entry.run)
