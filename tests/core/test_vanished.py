"""Archives that have gone though nobody of ours deleted them."""

from datetime import timedelta
from pathlib import Path

from backup_core import BackupEngine
from backup_core.retention import Policy
from backup_core.runs import Run, Trigger
from backup_core.vanished import vanished
from tests.clinic import Clinic
from tests.fakeclock import FakeClock


def make(engine: BackupEngine, clinic: Clinic, clock: FakeClock, count: int) -> list[str]:
    names = []
    for number in range(count):
        clinic.admit(f"Another {number}")
        clock.pass_time(timedelta(hours=1))
        names.append(engine.create().name)
    return names


def gone(engine: BackupEngine) -> list[str | None]:
    present = {archive.name for archive in engine.archives()}
    return [run.archive for run in vanished(engine.history.runs(), present, {engine.backup_dir})]


def test_what_another_program_deletes_is_told(engine: BackupEngine, clinic: Clinic, clock: FakeClock) -> None:
    names = make(engine, clinic, clock, 3)
    assert gone(engine) == []
    (engine.backup_dir / names[1]).unlink()
    assert gone(engine) == [names[1]]


def test_what_we_delete_by_hand_or_by_tidying_up_is_not(engine: BackupEngine, clinic: Clinic, clock: FakeClock) -> None:
    names = make(engine, clinic, clock, 4)
    engine.delete(engine.find(names[3]))
    engine.keeper.prune(Policy(newest=1), Trigger.MANUAL)
    assert [archive.name for archive in engine.archives()] == [names[2]]
    assert gone(engine) == []


def test_what_is_put_aside_is_still_there(engine: BackupEngine, clinic: Clinic, clock: FakeClock) -> None:
    make(engine, clinic, clock, 3)
    engine.keeper.prune(Policy(newest=1, states=3), Trigger.MANUAL)
    assert gone(engine) == []


def test_of_a_folder_that_is_not_looked_at_nothing_is_said(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock, tmp_path: Path
) -> None:
    make(engine, clinic, clock, 2)
    elsewhere = BackupEngine(engine.data_dir, tmp_path / "elsewhere", clock=clock)
    assert gone(elsewhere) == []


def test_a_run_of_an_older_version_that_tells_no_folder_accuses_nobody(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock
) -> None:
    make(engine, clinic, clock, 1)
    old = [Run(**{**vars(run), "facts": {}}) for run in engine.history.runs()]
    assert vanished(old, set(), {engine.backup_dir}) == []
