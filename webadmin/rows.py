"""What the list says of one backup: its evidence in one line, and why it is kept. Pure; times are passed in."""

from dataclasses import dataclass
from datetime import datetime

from backup_core.listing import Archive, State
from backup_core.proofs import Proof
from backup_core.text import N_, _
from webadmin.words import count, joined, time_or_date

#: Why a backup is kept, by the reason of the rule that keeps it.
KEPT = {
    "unopened": N_("Kept until a younger one is opened and checked"),
    "newest": N_("One of the newest"),
    "state": N_("One of the newest that differ"),
    "daily": N_("The last of its day"),
    "weekly": N_("The last of its week"),
    "monthly": N_("The last of its month"),
    "protected": N_("The newest that was opened and checked"),
    "safety": N_("Kept so that you can go back to before a restore"),
    "pinned": N_("Kept for ever"),
    "alarm": N_("Kept until somebody says that all is well"),
}
_NOT_KEPT = N_("Goes when old backups are tidied up next")

#: What a source is to those who work with DocAssist.
SOURCES = {
    "clinic.db": N_("patients and visits"),
    "chroma": N_("the search"),
    "prescriptions": N_("prescriptions"),
    "settings.json": N_("DocAssist's settings"),
}


@dataclass(frozen=True)
class Row:
    """One backup of the list, with what is said of it beside its own facts."""

    archive: Archive
    evidence: str
    kept: str
    pinned: bool
    #: Whether it is another clinic's.
    foreign: bool


def row_of(archive: Archive, *, origin: str | None, reason: str | None, pin: str | None, now: datetime) -> Row:
    """Return the row of an archive, kept for `reason` and pinned as `pin` says; `now` is local and naive."""
    manifest = archive.manifest
    foreign = bool(manifest and manifest.origin and origin and manifest.origin != origin)
    kept = "" if foreign or not archive.is_ours else _(KEPT.get(reason or "", _NOT_KEPT))
    return Row(archive, evidence(archive, now), kept, pin == "by-hand", foreign)


def evidence(archive: Archive, now: datetime) -> str:
    """Return the line that says what is known of a backup, and how."""
    manifest = archive.manifest
    if archive.state is State.WRITING:
        return _("Another program is writing it. It is looked at again in a minute.")
    if archive.state is State.ENCRYPTED:
        return _("DocAssist has locked it with a password: only DocAssist itself can open it.")
    if archive.state is State.ONLINE:
        return _("It is in the cloud and not on this PC. It is fetched when you restore or check it.")
    if archive.state is State.NEWER:
        return archive.problem
    if archive.state is State.DAMAGED:
        return f"{archive.problem} {_recoverable(archive)}".strip()
    if manifest is not None and manifest.is_raw:
        return _("Damaged data as it was, byte for byte, kept before it was replaced.")
    if archive.state is State.PROVEN:
        return _opened(archive, now)
    if archive.proof is not None:
        return _counted(archive.proof, now)
    if archive.state is State.LEGACY:
        return _("Made by DocAssist itself, and not yet opened here.")
    return _("Every byte was read again. Not yet opened.")


def _opened(archive: Archive, now: datetime) -> str:
    proof = archive.proof
    if proof is None:
        return ""
    held = [count(proof.patients, "patient"), count(proof.visits, "visit")]
    local = proof.at.astimezone().replace(tzinfo=None)
    facts = {"time": time_or_date(local, now), "what": ", ".join(held), "entries": count(proof.entries, "search entry")}
    if proof.asked:
        line = _("Opened and checked %(time)s: %(what)s, %(entries)s answer.", **facts)
    else:
        line = _("Opened and checked %(time)s: %(what)s.", **facts)
    return f"{line} {proof.remark}".strip()


def _counted(proof: Proof, now: datetime) -> str:
    """Return the line on a backup that was looked into as far as could be, and says why it was no further."""
    held = [count(proof.patients, "patient"), count(proof.visits, "visit"), count(proof.entries, "search entry")]
    time = time_or_date(proof.at.astimezone().replace(tzinfo=None), now)
    if proof.patients or proof.visits or proof.entries:
        line = _("Read and counted %(time)s: %(what)s.", time=time, what=", ".join(held))
    else:
        line = _("Read again %(time)s.", time=time)
    return f"{line} {proof.remark}".strip()


def _recoverable(archive: Archive) -> str:
    if archive.proof is None:
        return _("Choose Check to learn what can still be recovered from it.")
    whole = [_(SOURCES.get(name, name)) for name in archive.proof.recoverable]
    if not whole:
        return _("Nothing in it can be relied on.")
    return _("Still whole in it: %(what)s.", what=joined(whole))
