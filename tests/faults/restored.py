"""What has to hold of a clinic that was restored from a backup made while its writers wrote."""

import sqlite3
from contextlib import closing
from pathlib import Path

from backup_core.manifest import Manifest

from .ledger import sums
from .searcher import Searcher

SUMMARIES = "patient_summaries"
#: The share of vectors that has to find itself: the index is an approximate one.
SHARE = 0.95


def problems(data_dir: Path, manifest: Manifest, searcher: Searcher) -> list[str]:
    """Return a sentence for each rule that the restored clinic in `data_dir` breaks."""
    found: list[str] = []
    with closing(sqlite3.connect(data_dir / "clinic.db")) as database:
        charged, paid = sums(database)
        if charged != paid:
            found.append(f"the ledger says {charged} on one side and {paid} on the other")
        if rows := database.execute("PRAGMA foreign_key_check").fetchall():
            found.append(f"{len(rows)} rows of clinic.db belong to nothing")
        (revision,) = database.execute("SELECT coalesce(max(revision), 0) FROM revisions").fetchone()
        (visits,) = database.execute("SELECT count(*) FROM visits").fetchone()
        if visits != manifest.visit_count:
            found.append(f"{visits} visits, but the manifest says {manifest.visit_count}")
    for name in ("clinic.db", "chroma/chroma.sqlite3"):
        with closing(sqlite3.connect(data_dir / name)) as database:
            (answer,) = database.execute("PRAGMA integrity_check").fetchone()
            if answer != "ok":
                found.append(f"{name}: {answer}")
    return found + _vectors(data_dir, manifest, searcher, revision)


def _vectors(data_dir: Path, manifest: Manifest, searcher: Searcher, revision: int) -> list[str]:
    answers = searcher.ask(data_dir / "chroma")
    if isinstance(answers, str):
        return [answers]
    found: list[str] = []
    for name, answer in answers.items():
        if answer.ids != manifest.counts.get(f"chroma:{name}"):
            found.append(f"{name} has {answer.ids} ids, the manifest {manifest.counts.get(f'chroma:{name}')}")
        if answer.unknown or answer.found < SHARE * answer.asked:
            found.append(f"{name}: {answer.found} of {answer.asked} find themselves, {answer.unknown} unknown ids")
    # A revision is noted in clinic.db before its vectors are deleted and added: at one instant they are one apart.
    if answers[SUMMARIES].revision not in (revision, revision - 1):
        found.append(f"not one instant: revision {revision} in clinic.db, {answers[SUMMARIES].revision} in the vectors")
    return found
