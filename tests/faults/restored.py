"""What has to hold of a clinic that was restored from a backup made while its writers wrote."""

import sqlite3
from contextlib import closing
from pathlib import Path

from backup_core.manifest import Manifest

from .ledger import sums
from .maker import PATIENTS
from .searcher import Searcher

SUMMARIES = "patient_summaries"
#: What the clinic of `make` begins with in each collection, and tables that are counted in every manifest.
FIRST_IDS = {f"patient_{number}" for number in range(1, PATIENTS + 1)}
TABLES = {"patients", "visits", "charges", "payments", "revisions"}
#: The share of vectors that has to find itself: the index is an approximate one.
SHARE = 0.95


def problems(data_dir: Path, manifest: Manifest, searcher: Searcher) -> list[str]:
    """Return a sentence for each rule that the restored clinic in `data_dir` breaks."""
    found: list[str] = []
    with closing(sqlite3.connect(data_dir / "clinic.db")) as database:
        charged, paid = sums(database)
        if charged != paid:
            found.append(f"the ledger says {charged} on one side and {paid} on the other")
        if orphans := database.execute("PRAGMA foreign_key_check").fetchall():
            found.append(f"{len(orphans)} rows of clinic.db belong to nothing")
        revised = [str(name) for (name,) in database.execute("SELECT patient FROM revisions ORDER BY revision")]
        (revision,) = database.execute("SELECT coalesce(max(revision), 0) FROM revisions").fetchone()
        counted = {name: number for name, number in manifest.counts.items() if not name.startswith("chroma:")}
        rows = {name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in counted}
        found += [
            f"{rows[name]} {name}, the manifest says {counted[name]}" for name in counted if rows[name] != counted[name]
        ]
        if not TABLES <= counted.keys() or counted["visits"] != manifest.visit_count:
            found.append(f"the manifest counts {counted}")
    for name in ("clinic.db", "chroma/chroma.sqlite3"):
        with closing(sqlite3.connect(data_dir / name)) as database:
            (answer,) = database.execute("PRAGMA integrity_check").fetchone()
            if answer != "ok":
                found.append(f"{name}: {answer}")
    return found + _vectors(data_dir, manifest, searcher, revision, revised)


def _vectors(data_dir: Path, manifest: Manifest, searcher: Searcher, revision: int, revised: list[str]) -> list[str]:
    answers = searcher.ask(data_dir / "chroma")
    if isinstance(answers, str):
        return [answers]
    found: list[str] = []
    for name, answer in answers.items():
        if len(answer.ids) != manifest.counts.get(f"chroma:{name}"):
            found.append(f"{name} has {len(answer.ids)} ids, the manifest {manifest.counts.get(f'chroma:{name}')}")
        # Only the summaries are written to; those of the patient of the newest revision may be between out and in.
        written, between = (set(revised), set(revised[-1:])) if name == SUMMARIES else (set[str](), set[str]())
        wrong = (set(answer.ids) ^ (FIRST_IDS | written)) - between
        if wrong or len(set(answer.ids)) != len(answer.ids):
            found.append(f"{name} has not the ids that it should: {sorted(wrong)}")
        if answer.unknown or answer.found < SHARE * answer.asked:
            found.append(f"{name}: {answer.found} of {answer.asked} find themselves, {answer.unknown} unknown ids")
    # A revision is noted in clinic.db before its vectors are deleted and added: at one instant they are one apart.
    if answers[SUMMARIES].revision not in (revision, revision - 1):
        found.append(f"not one instant: revision {revision} in clinic.db, {answers[SUMMARIES].revision} in the vectors")
    return found
