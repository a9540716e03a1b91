"""Which archive to open next, and when that does not slow the clinic: pure rules."""

import sys
from collections.abc import Container, Sequence
from datetime import datetime, timedelta

from .gentle import memory_for
from .listing import Archive
from .proofs import Proof
from .sources import CHROMA

#: Once the newest archive was opened, opening another new one can wait for this long.
NEWEST_EVERY = timedelta(hours=20)
#: An older archive is opened again after this time, which leaves some days of a month for a PC that is off.
AGAIN_AFTER = timedelta(days=25)
#: Between two archives that are opened in rotation, and between two tries of one for which memory was short.
ROTATION_EVERY = timedelta(hours=2)

#: Seconds for which nobody must have written to the clinic's data, and after which it is done all the same.
QUIET = 120.0
LONGEST_WAIT = 3600.0
#: Bytes of memory that must be free.
FREE_MEMORY = 700_000_000
#: Bytes of disk that stay free beside an opened archive.
_SPARE_DISK = 32 << 20


def newest_of(archives: Sequence[Archive], origin: str | None) -> Archive | None:
    """Return the newest good backup that was made of the data folder `origin`, safety backups left aside, or None."""
    return next((one for one in _of(archives, origin) if not one.safety), None)


def next_to_prove(
    archives: Sequence[Archive],
    origin: str | None,
    now: datetime,
    *,
    put_off: Container[str] = (),
    free_memory: int = sys.maxsize,
) -> Archive | None:
    """Return the archive of this clinic that should be opened now, or None; `archives` are in any order, `now` is UTC.

    The newest comes first, but one a day is enough: opening an older one says nothing of it. Then comes the one that
    was not opened for longest. Where the last two that were the newest were damaged, the data may be, and with it all
    that is made of it: then the newest waits too.

    Those named in `put_off` could not be opened just now; `free_memory` is in bytes.
    """
    mine = _of(archives, origin)
    # One that was found damaged does not count: then the next newest is opened without delay, but only once.
    ordinary = [one for one in mine if not one.safety]
    newest = next(iter(ordinary), None)
    wants_new = _since(mine, now, as_newest=True) >= NEWEST_EVERY and not _keeps_failing(archives, origin, now)
    can_be_opened = [one for one in mine if one.name not in put_off and not _would_be_in_vain(one, now, free_memory)]
    if newest is not None and wants_new and newest in can_be_opened and not _is_done(newest):
        return newest
    if _since(mine, now) < ROTATION_EVERY:
        return None
    if newest is not None and wants_new and newest.name in put_off:
        others = (one for one in can_be_opened if not one.safety and one.proof is None)
        if (next_newest := next(others, None)) is not None:
            return next_newest
    stale = [one for one in can_be_opened if _age(one, now) >= AGAIN_AFTER]
    return max(stale, key=lambda one: _age(one, now), default=None)


def wants_replacement(archives: Sequence[Archive], origin: str | None, now: datetime) -> bool:
    """Return whether a backup should be made in the place of the newest, as that was found damaged; `now` is UTC.

    One in NEWEST_EVERY is enough, and what was made after the one before it was found damaged gets no other in its
    place: then it is not the archive, but the data it is made of.
    """
    looked_into = _looked_into_as_newest(archives, origin)
    if not looked_into or looked_into[-1][1].ok:
        return False
    (found, _), earlier = looked_into[-1], looked_into[:-1]
    if any(not proof.ok and abs(now - proof.at) < NEWEST_EVERY for _, proof in earlier):
        return False
    before = max((one for one in _made_of(archives, origin) if one.order < found.order), key=_order, default=None)
    made = found.manifest.created_at_utc if found.manifest else None
    is_replacement = before and before.proof and not before.proof.ok and made and before.proof.at <= made
    return not is_replacement


def room_for(archive: Archive) -> int:
    """Return the bytes of disk that must be free to open an archive."""
    members = archive.manifest.members if archive.manifest else None
    return sum(member.size for member in members or ()) + _SPARE_DISK


def may_begin(*, waited: float, quiet: float, free_memory: int, has_room: bool) -> bool:
    """Return whether an archive may be opened now; `waited` and `quiet` are seconds, `free_memory` is in bytes.

    `has_room` says whether there is room on the disk for it, see `room_for`.
    """
    return has_room and free_memory >= FREE_MEMORY and (quiet >= QUIET or waited >= LONGEST_WAIT)


def _of(archives: Sequence[Archive], origin: str | None) -> list[Archive]:
    """Return the good archives that were made of that data folder, newest first."""
    mine = (one for one in archives if one.is_ours and one.is_made_of(origin))
    return sorted(mine, key=_order, reverse=True)


def _order(archive: Archive) -> tuple[int, datetime, str]:
    return archive.order


def _made_of(archives: Sequence[Archive], origin: str | None) -> list[Archive]:
    """Return the archives, good or damaged, that were made of that data folder, safety backups left aside."""
    return [one for one in archives if not one.safety and one.is_made_of(origin)]


def _looked_into_as_newest(archives: Sequence[Archive], origin: str | None) -> list[tuple[Archive, Proof]]:
    """Return those that were the newest when they were looked into, good or damaged, with that; the last one last."""
    seen = [(one, one.proof) for one in _made_of(archives, origin) if one.proof and one.proof.was_newest]
    return sorted(seen, key=lambda pair: pair[1].at)


def _keeps_failing(archives: Sequence[Archive], origin: str | None, now: datetime) -> bool:
    """Return whether two newest ones in a row were found damaged, the second of them a short time ago."""
    last_two = [proof for _, proof in _looked_into_as_newest(archives, origin)[-2:]]
    return len(last_two) == 2 and not any(proof.ok for proof in last_two) and abs(now - last_two[1].at) < NEWEST_EVERY


def _is_done(archive: Archive) -> bool:
    """Return whether an archive was opened as far as it can be: damaged data that was kept as it was cannot."""
    is_raw = archive.manifest is not None and archive.manifest.is_raw
    return archive.proof is not None and (archive.proof.is_full or is_raw)


def _would_be_in_vain(archive: Archive, now: datetime, free_memory: int) -> bool:
    """Return whether an archive that could only be counted was so a moment ago, or would be again now."""
    if archive.proof is None or _is_done(archive):
        return False
    members = archive.manifest.members if archive.manifest else None
    index = sum(member.size for member in members or () if member.name.startswith(f"{CHROMA}/"))
    return abs(now - archive.proof.at) < ROTATION_EVERY or free_memory < memory_for(index)


def _since(archives: Sequence[Archive], now: datetime, *, as_newest: bool = False) -> timedelta:
    """Return how long ago one of them was last looked into, or opened `as_newest`, as what was the newest then."""
    proofs = [
        one.proof for one in archives if one.proof and (not as_newest or (one.proof.was_newest and _is_done(one)))
    ]
    return min((abs(now - proof.at) for proof in proofs), default=timedelta.max)


def _age(archive: Archive, now: datetime) -> timedelta:
    """Return how long ago the archive was opened, or made if it never was; a clock that was set back counts too."""
    made = archive.manifest.created_at_utc if archive.manifest else None
    since = archive.proof.at if archive.proof and _is_done(archive) else made
    return abs(now - since) if since else timedelta.max
