"""Backups of a clinic that is being written to: a short form of `python -m tests.faults.live_writers`."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from backup_core.archive import extract
from backup_core.contents import read_contents
from tests.clinic import Clinic

from .live_writers import campaign
from .maker import make


@pytest.mark.parametrize(
    ("mode", "threshold", "backups"),
    [("rollback", 20, 5), ("rollback", 100, 3), ("write-ahead", 20, 4), ("write-ahead", 1000, 2)],
)
def test_backups_made_while_three_programs_write_are_whole_and_no_write_fails(
    mode: str, threshold: int, backups: int, tmp_path: Path
) -> None:
    outcome = campaign(tmp_path, backups=backups, wal=mode == "write-ahead", threshold=threshold)
    assert not outcome.bad, outcome
    assert not any(outcome.failed.values()), outcome
    assert min(outcome.writes.values()) > 20


def test_a_backup_counts_the_vectors_that_are_still_queued(tmp_path: Path) -> None:
    make(tmp_path / "data", patients=20)
    before = read_contents(tmp_path / "data").counts
    with closing(sqlite3.connect(tmp_path / "data" / "chroma" / "chroma.sqlite3")) as store, store:
        # As between the two transactions in which Chroma adds the last patient of each collection.
        store.execute("UPDATE max_seq_id SET seq_id = seq_id - 1")
        store.execute("DELETE FROM embeddings WHERE embedding_id = 'patient_20'")
        assert store.execute("SELECT count(*) FROM embeddings_queue").fetchone()[0] == 2
    assert read_contents(tmp_path / "data").counts == before
    assert before["chroma:patient_summaries"] == 20


def test_index_files_that_were_rewritten_after_they_were_copied_are_copied_again(
    clinic: Clinic, tmp_path: Path
) -> None:
    before = clinic.plain_files()
    command = [sys.executable, "-m", "tests.faults.watched", "rewritten", str(clinic.data_dir)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    after = clinic.plain_files()
    assert [name for name in after if name.endswith("header.bin") and after[name] != before.get(name)]
    archive = clinic.data_dir / "backups" / json.loads(done.stdout)["archive"]
    manifest = extract(archive, tmp_path / "unpacked")
    assert Clinic(tmp_path / "unpacked").plain_files().items() >= after.items()
    assert manifest.counts["chroma:patient_summaries"] == 60 + 60
