"""Undo: each restore can be gone back from, one after the other, as far as the safety backups reach."""

import shutil
from datetime import timedelta

import pytest

from backup_core import BackupEngine
from backup_core.compare import Entry
from backup_core.errors import NothingToUndo, RestoreFailed
from backup_core.files import PRIVATE
from backup_core.history import Action, Outcome
from backup_core.listing import Archive
from tests.clinic import PATIENTS, Clinic
from tests.fakeclock import FakeClock


def archive_with(engine: BackupEngine, clinic: Clinic, name: str) -> Archive:
    clinic.admit(name)
    return engine.create()


def last(clinic: Clinic) -> str:
    return clinic.names()[-1]


def test_undo_after_undo_leads_on_to_the_restore_before(engine: BackupEngine, clinic: Clinic) -> None:
    first, second = (archive_with(engine, clinic, name) for name in ("A", "B"))
    clinic.admit("Today")
    today = clinic.rows()
    engine.restore(first)
    engine.restore(second)
    assert last(clinic) == "B"

    engine.undo()
    assert last(clinic) == "A"
    engine.undo()
    assert clinic.rows() == today

    assert engine.undoable() is None
    with pytest.raises(NothingToUndo):
        engine.undo()
    assert clinic.rows() == today


def test_what_was_entered_after_a_restore_is_kept_when_it_is_undone(engine: BackupEngine, clinic: Clinic) -> None:
    first = archive_with(engine, clinic, "A")
    clinic.admit("Before")
    engine.restore(first)
    clinic.admit("After")

    undone = engine.undo()

    assert clinic.names()[-2:] == ["A", "Before"]
    kept = engine.find(str(undone.safety))
    assert kept.safety
    engine.restore(kept)
    assert clinic.names()[-2:] == ["A", "After"]


def test_undo_tells_before_what_it_brings_back_and_what_it_puts_aside(engine: BackupEngine, clinic: Clinic) -> None:
    first = archive_with(engine, clinic, "A")
    assert engine.undoing() is None
    clinic.admit("Before")
    clinic.sql("UPDATE patients SET phone = '1' WHERE name = 'A'")
    engine.restore(first)
    clinic.sql("INSERT INTO patients (name, created_at) VALUES ('After', '2026-02-03')")
    rows = clinic.rows()

    foreseen = engine.undoing()

    assert foreseen is not None
    assert (foreseen.restored, foreseen.archive, foreseen.problem) == (first.name, engine.undoable(), "")
    back = {loss.table: loss for loss in foreseen.brings}
    assert [entry.patient for entry in back["patients"].missing_entries] == ["Before"]
    assert [entry.patient for entry in back["patients"].older_entries] == ["A"]
    assert back["visits"].missing == 1
    aside = {loss.table: loss for loss in foreseen.puts_aside}
    assert aside["patients"].missing_entries == (Entry("After", "2026-02-03"),)
    assert "visits" not in aside
    assert clinic.sql("SELECT id FROM patients WHERE name = 'After'") == [(62,)], "the number that 'Before' had"
    assert clinic.rows() == rows


def test_an_undo_that_brings_back_damaged_data_says_that_it_cannot_compare_them(
    engine: BackupEngine, clinic: Clinic
) -> None:
    first = archive_with(engine, clinic, "A")
    damaged = clinic.db.read_bytes()[:5000] + b"\xa5" * 9000
    clinic.db.write_bytes(damaged)
    engine.restore(first)

    foreseen = engine.undoing()

    assert foreseen is not None
    assert (foreseen.brings, foreseen.puts_aside) == ((), ())
    assert foreseen.problem.startswith("The entries cannot be compared. The clinic's records in this backup")
    engine.undo()
    assert clinic.db.read_bytes() == damaged


def test_an_undo_without_todays_database_says_so(engine: BackupEngine, clinic: Clinic) -> None:
    engine.restore(archive_with(engine, clinic, "A"))
    clinic.db.unlink()
    foreseen = engine.undoing()
    assert foreseen is not None
    assert foreseen.problem == "The entries cannot be compared. There is no clinic.db today."


def test_a_restore_after_an_undo_can_be_undone_too(engine: BackupEngine, clinic: Clinic) -> None:
    first = archive_with(engine, clinic, "A")
    clinic.admit("Today")
    for _ in range(3):
        engine.restore(first)
        assert last(clinic) == "A"
        engine.undo()
        assert last(clinic) == "Today"


def test_undo_goes_back_over_an_upgrade_of_the_emr(engine: BackupEngine, clinic: Clinic) -> None:
    first = archive_with(engine, clinic, "A")
    clinic.sql("INSERT INTO schema_versions (version) VALUES (4)")
    clinic.admit("Upgraded")
    engine.restore(first)

    engine.undo()

    assert last(clinic) == "Upgraded"
    assert clinic.sql("SELECT max(version) FROM schema_versions") == [(4,)]


def test_the_safety_backup_that_undo_needs_outlives_a_year_of_pruning(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock
) -> None:
    first = archive_with(engine, clinic, "A")
    clinic.admit("Today")
    engine.restore(first)
    for _ in range(5):
        clock.pass_time(timedelta(days=73))
        engine.restore(first)
        engine.undo()
        engine.prune(keep=1)

    undoable = engine.undoable()
    assert undoable is not None
    engine.undo()
    assert last(clinic) == "Today"


def test_safety_backups_go_after_a_month_but_for_the_newest(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock
) -> None:
    archive = engine.create()
    for _ in range(5):
        engine.restore(archive)
        engine.undo()
    clock.pass_time(timedelta(days=31))

    engine.prune()

    assert len([one for one in engine.archives() if one.safety]) == 3
    assert archive.name in {one.name for one in engine.archives()}


def test_without_its_safety_backup_a_restore_cannot_be_undone(engine: BackupEngine, clinic: Clinic) -> None:
    restored = engine.restore(archive_with(engine, clinic, "A"))
    engine.find(str(restored.safety)).path.unlink()

    assert engine.undoable() is None
    with pytest.raises(NothingToUndo):
        engine.undo()


def test_every_restore_and_undo_is_in_the_history(engine: BackupEngine, clinic: Clinic) -> None:
    archive = archive_with(engine, clinic, "A")
    restored = engine.restore(archive)
    engine.undo()

    undo, restore = engine.history.runs()[:2]
    assert (undo.action, undo.outcome, undo.archive) == (Action.UNDO, Outcome.DONE, restored.safety)
    assert (restore.action, restore.outcome, restore.archive) == (Action.RESTORE, Outcome.DONE, archive.name)
    assert restore.facts["patients"] == PATIENTS + 1
    assert restore.facts["safety"] == restored.safety


def test_notes_of_undo_that_cannot_be_read_forbid_nothing_else(engine: BackupEngine, clinic: Clinic) -> None:
    archive = archive_with(engine, clinic, "A")
    engine.restore(archive)
    (clinic.data_dir / PRIVATE / "undo.json").write_text("[{")

    assert engine.undoable() is None
    engine.restore(archive)
    assert engine.undoable() is not None


@pytest.mark.parametrize("notes", ["{", "[]", '{"phase": "sideways"}', '{"phase": "forward", "changes": []}'])
def test_notes_of_a_swap_that_cannot_be_read_are_said_so(engine: BackupEngine, clinic: Clinic, notes: str) -> None:
    archive = archive_with(engine, clinic, "A")
    (clinic.data_dir / PRIVATE / "journal.json").write_text(notes)

    with pytest.raises(RestoreFailed, match="notes cannot be read"):
        engine.recover()
    with pytest.raises(RestoreFailed):
        engine.restore(archive)
    assert engine.create().is_good


def test_recover_has_nothing_to_say_where_nothing_happened(engine: BackupEngine, clinic: Clinic) -> None:
    assert engine.recover() is None
    assert not (clinic.data_dir / PRIVATE).exists()
    engine.create()
    assert engine.recover() is None
    shutil.rmtree(clinic.data_dir)
    assert engine.recover() is None
    assert not clinic.data_dir.exists()


def test_undo_brings_back_the_settings_that_a_restore_replaced_and_leaves_others_alone(
    engine: BackupEngine, clinic: Clinic
) -> None:
    made = engine.create()
    clinic.settings.write_text('{"doctor": "of today"}')
    engine.restore(made, with_settings=True)
    assert clinic.settings.read_text() != '{"doctor": "of today"}'
    engine.undo()
    assert clinic.settings.read_text() == '{"doctor": "of today"}'

    engine.restore(made)
    clinic.settings.write_text('{"doctor": "of tomorrow"}')
    engine.undo()
    assert clinic.settings.read_text() == '{"doctor": "of tomorrow"}'
