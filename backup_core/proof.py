"""Archive to sandbox to opened: the proof that a backup is one."""

import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any

from . import archive
from .chroma import torn_indexes
from .contents import Contents, check_integrity, is_damage, orphans, read_contents
from .errors import ArchiveUnusable, BackupError, RepositoryUnusable
from .files import need_space, remove, total_size
from .gentle import free_memory, memory_for
from .manifest import Manifest
from .probe import StoreNotUnderstood, StoreUnusable, ask
from .progress import OnProgress, Progress, Stage, ignore
from .proofs import Proof
from .sources import CHROMA, CHROMA_DB, CLINIC_DB
from .text import _
from .verify import unpack

#: The share of vectors that must find themselves, see `chromaprobe.NEAREST` and `WIDER`: the index is approximate, and
#: on a healthy store of 60,000 random vectors 1.2 % did not among their five nearest.
FOUND_SHARE = 0.95


def prove(path: Path, folder: Path, at: datetime, on_progress: OnProgress = ignore, *, behind: bool = False) -> Proof:
    """Return what opening the archive in the sandbox `folder` showed; `at` is aware UTC.

    What is wrong with the archive is in the proof; `behind` has its search asked behind everything else. Raise
    BackupError where the surroundings forbid it, RepositoryFull without room: that says nothing of the archive.
    """
    try:
        need_space(folder.parent, archive.unpacked_size(path), _("opening the backup"))
        manifest = unpack(path, folder, on_progress)
        on_progress(Progress(Stage.PROVE))
        if manifest.is_raw:
            remark = _("It keeps damaged data as it was, so its databases are not opened.")
            return Proof(at, remark=remark, opened=False)
        proof = _Sandbox(path, folder, on_progress, behind=behind).open(manifest, at)
        need_sandbox(folder)
        return proof
    except ArchiveUnusable as error:
        need_sandbox(folder)
        return Proof(at, problem=str(error), recoverable=still_whole(path, folder, error))


def need_sandbox(folder: Path) -> None:
    """Raise BackupError where the sandbox `folder` has gone with the data folder: what was missing in it tells nothing.

    The folder it lies in is looked at, for an archive that cannot be unpacked makes none.
    """
    if not folder.parent.is_dir():
        raise BackupError(
            _("The data folder went away while the backup was being checked."), hint=_("It is tried again by itself.")
        )


def still_whole(path: Path, folder: Path, error: ArchiveUnusable) -> tuple[str, ...]:
    """Return the sources of an archive, as far as it was unpacked into `folder`, that `error` says nothing against."""
    broken = {error.facts.get("source")}
    for name in (CLINIC_DB, CHROMA_DB):
        if (folder / name).is_file() and check_integrity(folder / name):
            broken.add(name.partition("/")[0])
    try:
        return tuple(source for source in archive.intact_sources(path) if source not in broken)
    except RepositoryUnusable:
        # Moved or gone meanwhile: what was found is told all the same.
        return ()


class _Sandbox:
    """An archive unpacked into a folder, to be opened there."""

    def __init__(self, path: Path, folder: Path, on_progress: OnProgress, *, behind: bool) -> None:
        self._path = path
        self._folder = folder
        self._on_progress = on_progress
        self._behind = behind
        self._remarks: list[str] = []
        self._is_opened = True

    def open(self, manifest: Manifest, at: datetime) -> Proof:
        """Return the proof of a good archive; raise ArchiveUnusable, with its `source`, for any other."""
        found = self._read()
        table, problem = _miscounted(manifest, found)
        _complain_if(problem, CHROMA if table.startswith(f"{CHROMA}:") else CLINIC_DB)
        if "patients" not in found.counts:
            self._leave_shut(_("There is no list of patients in it, so it is no backup of a clinic's records."))
        entries, asked = self._ask_chroma(found)
        remark = " ".join(filter(None, self._remarks))
        return Proof(at, "", found.patient_count, found.visit_count, entries, asked, remark, opened=self._is_opened)

    def _leave_shut(self, why: str) -> None:
        self._is_opened = False
        self._remarks.append(why)

    def _read(self) -> Contents:
        try:
            if (self._folder / CLINIC_DB).is_file():
                self._remarks.append(orphans(self._folder / CLINIC_DB))
            return read_contents(self._folder)
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
            raise _not_whole(str(error), "") from error

    def _ask_chroma(self, found: Contents) -> tuple[int, int]:
        """Return entries counted and vectors asked for; raise ArchiveUnusable where one does not answer as it should.

        Index files that do not fit together are not opened: that can take all the memory of the PC, and would then
        look like a want of it.
        """
        if not (self._folder / CHROMA_DB).is_file():
            return 0, 0
        counted = {name: count for name, count in found.counts.items() if name.startswith(f"{CHROMA}:")}
        entries = sum(counted.values())
        if torn_indexes(self._folder / CHROMA):
            _complain_if(_("the files of its search index do not fit together"), CHROMA)
        if free_memory() < memory_for(total_size(self._folder / CHROMA)):
            self._leave_shut(_("The search index was counted but not opened: this PC has too little free memory."))
            return entries, 0
        try:
            answers = self._probe()
        except StoreNotUnderstood as error:
            self._leave_shut(_("The search index was counted but not opened (%(words)s).", words=error))
            return entries, 0
        for answer in answers:
            _complain_if(_unanswered(answer, counted.get(f"{CHROMA}:{answer['name']}")), CHROMA)
        if counted.keys() - {f"{CHROMA}:{answer['name']}" for answer in answers}:
            self._leave_shut(_("The search index was counted, but not all of it answered."))
            return entries, 0
        return entries, sum(answer["asked"] for answer in answers)

    def _probe(self) -> list[dict[str, Any]]:
        """Return what the collections answer; a store that brings its child down is tried again from clean files."""
        try:
            return ask(self._folder / CHROMA, self._on_progress, behind=self._behind)
        except StoreUnusable:
            # It may have been a passing fault, and what was opened may have been changed.
            remove(self._folder / CHROMA)
            again = self._folder / "again"
            archive.extract(self._path, again, self._on_progress, only=lambda name: name.startswith(f"{CHROMA}/"))
        try:
            return ask(again / CHROMA, self._on_progress, behind=self._behind)
        except StoreUnusable as error:
            raise ArchiveUnusable(
                _("The search index in this backup cannot be opened (%(lines)s).", lines=error),
                hint=_("Choose another backup."),
                status=error.status,
                source=CHROMA,
            ) from None


def _complain_if(problem: str, source: str) -> None:
    if problem:
        raise _not_whole(problem, source)


def _not_whole(problem: str, source: str) -> ArchiveUnusable:
    return ArchiveUnusable(
        _("This backup is not whole: %(problem)s.", problem=problem), hint=_("Choose another backup."), source=source
    )


def _miscounted(manifest: Manifest, found: Contents) -> tuple[str, str]:
    """Return a table that was counted otherwise than the manifest says, and how, or ""; an old one has two counts."""
    expected = dict(manifest.counts)
    if manifest.members is None:
        expected = {"patients": manifest.patient_count, "visits": manifest.visit_count}
        expected = {table: count for table, count in expected.items() if table in found.counts and count}
    wrong = (table for table, count in expected.items() if found.counts.get(table) != count)
    table = next(wrong, None)
    if table is None:
        return "", ""
    facts = {"counts": found.counts.get(table, 0), "table": table, "expected": expected[table]}
    return table, _("it has %(counts)s %(table)s, not %(expected)s", **facts)


def _unanswered(answer: dict[str, Any], expected: int | None) -> str:
    """Return what is wrong with the answer of a collection, or ""."""
    if not answer["count"] == answer["read"] == expected:
        return _(
            "%(answer)s of %(expected)s search entries of %(answer2)s can be read",
            answer=answer["read"],
            expected=expected,
            answer2=answer["name"],
        )
    if answer["unknown"]:
        return _("the search index of %(answer)s names entries that do not exist", answer=answer["name"])
    if answer["found"] < answer["asked"] * FOUND_SHARE:
        return _(
            "only %(answer)s of %(answer2)s search entries of %(answer3)s answer",
            answer=answer["found"],
            answer2=answer["asked"],
            answer3=answer["name"],
        )
    return ""
