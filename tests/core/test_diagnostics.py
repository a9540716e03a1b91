"""Diagnostics: what helps whoever helps, and nothing that tells of a patient."""

import sqlite3
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import pytest

from backup_core import BackupEngine
from backup_core.diagnostics import diagnostics
from backup_core.preferences import Preferences
from backup_core.runs import Action, Outcome, Run, Trigger
from tests.clinic import Clinic
from tests.core.commandline import Run as Command

SECRET = "Prescription of Ravi Kumar.pdf"


def test_it_has_the_versions_the_room_and_the_last_errors_by_code(engine: BackupEngine) -> None:
    engine.create()
    engine.history.append(
        Run(
            action=Action.BACKUP,
            trigger=Trigger.INTERVAL,
            outcome=Outcome.FAILED,
            started_at=datetime(2026, 3, 4, 10, 30, tzinfo=UTC),
            code="disk-full",
            reason=f"{SECRET} could not be written.",
            facts={"needed": 123, "name": SECRET},
        )
    )
    text = diagnostics(engine, Preferences(frequency_hours=6))

    assert f"SQLite {sqlite3.sqlite_version}" in text
    assert f"Chroma {metadata.version('chromadb')}" in text
    assert "1 verified" in text
    assert "every 6 h, keep 10" in text
    assert "free " in text
    assert "2026-03-04 10:30 UTC backup (interval): disk-full [needed 123]" in text
    assert "last good run: 2025-03-03 08:00 UTC, made" in text


def test_nothing_in_it_tells_of_a_patient_or_of_this_user(engine: BackupEngine, clinic: Clinic) -> None:
    clinic.admit(SECRET)
    (clinic.prescriptions / SECRET).write_bytes(b"x")
    engine.create()
    text = diagnostics(engine, Preferences(emr_command=f"open '{SECRET}'", extras=(SECRET,)))

    assert "Ravi" not in text
    assert str(clinic.data_dir) not in text
    assert not any(name in text for name in clinic.names())
    assert str(Path.home()) not in text


def test_folders_that_are_away_are_said(engine: BackupEngine, tmp_path: Path) -> None:
    away = BackupEngine(tmp_path / "gone", tmp_path / "no" / "drive")
    assert "data folder: not there" in diagnostics(away, Preferences())
    assert "backups: cannot be listed (repository-unusable)" in diagnostics(away, Preferences())
    assert "last good run: none" in diagnostics(away, Preferences())


@pytest.mark.usefixtures("own_log")
def test_the_command_prints_it(run: Command) -> None:
    printed = run("diagnostics")
    assert printed.status == 0
    assert "last errors (0 in the history):" in printed.out
    assert run("--json", "diagnostics").document["diagnostics"][0].startswith("DocAssist Backup ")
