"""The tripwire: a snapshot that holds much less than the last good backup means that something looks wrong. Pure."""

from collections.abc import Mapping

from .text import N_, _

#: Patients or visits must be fewer by this many, and by this share, before anybody is alarmed.
FEWEST_GONE = 20
SHARE_GONE = 0.2

_WATCHED = {"patients": N_("patients"), "visits": N_("visits")}


def alarm(before: Mapping[str, int], now: Mapping[str, int]) -> str:
    """Return a sentence saying what looks wrong, "" if nothing does.

    `before` and `now` are rows by table, and entries of the vector store as `chroma:NAME`, of the last good backup and
    of a new snapshot of the same clinic.
    """
    if before.get("patients", 0) and not now.get("patients", 0) and "patients" in now:
        return _(
            "DocAssist started with an empty clinic: %(before)s patients were there before. Did the data folder move?",
            before=format(before["patients"], ","),
        )
    vanished = sorted(table for table in before if table not in now and not table.startswith("chroma:"))
    if vanished:
        return _("The table %(vanished)s is no longer in DocAssist's data.", vanished=vanished[0])
    for table in _WATCHED:
        was, has = before.get(table, 0), now.get(table, 0)
        if was - has >= FEWEST_GONE and was - has >= was * SHARE_GONE:
            return _(
                "%(gone)s of %(before)s %(table)s have gone since the last good backup.",
                gone=format(was - has, ","),
                before=format(was, ","),
                table=_(_WATCHED[table]),
            )
    return ""


def is_back(before: Mapping[str, int], now: Mapping[str, int]) -> bool:
    """Return whether nothing is lacking any more of what was there `before` a loss that was told."""
    return all(table in now for table in before if not table.startswith("chroma:")) and all(
        now.get(table, 0) >= before.get(table, 0) for table in _WATCHED
    )
