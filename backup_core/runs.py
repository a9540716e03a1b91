"""Run: one recorded attempt at something, and its form as a line of JSON. Pure, no I/O."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from .errors import Fact


class Trigger(StrEnum):
    """Why an archive was made, or an operation begun."""

    STARTUP = "startup"
    INTERVAL = "interval"
    EXIT = "exit"
    EMR_START = "emr-start"
    EMR_EXIT = "emr-exit"
    MANUAL = "manual"
    SAFETY = "safety"
    CLI = "cli"
    API = "api"


class Action(StrEnum):
    """What was attempted."""

    BACKUP = "backup"
    RESTORE = "restore"
    UNDO = "undo"
    RECOVER = "recover"
    PRUNE = "prune"
    DELETE = "delete"
    PROVE = "prove"
    POSTPONE = "postpone"
    COPY = "copy"
    MOVE = "move"


class Outcome(StrEnum):
    """What came of it: a backup is made, or confirmed as unchanged; anything else that went well is done."""

    MADE = "made"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One attempt. `reason` is a sentence for the user; `code` is stable, that of a BackupError where it failed."""

    action: Action
    trigger: Trigger
    outcome: Outcome
    #: Aware UTC.
    started_at: datetime
    #: Seconds.
    duration: float = 0.0
    #: The name of the archive that was made, confirmed or restored.
    archive: str | None = None
    code: str = ""
    reason: str = ""
    facts: Mapping[str, Fact] = field(default_factory=dict)
    #: Of the live data, as it was found; "" where nobody looked.
    fingerprint: str = ""
    #: Seconds by step of the work, as `Stages` counts them; empty in a record of an older version.
    stages: Mapping[str, float] = field(default_factory=dict)
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def ended_at(self) -> datetime:
        """When it ended, aware UTC."""
        return self.started_at + timedelta(seconds=self.duration)

    def to_json(self) -> bytes:
        """Return the run as one line of ASCII JSON, without its line end; a path in it may hold any bytes."""
        document = {**asdict(self), "started_at": self.started_at.isoformat()}
        return json.dumps(document, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, line: bytes) -> "Run | None":
        """Return the run that a line holds; None where it is torn, or of a kind that this version does not know."""
        try:
            document = json.loads(line)
            archive = document.get("archive")
            run = cls(
                id=str(document["id"]),
                action=Action(document["action"]),
                trigger=Trigger(document["trigger"]),
                outcome=Outcome(document["outcome"]),
                started_at=_aware(str(document["started_at"])),
                duration=float(document.get("duration", 0.0)),
                archive=None if archive is None else str(archive),
                facts=dict(document.get("facts", {})),
                stages={str(step): float(seconds) for step, seconds in document.get("stages", {}).items()},
                **{key: str(document.get(key, "")) for key in ("code", "reason", "fingerprint")},
            )
            # Else whoever asks for it would find out that there is no such time.
            return run if run.ended_at else None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
            return None


def _aware(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("a time without its zone")
    return time.astimezone(UTC)
