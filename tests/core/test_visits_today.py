"""The day's work in the manifest: for the words at closing time, so that nobody asks the live database for them."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from backup_core.engine import BackupEngine
from backup_core.manifest import Manifest
from tests.fakeclock import FakeClock


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (
            "CREATE TABLE visits (visit_date DATE); INSERT INTO visits VALUES (:today), (:today), (:yesterday), (NULL)",
            2,
        ),
        ("CREATE TABLE visits (note TEXT); INSERT INTO visits VALUES ('of another version')", None),
        ("CREATE TABLE patients (name TEXT)", None),
    ],
)
def test_an_archive_says_how_many_visits_are_dated_that_day(tmp_path: Path, schema: str, expected: int | None) -> None:
    clock = FakeClock()
    (tmp_path / "data").mkdir()
    with closing(sqlite3.connect(tmp_path / "data" / "clinic.db")) as database, database:
        for statement in schema.split("; "):
            names = {"today": clock.local().date().isoformat(), "yesterday": "2025-03-02"}
            database.execute(statement, names if ":" in statement else {})
    manifest = BackupEngine(tmp_path / "data", clock=clock).create().manifest
    assert manifest is not None
    assert manifest.visits_today == expected
    assert Manifest.from_json(manifest.to_json()).visits_today == expected
