"""The law of the product: create, wipe, restore gives the same bytes and rows, whatever the clinic keeps."""

import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backup_core import BackupEngine
from backup_core.manifest import is_safe_name
from tests.clinic import Clinic

#: One part of a path, of any script, that this system can write.
NAMES = (
    st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/\\"), min_size=1, max_size=30)
    .filter(is_safe_name)
    .filter(lambda name: len(name.encode()) <= 120 and not name.lower().endswith((".db", ".sqlite", ".sqlite3")))
    .filter(lambda name: not name.lower().endswith(("-wal", "-shm", "-journal")))
)
CONTENTS = st.one_of(
    st.binary(max_size=200), st.integers(0, 200_000).map(lambda size: b"0123456789abcdef" * (size // 16))
)
FILES = st.dictionaries(st.lists(NAMES, min_size=1, max_size=3).map("/".join), CONTENTS, max_size=6)
ROWS = st.lists(
    st.tuples(st.text(max_size=40), st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.binary())), max_size=20
)


def write(folder: Path, files: dict[str, bytes]) -> None:
    """Write what can be written: a name may be a folder already, or two names one file."""
    for name, content in files.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError:
            continue


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=ROWS, chroma=FILES, prescriptions=FILES, folder=NAMES, wal=st.booleans())
def test_what_was_backed_up_comes_back_the_same(
    rows: list[tuple[str, object]], chroma: dict[str, bytes], prescriptions: dict[str, bytes], folder: str, wal: bool
) -> None:
    with tempfile.TemporaryDirectory() as place:
        clinic = Clinic(Path(place) / folder)
        clinic.data_dir.mkdir()
        with closing(sqlite3.connect(clinic.db)) as database, database:
            database.execute(f"PRAGMA journal_mode = {'WAL' if wal else 'DELETE'}")
            database.execute("CREATE TABLE patients (name, value)")
            database.executemany("INSERT INTO patients VALUES (?, ?)", rows)
        write(clinic.chroma, chroma)
        write(clinic.prescriptions, prescriptions)
        engine = BackupEngine(clinic.data_dir, Path(place) / "backups of it")
        before, files, there = (
            clinic.rows(),
            clinic.plain_files(),
            (clinic.chroma.exists(), clinic.prescriptions.exists()),
        )
        archive = engine.create()
        for path in (clinic.chroma, clinic.prescriptions):
            shutil.rmtree(path, ignore_errors=True)
        clinic.sql("DELETE FROM patients")
        (clinic.data_dir / "prescriptions").mkdir()

        engine.restore(archive, other_clinic=True)

        assert clinic.rows() == before
        assert clinic.plain_files() == files
        assert (clinic.chroma.exists(), clinic.prescriptions.exists()) == there
        assert archive.manifest is not None
        assert archive.manifest.patient_count == len(rows)
