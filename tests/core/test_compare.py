"""What a restore would take off, told before it happens."""

import shutil
from datetime import timedelta

import pytest

from backup_core import BackupEngine
from backup_core.compare import Entry, Loss
from backup_core.errors import NewerData
from tests.clinic import PATIENTS, Clinic
from tests.fakeclock import FakeClock


def test_nothing_is_lost_by_restoring_what_is_there(engine: BackupEngine) -> None:
    assert engine.compare(engine.create()) == []


def test_new_and_changed_entries_are_counted_and_named_by_patient_and_day(engine: BackupEngine, clinic: Clinic) -> None:
    made = engine.create()
    clinic.sql("INSERT INTO patients (uhid, name, created_at) VALUES ('N-1', 'Nora Neu', '2026-02-03 10:00:00')")
    clinic.sql("INSERT INTO visits (patient_id, visit_date) SELECT id, '2026-02-04' FROM patients WHERE uhid = 'N-1'")
    first = clinic.sql("SELECT id, name, substr(created_at, 1, 10) FROM patients ORDER BY id LIMIT 1")[0]
    clinic.sql("UPDATE patients SET phone = '12345' WHERE id = ?", first[0])

    patients, visits = engine.compare(made)

    assert patients == Loss("patients", 1, 1, (Entry("Nora Neu", "2026-02-03"),), (Entry(first[1], first[2]),))
    assert visits == Loss("visits", 1, 0, (Entry("Nora Neu", "2026-02-04"),), ())


def test_what_was_deleted_since_is_no_loss(engine: BackupEngine, clinic: Clinic) -> None:
    made = engine.create()
    clinic.sql("DELETE FROM visits")
    assert engine.compare(made) == []


def test_columns_of_another_version_are_left_out_and_its_tables_are_lost_with_all_that_is_in_them(
    engine: BackupEngine, clinic: Clinic
) -> None:
    made = engine.create()
    clinic.sql("ALTER TABLE patients ADD COLUMN nickname TEXT DEFAULT 'x'")
    clinic.sql("CREATE TABLE letters (id INTEGER PRIMARY KEY)")
    clinic.sql("CREATE TABLE allergies (id INTEGER PRIMARY KEY, patient_id INTEGER, substance TEXT)")
    clinic.sql("INSERT INTO allergies (patient_id, substance) VALUES (1, 'nuts'), (2, 'pollen')")
    assert engine.compare(made) == [Loss("allergies", 2, 0)]
    (in_full,) = engine.compare(made, in_full=True)
    assert [dict(entry.details)["substance"] for entry in in_full.missing_entries] == ["nuts", "pollen"]
    engine.restore(made)
    undoing = engine.undoing()
    assert undoing is not None
    assert ("allergies", 2) in [(loss.table, loss.missing) for loss in undoing.brings]


def test_what_a_search_table_keeps_for_itself_is_no_entry(engine: BackupEngine, clinic: Clinic) -> None:
    made = engine.create()
    clinic.sql("CREATE VIRTUAL TABLE found USING fts5(words)")
    clinic.sql("INSERT INTO found (words) VALUES ('fever')")
    assert engine.compare(made) == []


def test_a_table_whose_name_begins_like_that_of_a_search_table_is_compared(
    engine: BackupEngine, clinic: Clinic
) -> None:
    clinic.sql("CREATE VIRTUAL TABLE visits_found USING fts5(words)")
    clinic.sql("CREATE TABLE visits_found_by (id INTEGER PRIMARY KEY, who TEXT)")
    made = engine.create()
    clinic.sql("INSERT INTO visits_found (words) VALUES ('fever')")
    clinic.sql("INSERT INTO visits_found_by (who) VALUES ('Dr. Ito')")
    assert engine.compare(made) == [Loss("visits_found_by", 1, 0)]


def test_a_table_without_row_numbers_is_compared_by_its_key(engine: BackupEngine, clinic: Clinic) -> None:
    clinic.sql("CREATE TABLE stock (place TEXT, drug TEXT, amount INTEGER, PRIMARY KEY (drug, place)) WITHOUT ROWID")
    clinic.sql("INSERT INTO stock VALUES ('shelf', 'aspirin', 5), ('shelf', 'ibuprofen', 7), ('safe', 'morphine', 1)")
    made = engine.create()
    clinic.sql("UPDATE stock SET amount = 4 WHERE drug = 'aspirin'")
    clinic.sql("INSERT INTO stock VALUES ('safe', 'aspirin', 2)")
    clinic.sql("CREATE TABLE notes (title TEXT PRIMARY KEY) WITHOUT ROWID")
    clinic.sql("INSERT INTO notes VALUES ('Call the lab')")

    assert engine.compare(made) == [Loss("notes", 1, 0), Loss("stock", 1, 1)]

    notes, stock = engine.compare(made, in_full=True)
    assert [dict(entry.details) for entry in notes.missing_entries] == [{"title": "Call the lab"}]
    assert [dict(entry.details) for entry in stock.missing_entries] == [
        {"place": "safe", "drug": "aspirin", "amount": "2"}
    ]
    assert [dict(entry.details) for entry in stock.older_entries] == [
        {"place": "shelf", "drug": "aspirin", "amount": "4"}
    ]


def test_a_table_that_another_version_keeps_in_another_form_would_go_with_all_that_is_in_it(
    engine: BackupEngine, clinic: Clinic
) -> None:
    clinic.sql("CREATE TABLE stock (drug TEXT PRIMARY KEY) WITHOUT ROWID")
    clinic.sql("INSERT INTO stock VALUES ('aspirin'), ('ibuprofen')")
    made = engine.create()
    clinic.sql("DROP TABLE stock")
    clinic.sql("CREATE TABLE stock (drug TEXT PRIMARY KEY)")
    clinic.sql("INSERT INTO stock VALUES ('aspirin'), ('ibuprofen')")
    assert engine.compare(made) == [Loss("stock", 2, 0)]


def test_a_version_that_names_its_columns_otherwise_is_counted_without_names(
    engine: BackupEngine, clinic: Clinic
) -> None:
    clinic.sql("ALTER TABLE patients RENAME COLUMN name TO full_name")
    made = engine.create()
    clinic.sql("UPDATE patients SET phone = '12345' WHERE id < 4")
    assert engine.compare(made) == [Loss("patients", 0, 3)]


def test_a_number_that_is_given_again_after_a_restore_is_another_entry(engine: BackupEngine, clinic: Clinic) -> None:
    clinic.sql("INSERT INTO patients (id, name, created_at) VALUES (900, 'First', '2026-02-03 10:00:00')")
    made = engine.create()
    clinic.sql("UPDATE patients SET name = 'Second', created_at = '2026-02-04 10:00:00' WHERE id = 900")
    (patients,) = engine.compare(made)
    assert (patients.missing, patients.older) == (1, 0)
    assert patients.missing_entries[0].patient == "Second"


def test_without_todays_data_there_is_nothing_to_lose(engine: BackupEngine, clinic: Clinic) -> None:
    made = engine.create()
    clinic.db.unlink()
    assert engine.compare(made) == []


def test_a_backup_of_a_newer_docassist_is_restored_only_when_confirmed(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock
) -> None:
    before = clinic.rows()
    clinic.sql("INSERT INTO schema_versions (version) VALUES (99)")
    newer = engine.create()
    clinic.sql("DELETE FROM schema_versions WHERE version = 99")
    clock.pass_time(timedelta(minutes=1))

    with pytest.raises(NewerData, match="newer version of DocAssist"):
        engine.restore(newer)
    assert clinic.rows() == before

    assert engine.restore(newer, newer=True).patient_count == PATIENTS
    assert clinic.sql("SELECT max(version) FROM schema_versions") == [(99,)]
    engine.undo()
    assert clinic.rows() == before


@pytest.mark.parametrize("mishap", ["damaged", "missing"])
def test_a_backup_of_a_newer_docassist_wants_to_be_confirmed_also_where_todays_data_cannot_tell(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock, mishap: str
) -> None:
    clinic.sql("INSERT INTO schema_versions (version) VALUES (99)")
    newer = engine.create()
    clinic.sql("DELETE FROM schema_versions WHERE version = 99")
    clock.pass_time(timedelta(minutes=1))
    engine.create()
    if mishap == "damaged":
        data = bytearray(clinic.db.read_bytes())
        data[4096:20480] = b"\xa5" * 16384
        clinic.db.write_bytes(data)
    else:
        clinic.db.unlink()
        shutil.rmtree(clinic.chroma)
        shutil.rmtree(clinic.prescriptions)
    before = clinic.files()

    with pytest.raises(NewerData, match="newer version of DocAssist"):
        engine.restore(newer)
    assert clinic.files() == before
    assert list(engine.backup_dir.glob("safety_*")) == []

    assert engine.restore(newer, newer=True).patient_count == PATIENTS
