"""Answers of the command line: the engine's values as a document for a program and as a text for a person."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from .compare import Loss
from .copies import Copy
from .engine import BackupEngine
from .listing import Archive, State, size_on_disk
from .proofs import Proof
from .restore import Restored
from .runs import Outcome
from .text import N_, _
from .undoing import Undoing


@dataclass(frozen=True)
class Answer:
    """What a command has to say: plain values for JSON, and text."""

    document: Mapping[str, object]
    text: str


#: Why an archive is kept, in words.
_KEPT_BECAUSE = {
    "unopened": N_("until one is opened"),
    "newest": N_("one of the newest"),
    "state": N_("other contents"),
    "daily": N_("last of its day"),
    "weekly": N_("last of its week"),
    "monthly": N_("last of its month"),
    "protected": N_("newest opened"),
    "pinned": N_("kept for ever"),
    "alarm": N_("kept until all is well"),
    "safety": N_("before a restore"),
}


def about_created(archive: Archive) -> Answer:
    """Return the answer for a new archive."""
    text = _(
        "Made %(path)s: %(contents)s, %(size)s.",
        path=archive.path,
        contents=holds(archive),
        size=_megabytes(archive.size),
    )
    return Answer(_described(archive), text)


def about_archives(archives: Sequence[Archive], reasons: Mapping[str, str]) -> Answer:
    """Return the list of archives, in the order given; `reasons` says by name why one is kept."""
    rows = [
        (
            f"{archive.created_at:%Y-%m-%d %H:%M:%S}",
            archive.state.value,
            archive.manifest.trigger if archive.manifest else "",
            holds(archive),
            _megabytes(archive.size),
            _(_KEPT_BECAUSE[reasons[archive.name]]) if archive.name in reasons else "",
            archive.name,
        )
        for archive in archives
    ]
    described = [{**_described(archive), "kept_because": reasons.get(archive.name)} for archive in archives]
    return Answer({"backups": described}, _columns(rows))


def about_proof(archive: Archive, proof: Proof) -> Answer:
    """Return the evidence that opening an archive gave."""
    document = {"name": archive.name, **asdict(proof), "at": proof.at.isoformat()}
    asked = (
        _(
            ", %(asked)s of %(entries)s search entries answer",
            asked=format(proof.asked, ","),
            entries=format(proof.entries, ","),
        )
        if proof.asked
        else ""
    )
    facts = {"archive": archive.name, "visits": counted(proof.patients, proof.visits), "remark": proof.remark}
    if proof.opened:
        text = _("%(archive)s was opened and checked: %(visits)s%(asked)s. %(remark)s", asked=asked, **facts)
    else:
        text = _("%(archive)s was read and counted, but not opened: %(visits)s. %(remark)s", **facts)
    return Answer(document, text.strip())


def about_losses(archive: Archive, losses: Sequence[Loss]) -> Answer:
    """Return what restoring an archive would remove, table by table, with the entries named."""
    document = {"name": archive.name, "losses": [asdict(loss) for loss in losses]}
    if not losses:
        return Answer(
            document,
            _("Restoring %(archive)s would take nothing off: it holds all that is there today.", archive=archive.name),
        )
    return Answer(
        document,
        "\n".join(
            [
                _("Restoring %(archive)s would remove:", archive=archive.name),
                *_entries(losses, _("new"), _("changed since")),
            ]
        ),
    )


def about_undoing(undoing: Undoing) -> Answer:
    """Return what an undo would bring back and put aside, with the entries named."""
    document = {
        "name": undoing.archive.name,
        "restored": undoing.restored,
        "brings": [asdict(loss) for loss in undoing.brings],
        "puts_aside": [asdict(loss) for loss in undoing.puts_aside],
        "problem": undoing.problem,
    }
    lines = [
        _(
            "This goes back to before the restore of %(restored)s (%(archive)s).",
            restored=undoing.restored,
            archive=holds(undoing.archive),
        )
    ]
    if undoing.problem:
        return Answer(document, " ".join([*lines, undoing.problem]))
    lines += [_("It brings back:") if undoing.brings else _("It brings back no entry.")]
    lines += _entries(undoing.brings, _("gone today"), _("otherwise today"))
    aside = _("It puts aside, into a safety backup of its own, what was entered since:")
    lines += [aside if undoing.puts_aside else _("Nothing was entered since that it would put aside.")]
    return Answer(document, "\n".join([*lines, *_entries(undoing.puts_aside, _("new"), _("changed since"))]))


def _entries(losses: Sequence[Loss], missing: str, older: str) -> list[str]:
    """Return the entries of each table, the two kinds in these words."""
    lines = []
    for loss in losses:
        lines.append(f"{loss.table}: {loss.missing:,} {missing}, {loss.older:,} {older}")
        for kind, entries in ((missing, loss.missing_entries), (older, loss.older_entries)):
            lines += [f"  {kind}  {entry.day or '          '}  {entry.patient}" for entry in entries]
    return lines


def about_copy(copy: Copy) -> Answer:
    """Return the answer for a copy that was saved on another drive."""
    document = {**asdict(copy), "path": str(copy.path), "at": copy.at.isoformat()}
    copied = _("Copied and read again: %(path)s, %(size)s.", path=copy.path, size=_megabytes(copy.size))
    warning = _("The copy is not locked: keep the drive safe.")
    return Answer(document, f"{copied}\n{warning}")


def about_restored(restored: Restored) -> Answer:
    """Return the answer for a restore or an undo."""
    text = _(
        "Restored %(archive)s: %(contents)s.",
        archive=restored.archive,
        contents=counted(restored.patient_count, restored.visit_count),
    )
    if restored.safety:
        kept = _("The data as it was is kept in %(safety)s; undo brings it back.", safety=restored.safety)
        text = f"{text} {kept}"
    return Answer(asdict(restored), text)


def about_standing(engine: BackupEngine, *, is_running: bool, problems: Sequence[str]) -> Answer:
    """Return how things stand: the last backup, the last failure, and what is in no backup."""
    archives, newest, undoable = engine.archives(), engine.last_good(), engine.undoable()
    last, confirmed = engine.history.last(), engine.history.last(outcomes=(Outcome.MADE, Outcome.UNCHANGED))
    failure = last.reason if last and last.outcome == Outcome.FAILED else None
    copy = next(iter(engine.copier.copies()), None)
    outside, total = engine.unprotected(), size_on_disk(archives)
    forgotten = ", ".join(f"{name} ({_megabytes(size)})" for name, size in outside)
    document = {
        "data_dir": str(engine.data_dir),
        "backup_dir": str(engine.backup_dir),
        "launcher_running": is_running,
        "last_backup": newest and _described(newest),
        "confirmed_at": confirmed and confirmed.ended_at.isoformat(),
        "last_failure": failure,
        "last_run": last and {"outcome": last.outcome, "seconds": last.duration, "stages": dict(last.stages)},
        "backups": len(archives),
        "bytes": total,
        "not_in_backups": [{"name": name, "bytes": size} for name, size in outside],
        "undo": undoable and undoable.name,
        "last_copy": copy and {"path": str(copy.path), "at": copy.at.isoformat()},
        "problems": list(problems),
    }
    lines = [
        (_("Data folder:"), str(engine.data_dir)),
        (_("Backup folder:"), str(engine.backup_dir)),
        (_("Launcher:"), _("running") if is_running else _("not running")),
        (_("Last backup:"), f"{newest.name} ({holds(newest)})" if newest else _("none")),
        (_("Last run failed:"), failure or ""),
        (_("Backups:"), f"{len(archives)}, {_megabytes(total)}"),
        (
            _("Not in your backups:"),
            forgotten or _("nothing"),
        ),
        (_("Last copy elsewhere:"), f"{copy.at.astimezone():%Y-%m-%d %H:%M}, {copy.path}" if copy else _("never")),
        (_("Undo goes back to:"), undoable.name if undoable else ""),
        *((_("Please look at:"), problem) for problem in problems),
    ]
    return Answer(document, _columns([line for line in lines if line[1]]))


def holds(archive: Archive) -> str:
    """Return what an archive holds, in words."""
    if archive.state is State.ONLINE:
        return _("in the cloud, not on this PC")
    if archive.state is State.NEWER:
        return archive.problem
    if archive.state is State.DAMAGED:
        return f"{archive.problem} {still_whole(archive.proof.recoverable) if archive.proof else ''}".strip()
    if archive.manifest is None:
        return _("contents not known")
    return counted(archive.manifest.patient_count, archive.manifest.visit_count)


def still_whole(sources: Sequence[str]) -> str:
    """Return what of a damaged archive is as it was written, as a sentence."""
    named = ", ".join(filter(None, sources))
    return _("Still whole in it: %(named)s.", named=named) if named else _("Nothing in it is whole.")


def counted(patients: int, visits: int) -> str:
    """Return two counts in words."""
    return _("%(patients)s patients, %(visits)s visits", patients=f"{patients:,}", visits=f"{visits:,}")


def _described(archive: Archive) -> dict[str, object]:
    """Return an archive as plain values; times are ISO 8601, `created_at` local, as its name tells."""
    manifest = archive.manifest
    utc = manifest.created_at_utc if manifest else None
    return {
        "name": archive.name,
        "path": str(archive.path),
        "created_at": archive.created_at.isoformat(),
        "created_at_utc": utc and utc.isoformat(),
        "size": archive.size,
        "state": archive.state.value,
        "problem": archive.problem,
        "recoverable": list(archive.proof.recoverable) if archive.proof and archive.problem else None,
        "trigger": manifest.trigger if manifest else "",
        "patients": manifest.patient_count if manifest else None,
        "visits": manifest.visit_count if manifest else None,
        "safety": archive.safety,
        "kept": archive.kept,
    }


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def _columns(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
