"""The engine's operations: what each makes, records and refuses."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from backup_core import BackupEngine, BackupError
from backup_core.errors import ArchiveUnusable, RepositoryUnusable, SnapshotFailed, SourceDamaged
from backup_core.files import PRIVATE
from backup_core.history import Action, Outcome, Trigger
from backup_core.listing import Archive
from backup_core.progress import Progress, Stage
from backup_core.retention import Policy
from tests.audit import listening
from tests.clinic import PATIENTS, Clinic
from tests.core import oldemr
from tests.core.test_archive import WHEN, member, zip_of
from tests.fakeclock import FakeClock


def test_a_run_of_unchanged_data_makes_no_archive_but_confirms_the_newest(
    engine: BackupEngine, clock: FakeClock
) -> None:
    made = engine.back_up(Trigger.STARTUP)
    clock.pass_time(timedelta(hours=1))

    confirmed = engine.back_up(Trigger.INTERVAL)

    assert (made.outcome, confirmed.outcome) == (Outcome.MADE, Outcome.UNCHANGED)
    assert confirmed.archive == made.archive
    assert len(engine.archives()) == 1
    assert engine.history.confirmations() == {made.archive: clock.now()}
    assert made.facts["patients"] == PATIENTS


def _admit(clinic: Clinic, engine: BackupEngine) -> None:
    clinic.admit("New")


def _add_a_prescription(clinic: Clinic, engine: BackupEngine) -> None:
    (clinic.prescriptions / "new.pdf").touch()


def _change_settings(clinic: Clinic, engine: BackupEngine) -> None:
    clinic.settings.write_text("{}")


def _touch_vectors(clinic: Clinic, engine: BackupEngine) -> None:
    with closing(sqlite3.connect(clinic.chroma / "chroma.sqlite3")) as database, database:
        database.execute("CREATE TABLE new (x)")


def _leave_a_side_file(clinic: Clinic, engine: BackupEngine) -> None:
    (clinic.data_dir / "clinic.db-wal").write_bytes(b"perhaps something")


def _lose_a_store(clinic: Clinic, engine: BackupEngine) -> None:
    shutil.rmtree(clinic.chroma)


def _lose_the_archive(clinic: Clinic, engine: BackupEngine) -> None:
    engine.archives()[0].path.unlink()


def _damage_the_archive(clinic: Clinic, engine: BackupEngine) -> None:
    os.truncate(engine.archives()[0].path, 1000)


def _let_the_emr_make_one(clinic: Clinic, engine: BackupEngine) -> None:
    oldemr.create_backup(clinic.data_dir, engine.backup_dir, WHEN)


CHANGES = [
    _admit,
    _add_a_prescription,
    _change_settings,
    _touch_vectors,
    _leave_a_side_file,
    _lose_a_store,
    _lose_the_archive,
    _damage_the_archive,
    _let_the_emr_make_one,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__.strip("_"))
def test_any_doubt_whether_the_archive_holds_this_very_state_makes_a_new_one(
    engine: BackupEngine, clinic: Clinic, change: Callable[[Clinic, BackupEngine], None]
) -> None:
    engine.back_up(Trigger.STARTUP)
    change(clinic, engine)

    assert engine.back_up(Trigger.INTERVAL).outcome is Outcome.MADE


@pytest.mark.parametrize("trigger", [Trigger.MANUAL, Trigger.CLI, Trigger.API])
def test_what_a_person_asks_for_is_always_made(engine: BackupEngine, trigger: Trigger) -> None:
    assert [engine.back_up(trigger).outcome for _ in range(2)] == [Outcome.MADE] * 2
    assert len(engine.archives()) == 2


def test_inside_the_emr_no_live_file_is_looked_into_so_that_every_run_makes_an_archive(clinic: Clinic) -> None:
    opened: list[str] = []

    def listen(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and str(arguments[0]).startswith(str(clinic.data_dir)):
            opened.append(str(arguments[0]).removeprefix(f"{clinic.data_dir}/"))

    inside = BackupEngine(clinic.data_dir, peek=False)
    with listening(listen):
        assert [inside.back_up(Trigger.INTERVAL).outcome for _ in range(2)] == [Outcome.MADE] * 2

    live = [name for name in opened if not name.startswith((PRIVATE, "backups"))]
    assert [name for name in live if "clinic.db" in name or "chroma.sqlite3" in name] == []
    assert "settings.json" in live


def test_a_run_prunes_and_never_the_archive_that_it_made(clinic: Clinic, clock: FakeClock) -> None:
    engine = BackupEngine(clinic.data_dir, clock=clock, policy=Policy(newest=1))
    for years in (0, 1, 1):
        clock.set_back(timedelta(days=365 * years))
        run = engine.back_up(Trigger.MANUAL)
        assert [archive.name for archive in engine.archives()] == [run.archive]


def test_a_failed_run_is_recorded_with_its_reason_and_raised(engine: BackupEngine, clinic: Clinic) -> None:
    clinic.db.write_bytes(b"damaged" * 1000)

    with pytest.raises(SourceDamaged) as raised:
        engine.back_up(Trigger.INTERVAL)

    (run,) = engine.history.runs()
    assert (run.action, run.trigger, run.outcome) == (Action.BACKUP, Trigger.INTERVAL, Outcome.FAILED)
    assert (run.code, run.reason, run.archive) == (raised.value.code, str(raised.value), None)
    assert run.facts["source"] == "clinic.db"


def test_a_failure_to_tidy_up_is_recorded_and_fails_no_backup(clinic: Clinic) -> None:
    engine = BackupEngine(clinic.data_dir, policy=Policy(newest=1))
    first = engine.create()

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "os.remove" and Path(arguments[0]) == first.path:
            raise PermissionError(13, "Permission denied")

    with listening(refuse):
        assert engine.back_up(Trigger.MANUAL).outcome is Outcome.MADE

    pruned = engine.history.runs()[0]
    assert (pruned.action, pruned.outcome, pruned.code) == (
        Action.PRUNE,
        Outcome.FAILED,
        RepositoryUnusable.code,
    )
    assert len(engine.archives()) == 2


def test_an_archive_can_be_deleted_but_never_the_only_good_one(engine: BackupEngine) -> None:
    first, second = engine.create(), engine.create()

    engine.delete(first)
    assert [archive.name for archive in engine.archives()] == [second.name]

    with pytest.raises(BackupError, match="only good backup"):
        engine.delete(second)
    assert second.path.exists()
    assert [run.outcome for run in engine.history.runs()[:2]] == [Outcome.FAILED, Outcome.DONE]


def test_what_the_data_holds_now_is_told_without_a_trace(engine: BackupEngine, clinic: Clinic) -> None:
    clinic.admit("New")

    holdings = engine.holdings()

    assert (holdings.patient_count, holdings.visit_count) == (PATIENTS + 1, 2 * PATIENTS + 1)
    assert holdings.exists
    assert holdings.problem == ""
    assert engine.archives() == []
    assert list((clinic.data_dir / PRIVATE / "staging").glob("*")) == []


def test_what_is_in_no_backup_is_told_largest_first(clinic: Clinic) -> None:
    engine = BackupEngine(clinic.data_dir, extras=["letters"])
    engine.create()
    for name, size in {"exports/all.csv": 500, "exports/old/all.csv": 500, "notes.txt": 70, "letters/a": 9}.items():
        (clinic.data_dir / name).parent.mkdir(parents=True, exist_ok=True)
        (clinic.data_dir / name).write_bytes(bytes(size))
    (clinic.data_dir / "clinic.db-journal").touch()

    assert engine.unprotected() == [("exports", 1000), ("notes.txt", 70)]


def test_verifying_notices_a_database_that_was_damaged_before_it_was_packed(
    engine: BackupEngine, clinic: Clinic, tmp_path: Path
) -> None:
    engine.create()
    database = clinic.db.read_bytes()[:6000]
    path = zip_of(tmp_path / "a.zip", [("clinic.db", database)], member("clinic.db", database))

    for operation in (engine.verify, engine.restore):
        with pytest.raises(ArchiveUnusable, match=r"clinic\.db in this backup is damaged"):
            operation(engine.find(path))


def test_a_backup_that_is_made_meanwhile_takes_nothing_away_from_a_verification(
    engine: BackupEngine, clinic: Clinic
) -> None:
    archive = engine.create()
    made: list[Archive] = []

    def make_another(progress: Progress) -> None:
        if not made:
            made.append(BackupEngine(clinic.data_dir).create())

    engine.verify(archive, make_another)

    assert len(made) == 1
    assert list((clinic.data_dir / PRIVATE / "staging").iterdir()) == []


def test_progress_tells_the_stages_in_their_order(engine: BackupEngine) -> None:
    seen: list[Stage] = []

    def watch(progress: Progress) -> None:
        if progress.stage not in seen:
            seen.append(progress.stage)

    archive = engine.create(on_progress=watch)
    assert seen == [Stage.SNAPSHOT, Stage.PACK, Stage.VERIFY]
    seen.clear()
    engine.restore(archive, on_progress=watch)
    assert seen == [Stage.EXTRACT, Stage.SAFETY, Stage.SWAP]


def test_an_archive_that_the_disk_did_not_keep_as_written_is_thrown_away(engine: BackupEngine) -> None:
    def spoil(progress: Progress) -> None:
        if progress.stage is Stage.VERIFY:
            for part in engine.backup_dir.rglob("*.part"):
                os.truncate(part, 2000)

    with pytest.raises(SnapshotFailed, match="not written correctly"):
        engine.create(on_progress=spoil)

    assert list(engine.backup_dir.glob("**/*.zip")) == []
    assert list(engine.backup_dir.glob("**/*.part")) == []


def test_a_fault_of_the_program_is_recorded_as_a_failure_and_goes_on(engine: BackupEngine) -> None:
    def planted(progress: object) -> None:
        raise TypeError("a fault of ours")

    with pytest.raises(TypeError, match="a fault of ours"):
        engine.create(on_progress=planted)
    run = engine.history.runs()[0]
    assert (run.outcome, run.code) == (Outcome.FAILED, "internal")
