"""DocAssist's own automatic backups, turned off without harm to the rest of its settings."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from backup_core.emrswitch import backs_up_by_itself, turn_off
from backup_core.errors import EmrRunning
from tests.clinic import Clinic

#: As the later versions write it: an unknown key, or a missing one, would cost the doctor the whole file.
LATER = {
    "version": "1.0",
    "backup": {
        "auto_backup_enabled": True,
        "backup_frequency_hours": 4,
        "backup_on_close": True,
        "cloud_sync_enabled": False,
        "max_local_backups": 10,
    },
    "doctor": {"doctor_name": "Dr. Zoë Müller"},
}


def write(clinic: Clinic, document: object) -> None:
    """Give the clinic these settings."""
    clinic.settings.write_text(json.dumps(document, indent=2, ensure_ascii=False), encoding="utf-8")


def test_the_switches_go_off_and_every_other_byte_stays(clinic: Clinic) -> None:
    write(clinic, LATER)
    clinic.settings.chmod(0o640)
    before = clinic.settings.read_text(encoding="utf-8")
    assert backs_up_by_itself(clinic.data_dir)

    turn_off(clinic.data_dir, "")

    after = clinic.settings.read_text(encoding="utf-8")
    assert not backs_up_by_itself(clinic.data_dir)
    assert after == before.replace('_enabled": true', '_enabled": false').replace('on_close": true', 'on_close": false')
    assert clinic.settings.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    "document",
    [
        {"preferences": {"backup_frequency_hours": 4, "backup_retention_count": 10}},
        {"backup": {"auto_backup_enabled": False, "backup_on_close": False}},
        {"backup": {"auto_backup_enabled": "true", "backup_on_close": 1}},
        {"backup": [True]},
        [],
    ],
)
def test_where_there_is_no_switch_that_is_on_nothing_is_written(clinic: Clinic, document: object) -> None:
    write(clinic, document)
    before = clinic.settings.read_bytes(), clinic.settings.stat().st_mtime_ns
    assert not backs_up_by_itself(clinic.data_dir)

    turn_off(clinic.data_dir, "")

    assert (clinic.settings.read_bytes(), clinic.settings.stat().st_mtime_ns) == before


def test_nothing_is_written_while_docassist_has_its_data_open(clinic: Clinic) -> None:
    write(clinic, LATER)
    with closing(sqlite3.connect(clinic.db, isolation_level=None)) as emr:
        emr.execute("BEGIN IMMEDIATE")
        with pytest.raises(EmrRunning):
            turn_off(clinic.data_dir, "")

    assert json.loads(clinic.settings.read_text(encoding="utf-8")) == LATER


def test_without_settings_that_can_be_read_there_is_nothing_to_offer(clinic: Clinic, tmp_path: Path) -> None:
    clinic.settings.write_bytes(b"{ broken")
    assert not backs_up_by_itself(clinic.data_dir)
    assert not backs_up_by_itself(tmp_path / "nowhere")
