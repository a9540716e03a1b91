"""Archive to sandbox to opened: the proof that a backup is one."""

import json
import subprocess
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from . import archive
from .children import ROOT, command
from .contents import Contents, orphans, read_contents
from .errors import ArchiveUnusable, BackupError
from .files import need_space, total_size, translating
from .gentle import free_memory
from .manifest import Manifest
from .progress import OnProgress, Progress, Stage, ignore
from .proofs import Proof
from .sources import CHROMA, CHROMA_DB, CLINIC_DB
from .text import _
from .verify import unpack

#: The share of vectors that must find themselves among their five nearest: the index is approximate, and on a healthy
#: store of 60,000 random vectors 1.2 % did not.
FOUND_SHARE = 0.95
#: Memory that opening a store takes: this many times its index, besides the library's own.
_MEMORY_FACTOR = 1.2
_LIBRARY_MEMORY = 200 << 20
_PROBE_PATIENCE = 900.0
#: Seconds between two looks whether somebody wants it stopped.
_LOOK_EVERY = 0.1


def prove(path: Path, folder: Path, at: datetime, on_progress: OnProgress = ignore) -> Proof:
    """Return what opening the archive in the sandbox `folder` showed; `at` is aware UTC.

    What is wrong with the archive is in the proof. Raise BackupError where the surroundings forbid it, RepositoryFull
    without room.
    """
    remarks: list[str] = []
    try:
        need_space(folder.parent, archive.unpacked_size(path), _("opening the backup"))
        manifest = unpack(path, folder, on_progress)
        on_progress(Progress(Stage.PROVE))
        if manifest.is_raw:
            return Proof(at, remark=_("It keeps damaged data as it was, so its databases are not opened."))
        if (folder / CLINIC_DB).is_file():
            remarks.append(orphans(folder / CLINIC_DB))
        found = read_contents(folder)
        _complain_if(_miscounted(manifest, found))
        entries, asked = _ask_chroma(folder, found, remarks, on_progress)
    except ArchiveUnusable as error:
        return Proof(at, problem=str(error), recoverable=archive.intact_sources(path))
    return Proof(at, "", found.patient_count, found.visit_count, entries, asked, " ".join(filter(None, remarks)))


def _complain_if(problem: str) -> None:
    if problem:
        raise ArchiveUnusable(
            _("This backup is not whole: %(problem)s.", problem=problem), hint=_("Choose another backup.")
        )


def _miscounted(manifest: Manifest, found: Contents) -> str:
    """Return what was counted otherwise than the manifest says, or ""; an old manifest has two counts only."""
    expected = dict(manifest.counts)
    if manifest.members is None:
        expected = {"patients": manifest.patient_count, "visits": manifest.visit_count}
        expected = {table: count for table, count in expected.items() if table in found.counts and count}
    wrong = (table for table, count in expected.items() if found.counts.get(table) != count)
    table = next(wrong, None)
    return (
        ""
        if table is None
        else _(
            "it has %(counts)s %(table)s, not %(expected)s",
            counts=found.counts.get(table, 0),
            table=table,
            expected=expected[table],
        )
    )


def _ask_chroma(folder: Path, found: Contents, remarks: list[str], on_progress: OnProgress) -> tuple[int, int]:
    """Return entries counted and vectors asked for; raise ArchiveUnusable if the store does not answer as it should."""
    entries = sum(count for name, count in found.counts.items() if name.startswith(f"{CHROMA}:"))
    if not (folder / CHROMA_DB).is_file():
        return 0, 0
    needed = int(total_size(folder / CHROMA) * _MEMORY_FACTOR) + _LIBRARY_MEMORY
    if free_memory() < needed:
        remarks.append(_("The search index was counted but not opened: this PC has too little free memory."))
        return entries, 0
    collections = _probe(folder / CHROMA, on_progress)
    for answer in collections:
        expected = found.counts.get(f"{CHROMA}:{answer['name']}")
        if not answer["count"] == answer["read"] == expected:
            _complain_if(
                _(
                    "%(answer)s of %(expected)s search entries of %(answer2)s can be read",
                    answer=answer["read"],
                    expected=expected,
                    answer2=answer["name"],
                )
            )
        if answer["unknown"]:
            _complain_if(_("the search index of %(answer)s names entries that do not exist", answer=answer["name"]))
        if answer["found"] < answer["asked"] * FOUND_SHARE:
            _complain_if(
                _(
                    "only %(answer)s of %(answer2)s search entries of %(answer3)s answer",
                    answer=answer["found"],
                    answer2=answer["asked"],
                    answer3=answer["name"],
                )
            )
    return entries, sum(answer["asked"] for answer in collections)


def _probe(store: Path, on_progress: OnProgress) -> list[dict[str, Any]]:
    """Open the copied store in a child process, which may crash without harm; what `on_progress` raises ends it."""
    with (
        translating(BackupError, _("The check of the search index could not be started")),
        subprocess.Popen(
            command("backup_core.chromaprobe"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        ) as child,
    ):
        try:
            told, complained = _told_by(child, json.dumps({"folder": str(store)}).encode(), on_progress)
        finally:
            # It reads a copy that nobody else uses, so it may be stopped anywhere.
            child.kill()
    try:
        answer: list[dict[str, Any]] = json.loads(told)["collections"]
        return answer
    except (ValueError, KeyError):
        lines = complained.decode(errors="replace").strip().splitlines()
        raise ArchiveUnusable(
            _(
                "The search index in this backup cannot be opened (%(lines)s).",
                lines=lines[-1] if lines else "it crashed",
            ),
            hint=_("Choose another backup."),
            status=child.returncode,
        ) from None


def _told_by(child: "subprocess.Popen[bytes]", question: bytes, on_progress: OnProgress) -> tuple[bytes, bytes]:
    """Return what the child says to the question on stdout and stderr; raise BackupError where it takes too long."""
    deadline, unsaid = time.monotonic() + _PROBE_PATIENCE, question
    while True:
        try:
            return child.communicate(unsaid, timeout=_LOOK_EVERY)
        except subprocess.TimeoutExpired:
            unsaid = b""
        on_progress(Progress(Stage.PROVE))
        if time.monotonic() > deadline:
            raise BackupError(_("The check of the search index took too long."), hint=_("It is tried again by itself."))
