"""Whether a run may leave it at the newest archive, because the data is just what that archive holds."""

from collections.abc import Iterable

from .clock import Clock
from .due import may_skip_unchanged
from .listing import Archive
from .runs import Run, Trigger


def holds_this_state(archive: Archive, fingerprint: str, runs: Iterable[Run]) -> bool:
    """Return whether `archive` was made of data with this `fingerprint`; `runs`, newest first, tell with which."""
    if not archive.is_ours or not fingerprint:
        return False
    made = next((run for run in runs if run.archive == archive.name and run.fingerprint), None)
    return made is not None and made.fingerprint == fingerprint


def is_still_current(newest: Archive, fingerprint: str, runs: Iterable[Run], trigger: Trigger, clock: Clock) -> bool:
    """Return whether `newest` is a verified archive, in its place, of data with this `fingerprint`, and new enough.

    `runs`, newest first, tell with which fingerprint it was made; any doubt makes the answer False.
    """
    return (
        newest.manifest is not None
        and holds_this_state(newest, fingerprint, runs)
        and may_skip_unchanged(
            trigger,
            made_at=newest.manifest.created_at_utc,
            made_local=newest.created_at,
            now=clock.now(),
            local=clock.local(),
        )
    )
