"""Carry out a prepared swap, take it back when it fails, and finish after a crash what was begun."""

import contextlib
import json
import logging
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

from .datafolder import DataFolder
from .errors import BackupError, RepositoryFull, RestoreFailed
from .files import sync_folder, translating, write_own
from .journal import Phase
from .sources import SETTINGS, Kind
from .swap import Swap
from .text import N_, _

logger = logging.getLogger(__name__)

_RESTART = N_("Restart the computer: it is put right when DocAssist Backup next starts.")


class Swapper:
    """Swaps in one data folder, and remembers which restores can be undone; its lock is held by the caller."""

    def __init__(self, data: DataFolder) -> None:
        self._data = data
        self._undo_path = data.private / "undo.json"

    def do(self, swap: Swap, names: Sequence[str], *, may_arm: bool) -> bool:
        """Put what lies in the box in place of the sources `names` and return True.

        Where open files forbid it, take it back and raise RestoreFailed, or with `may_arm` leave it ready: False.
        """
        try:
            self._start(swap, names)
            swap.run()
        except OSError as error:
            self._take_back(swap, error)
            if may_arm and isinstance(error, PermissionError):
                swap.write(Phase.ARMED)
                return False
            swap.end()
            hint = _("Close DocAssist and every program that uses its data, then try again.")
            kind = partial(RestoreFailed, rolled_back=True)
            with translating(kind, _("The data could not be replaced, and is as it was before"), hint=hint):
                raise
        with _half_way(_("The data has been restored, but this could not be noted")):
            self._finish(swap)
        return True

    def arm(self, swap: Swap, names: Sequence[str]) -> None:
        """Leave what lies in the box ready for `recover` to put in its place; raise RestoreFailed, nothing changed."""
        kind = partial(RestoreFailed, rolled_back=True)
        with translating(kind, _("The restore could not be made ready, and the data is as it was before")):
            swap.plan(names)
            swap.write(Phase.ARMED)

    def recover(self, swap: Swap, keep_today: Callable[[], str | None]) -> str:
        """Finish, do or take back a swap that was left, and return a sentence saying which.

        `keep_today` makes a safety backup of what has been entered since, and returns its name. Raise RestoreFailed
        where the disk forbids it; it can be tried again. Raise it too, with nothing touched, where nothing tells how
        far the swap came.
        """
        with _half_way(_("An interrupted restore could not be put right")):
            was_armed = swap.journal.phase is Phase.ARMED
            self._flush_names(swap)
            if not was_armed:
                swap.check()
            kept = keep_today() if was_armed or swap.was_overtaken() else None
            meanwhile = _("What was entered meanwhile is in %(kept)s.", kept=kept) if kept and not was_armed else ""
            if swap.journal.phase is Phase.BACK:
                swap.run()
                swap.end()
                taken_back = _("A restore was interrupted. It was taken back: the data is as it was before.")
                return f"{taken_back} {meanwhile}".strip()
            if was_armed:
                swap.journal = replace(swap.journal, safety=kept or swap.journal.safety)
                self._start(swap, [change.name for change in swap.journal.changes])
            swap.run()
            self._finish(swap)
        finished = _("The restore of %(archive)s has been finished.", archive=swap.journal.archive)
        return f"{finished} {meanwhile}".strip()

    def undo_stack(self) -> list[dict[str, str]]:
        """Return the restores that can be undone, oldest first: their `id`, `archive` and `safety`.

        `changed` is "settings" where settings.json was replaced too.
        """
        with translating(BackupError, _("The notes on past restores cannot be read")):
            try:
                return [dict(entry) for entry in json.loads(self._undo_path.read_bytes())]
            except (FileNotFoundError, ValueError, TypeError):
                return []

    def _start(self, swap: Swap, names: Sequence[str]) -> None:
        """Let SQLite tidy up the live databases, then write the journal: from here on the restore will happen."""
        for source in self._data.sources():
            if source.kind is Kind.DATABASE and source.name in names:
                _settle(source.path)
        swap.plan(names)
        try:
            swap.check()
        except RestoreFailed as error:
            swap.end()
            raise RestoreFailed(
                _("The data was not replaced, for this disk would not tell after a power cut how far that came."),
                rolled_back=True,
                hint=_("Copy the data folder to another disk, or restore by hand as OPEN-ME.txt in the backup says."),
            ) from error
        swap.write(Phase.FORWARD)

    def _flush_names(self, swap: Swap) -> None:
        """Make last what a process that was cut off has renamed, the journal first: the rest builds on it."""
        changed = [change.name for change in swap.journal.changes]
        tops = (swap.new.parent, swap.new, swap.old, self._data.path)
        parents = [(top / name).parent for top in tops[1:] for name in changed]
        for folder in dict.fromkeys([self._data.private, tops[0].parent, *tops, *parents]):
            if folder.is_dir():
                sync_folder(folder)

    @staticmethod
    def _take_back(swap: Swap, cause: OSError) -> None:
        logger.warning("the swap failed and is taken back", exc_info=cause)
        with _half_way(_("The restore failed half way")):
            # A full disk has no room for the note, but the way back needs none: after a crash it would go forward.
            with contextlib.suppress(OSError):
                swap.write(Phase.BACK)
            swap.run()

    def _finish(self, swap: Swap) -> None:
        """Note what was restored, then forget the swap; doing it twice does no harm."""
        journal = swap.journal
        stack = [entry for entry in self.undo_stack() if entry["id"] != journal.id]
        if journal.undoes:
            stack = [entry for entry in stack if entry["safety"] != journal.archive]
        elif journal.safety is not None:
            changed = "settings" if any(change.name == SETTINGS for change in journal.changes) else ""
            entry = {"id": journal.id, "archive": journal.archive, "safety": journal.safety, "changed": changed}
            stack.append(entry)
        write_own(self._undo_path, json.dumps(stack).encode())
        if journal.origin is not None:
            self._data.origin = journal.origin
        swap.end()


@contextlib.contextmanager
def _half_way(sentence: str) -> Iterator[None]:
    """Raise what the disk refuses in the block as RestoreFailed; a full disk as RepositoryFull, not rolled back too."""
    try:
        with translating(RestoreFailed, sentence, hint=_(_RESTART)):
            yield
    except RepositoryFull as full:
        full.facts["rolled_back"] = False
        raise


def _settle(database: Path) -> None:
    """Bring a live database into one file, so that it is whole without its side files while it is replaced."""
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=rw", uri=True, timeout=2.0)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error:
        # It is damaged, or the EMR that called us has it open; the safety backup has it all the same.
        logger.warning("%s could not be settled before it is replaced", database, exc_info=True)
