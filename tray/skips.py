"""The record of an automatic backup that was not made when it might have been: why, once for each cause."""

from datetime import datetime

from backup_core.history import Action, History, Outcome, Run, Trigger


def record(history: History, trigger: Trigger, now: datetime, *, code: str, reason: str, cause: str) -> None:
    """Record that a run was put off or left out, for `reason`; nothing where this very `cause` was the last one."""
    before = history.last(action=Action.POSTPONE)
    if before is None or before.facts.get("cause") != cause:
        history.append(
            Run(
                action=Action.POSTPONE,
                trigger=trigger,
                outcome=Outcome.DONE,
                started_at=now,
                code=code,
                reason=reason,
                facts={"cause": cause},
            )
        )
