"""Which archive to open next, and when that does not slow the clinic: pure rules."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from .listing import Archive

#: Once an archive was opened, opening another new one can wait for this long.
NEWEST_EVERY = timedelta(hours=20)
#: An older archive is opened again after this time, which leaves some days of a month for a PC that is off.
AGAIN_AFTER = timedelta(days=25)
#: Between two archives that are opened in rotation.
ROTATION_EVERY = timedelta(hours=2)

#: Seconds for which nobody must have written to the clinic's data, and after which it is done all the same.
QUIET = 120.0
LONGEST_WAIT = 3600.0
#: Bytes of memory that must be free.
FREE_MEMORY = 700_000_000
#: Bytes of disk that stay free beside an opened archive.
_SPARE_DISK = 32 << 20


def next_to_prove(archives: Sequence[Archive], origin: str | None, now: datetime) -> Archive | None:
    """Return the archive of this clinic that should be opened now, or None; `archives` are in any order, `now` is UTC.

    The newest comes first, but one a day is enough; then the one that was not opened for longest.
    """
    mine = sorted(
        (one for one in archives if one.is_ours and one.manifest and one.manifest.origin == origin),
        key=lambda archive: archive.order,
        reverse=True,
    )
    # One that was found damaged does not count: then the next newest is opened without delay.
    since = min((abs(now - one.proof.at) for one in mine if one.proof), default=None)
    ordinary = [one for one in mine if not one.safety]
    if ordinary and ordinary[0].proof is None and (since is None or since >= NEWEST_EVERY):
        return ordinary[0]
    if since is not None and since < ROTATION_EVERY:
        return None
    stale = [one for one in mine if _age(one, now) >= AGAIN_AFTER]
    return max(stale, key=lambda one: _age(one, now), default=None)


def room_for(archive: Archive) -> int:
    """Return the bytes of disk that must be free to open an archive."""
    members = archive.manifest.members if archive.manifest else None
    return sum(member.size for member in members or ()) + _SPARE_DISK


def may_begin(*, waited: float, quiet: float, free_memory: int, has_room: bool) -> bool:
    """Return whether an archive may be opened now; `waited` and `quiet` are seconds, `free_memory` is in bytes.

    `has_room` says whether there is room on the disk for it, see `room_for`.
    """
    return has_room and free_memory >= FREE_MEMORY and (quiet >= QUIET or waited >= LONGEST_WAIT)


def _age(archive: Archive, now: datetime) -> timedelta:
    """Return how long ago the archive was opened, or made if it never was; a clock that was set back counts too."""
    made = archive.manifest.created_at_utc if archive.manifest else None
    since = archive.proof.at if archive.proof else made
    return abs(now - since) if since else timedelta.max
