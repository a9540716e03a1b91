"""Which archives stay: the policy in the backup folder, pins, the alarm, a full disk."""

import errno
import json
import os
import shutil
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from filelock import FileLock

from backup_core import BackupEngine, BackupService, pruning
from backup_core.errors import RepositoryLocked, RepositoryUnusable, SourceDamaged, UnknownArchive
from backup_core.listing import KEPT, Archive
from backup_core.retention import Policy
from backup_core.rulebook import BY_ALARM, BY_HAND
from backup_core.runs import Outcome, Trigger
from tests.audit import listening
from tests.clinic import PATIENTS, Clinic, make_clinic
from tests.core import oldemr
from tests.fakeclock import FakeClock


def make(engine: BackupEngine, clinic: Clinic, clock: FakeClock, number: int, apart: timedelta) -> list[Archive]:
    """Make archives of different contents, so much time apart, oldest first."""
    made = []
    for _ in range(number):
        clock.pass_time(apart)
        clinic.admit(f"Patient of {clock.now():%d %b %H:%M:%S}")
        made.append(engine.create())
    return made


def lose_patients(engine: BackupEngine, clinic: Clinic, clock: FakeClock) -> Archive:
    """Return a good archive, after which all patients but 20 have gone."""
    good = engine.create()
    clinic.sql("DELETE FROM patients WHERE id > 20")
    clock.pass_time(timedelta(hours=4))
    return good


def names(engine: BackupEngine) -> set[str]:
    return {archive.name for archive in engine.archives()}


def test_the_policy_in_the_backup_folder_is_obeyed_by_every_engine(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock
) -> None:
    made = make(engine, clinic, clock, 4, timedelta(minutes=1))
    engine.keeper.set_policy(Policy(newest=3))
    other = BackupEngine(clinic.data_dir, policy=Policy(newest=1), clock=clock)
    assert other.policy == Policy(newest=3)
    assert other.prune() == [made[0].name]


def test_archives_kept_for_their_day_move_where_the_emrs_own_clean_up_does_not_look(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock
) -> None:
    made = make(engine, clinic, clock, 3, timedelta(days=1))
    engine.keeper.set_policy(Policy(newest=1, daily=3))
    assert engine.prune() == []
    assert [engine.find(one.name).path.parent.name == KEPT for one in made] == [True, True, False]


def test_a_pinned_archive_outlives_every_policy_until_it_is_unpinned(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock
) -> None:
    made = make(engine, clinic, clock, 3, timedelta(minutes=1))
    engine.keeper.keep_for_ever(made[0], keep=True)
    assert engine.prune(1) == [made[1].name]
    assert engine.find(made[0].name).kept
    engine.keeper.keep_for_ever(made[0], keep=False)
    assert engine.prune(1) == [made[0].name]


def test_an_archive_that_is_pinned_lies_at_once_where_the_emrs_own_clean_up_does_not_look(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock
) -> None:
    made = make(engine, clinic, clock, 3, timedelta(minutes=1))
    engine.keeper.keep_for_ever(made[1], keep=True)
    assert [engine.find(one.name).kept for one in made] == [False, True, False]
    oldemr.cleanup_old_backups(engine.backup_dir, keep=0)
    assert names(engine) == {made[1].name}


def test_whoever_knows_where_an_archive_lay_before_it_was_pinned_finds_it(engine: BackupEngine, clinic: Clinic) -> None:
    made = engine.create()
    engine.keeper.keep_for_ever(made, keep=True)
    assert not made.path.exists()
    assert engine.find(str(made.path)).kept
    assert engine.verify(made).kept
    assert engine.prove(made).ok
    assert engine.compare(made) == []
    assert engine.restore(made).patient_count == PATIENTS
    assert BackupService(clinic.data_dir).restore_backup(made.path)
    with pytest.raises(UnknownArchive):
        engine.find(str(engine.backup_dir / "backup_2020-01-01_00-00-00.zip"))


def test_a_pin_of_before_is_put_aside_by_the_next_tidying_up_though_it_is_one_of_the_newest(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock
) -> None:
    made = make(engine, clinic, clock, 2, timedelta(minutes=1))
    engine.repository.rules.pins = {made[1].name: BY_HAND}
    engine.prune(10)
    assert [engine.find(one.name).kept for one in made] == [False, True]


def test_an_archive_that_cannot_be_deleted_keeps_none_of_the_others(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock
) -> None:
    made = make(engine, clinic, clock, 5, timedelta(minutes=1))

    def refuse(step: str, values: Sequence[object]) -> None:
        if step == "os.remove" and made[1].name in str(values[0]):
            raise PermissionError(errno.EPERM, "not permitted")

    with listening(refuse), pytest.raises(RepositoryUnusable, match=made[1].name):
        engine.prune(1)
    assert names(engine) == {made[1].name, made[4].name}
    assert engine.history.runs()[0].facts["deleted"] == 3
    assert engine.prune(1) == [made[1].name]


def test_where_it_takes_long_that_nothing_can_be_deleted_it_is_not_tried_for_ever(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "_PATIENCE", 0.15)
    made = make(engine, clinic, clock, 6, timedelta(minutes=1))
    tried = set()

    def refuse(step: str, values: Sequence[object]) -> None:
        if step == "os.remove" and str(values[0]).endswith(".zip"):
            tried.add(values[0])
            time.sleep(0.1)
            raise PermissionError(errno.EPERM, "not permitted")

    with listening(refuse), pytest.raises(RepositoryUnusable, match=made[0].name):
        engine.prune(1)
    assert len(tried) == 2
    assert len(names(engine)) == 6


def test_the_alarm_of_another_clinic_keeps_its_pin_on_a_backup_that_cannot_be_read_now(
    clinic: Clinic, clock: FakeClock, tmp_path: Path
) -> None:
    engine = BackupEngine(clinic.data_dir, tmp_path / "both", clock=clock, patience=5)
    other_clinic = make_clinic(tmp_path / "other")
    good = lose_patients(engine, clinic, clock)
    assert engine.back_up(Trigger.INTERVAL).reason
    there = engine.find(good.name).path
    whole = there.read_bytes()
    there.write_bytes(whole[:100])
    BackupEngine(other_clinic.data_dir, tmp_path / "both", clock=clock, patience=5).back_up(Trigger.INTERVAL)
    there.write_bytes(whole)
    assert engine.keeper.pins[good.name] == BY_ALARM


def test_the_alarm_of_one_clinic_is_its_own_in_a_folder_of_two(
    clinic: Clinic, clock: FakeClock, tmp_path: Path
) -> None:
    engine = BackupEngine(clinic.data_dir, tmp_path / "both", clock=clock, patience=5)
    other_clinic = make_clinic(tmp_path / "other")
    other = BackupEngine(other_clinic.data_dir, tmp_path / "both", clock=clock, patience=5)
    other.create()
    good = lose_patients(engine, clinic, clock)
    assert engine.back_up(Trigger.INTERVAL).reason
    clock.pass_time(timedelta(hours=1))
    other_clinic.admit("Elsewhere")
    assert other.back_up(Trigger.INTERVAL).outcome is Outcome.MADE
    other.keeper.all_is_well()
    assert good.name in engine.keeper.pins
    make(engine, clinic, clock, 3, timedelta(hours=4))
    assert good.name not in engine.prune(1)


def test_the_newest_proven_archive_is_never_pruned(engine: BackupEngine, clinic: Clinic, clock: FakeClock) -> None:
    made = make(engine, clinic, clock, 3, timedelta(minutes=1))
    engine.prove(made[0])
    assert engine.prune(1) == [made[1].name]
    assert made[0].name in names(engine)


def test_vanished_patients_raise_the_alarm_and_pin_the_last_good_archive(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock
) -> None:
    good = lose_patients(engine, clinic, clock)
    run = engine.back_up(Trigger.INTERVAL)

    gone = PATIENTS - 20
    sentence = f"{gone} of {PATIENTS} patients have gone since the last good backup."
    assert run.reason == sentence
    alarm = engine.keeper.alarm()
    assert alarm is not None
    assert (alarm.reason, alarm.archive, alarm.at) == (sentence, run.archive, clock.now())

    make(engine, clinic, clock, 3, timedelta(hours=4))
    engine.prune(1)
    assert good.name in names(engine), "the last good archive is pinned while nobody has said that all is well"

    engine.keeper.all_is_well()
    assert engine.keeper.alarm() is None
    engine.prune(1)
    assert good.name not in names(engine)


def test_the_alarm_is_raised_by_the_next_backup_where_the_power_went_before_it_was_noted(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock
) -> None:
    good = lose_patients(engine, clinic, clock)
    child = os.fork()
    if child == 0:
        with listening(lambda step, values: os._exit(9) if "rules.json.part" in str(values[:1]) else None):
            engine.back_up(Trigger.INTERVAL)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert len(names(engine)) == 2
    assert engine.keeper.alarm() is None
    clock.pass_time(timedelta(hours=4))
    assert "patients have gone" in engine.back_up(Trigger.INTERVAL).reason
    assert engine.keeper.alarm() is not None
    assert good.name in engine.keeper.pins


def test_an_empty_new_database_has_its_own_sentence(engine: BackupEngine, clinic: Clinic, clock: FakeClock) -> None:
    engine.create()
    clinic.sql("DELETE FROM patients")
    clock.pass_time(timedelta(hours=4))
    assert "empty clinic" in engine.back_up(Trigger.INTERVAL).reason


def test_an_empty_clinic_in_a_new_data_folder_beside_the_backups_of_another_is_asked_after(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock, tmp_path: Path
) -> None:
    backups = tmp_path / "backups of always"
    BackupEngine(clinic.data_dir, backups, clock=clock, patience=5).create()
    clinic.data_dir.rename(tmp_path / "moved")
    fresh = make_clinic(clinic.data_dir)
    fresh.sql("DELETE FROM patients")
    clock.pass_time(timedelta(hours=4))
    begun = BackupEngine(fresh.data_dir, backups, clock=clock, patience=5)
    sentence = f"DocAssist started with an empty clinic: {PATIENTS} patients were there before."
    assert begun.back_up(Trigger.STARTUP).reason.startswith(sentence)
    assert begun.keeper.alarm() is not None
    assert begun.keeper.pins == {}
    begun.keeper.all_is_well()
    clock.pass_time(timedelta(hours=4))
    fresh.admit("The first one")
    assert begun.back_up(Trigger.INTERVAL).reason == ""


def test_a_new_clinic_with_patients_beside_another_is_no_alarm(
    clinic: Clinic, clock: FakeClock, tmp_path: Path
) -> None:
    backups = tmp_path / "both"
    BackupEngine(clinic.data_dir, backups, clock=clock, patience=5).create()
    small = make_clinic(tmp_path / "small")
    small.sql("DELETE FROM patients WHERE id > 1")
    assert BackupEngine(small.data_dir, backups, clock=clock, patience=5).back_up(Trigger.STARTUP).reason == ""


def test_a_loss_is_seen_though_the_clock_was_wrong_when_something_was_restored(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock
) -> None:
    small = engine.create()
    clock.pass_time(timedelta(days=365))
    engine.restore(small)
    clock.set_back(timedelta(days=364))
    for number in range(90):
        clinic.admit(f"Later {number}")
    assert engine.back_up(Trigger.INTERVAL).reason == ""
    clinic.sql("DELETE FROM patients WHERE id > ?", PATIENTS)
    clock.pass_time(timedelta(hours=4))
    assert f"90 of {PATIENTS + 90} patients have gone" in engine.back_up(Trigger.INTERVAL).reason


def test_a_loss_is_seen_though_what_was_restored_has_gone_since(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock
) -> None:
    small = engine.create()
    make(engine, clinic, clock, 2, timedelta(hours=1))
    engine.restore(engine.find(small.name))
    engine.delete(engine.find(small.name))
    clinic.sql("DELETE FROM patients WHERE id > 20")
    clock.pass_time(timedelta(hours=4))
    assert f"{PATIENTS - 20} of {PATIENTS} patients have gone" in engine.back_up(Trigger.INTERVAL).reason
    assert engine.keeper.alarm() is not None


def test_a_loss_is_seen_after_a_restore_also_where_the_newest_backup_is_the_emrs_own(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock
) -> None:
    small = engine.create()
    clock.pass_time(timedelta(hours=1))
    engine.restore(small)
    for number in range(90):
        clinic.admit(f"Later {number}")
    clock.pass_time(timedelta(hours=4))
    engine.back_up(Trigger.INTERVAL)
    clock.pass_time(timedelta(hours=1))
    oldemr.create_backup(clinic.data_dir, engine.backup_dir, clock.local(), patient_count=PATIENTS + 90)
    assert not engine.archives()[0].is_ours
    clinic.sql("DELETE FROM patients WHERE id > ?", PATIENTS)
    clock.pass_time(timedelta(hours=4))
    assert f"90 of {PATIENTS + 90} patients have gone" in engine.back_up(Trigger.INTERVAL).reason


def test_a_restore_to_an_older_state_is_no_alarm(engine: BackupEngine, clinic: Clinic, clock: FakeClock) -> None:
    small = engine.create()
    for number in range(40):
        clinic.admit(f"Later {number}")
    clock.pass_time(timedelta(hours=4))
    engine.create()
    clock.pass_time(timedelta(hours=1))
    engine.restore(small)
    clock.pass_time(timedelta(hours=4))
    clinic.admit("After the restore")
    assert engine.back_up(Trigger.INTERVAL).reason == ""
    assert engine.keeper.alarm() is None


def test_a_nearly_full_disk_thins_the_oldest_tier_and_says_so(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make(engine, clinic, clock, 4, timedelta(days=31))
    engine.keeper.set_policy(Policy(newest=1, monthly=4))
    usage = shutil.disk_usage(engine.backup_dir)

    def nearly_full(path: object) -> object:
        """Answer as a disk does that has room again once two archives are gone."""
        left = len(list(engine.backup_dir.rglob("*.zip")))
        return usage._replace(total=10**12, free=10**10 if left <= 2 else 10**9)

    monkeypatch.setattr(shutil, "disk_usage", nearly_full)
    assert engine.prune() == [made[0].name, made[1].name]
    assert "nearly full" in engine.history.runs()[0].reason
    assert names(engine) == {made[2].name, made[3].name}


def test_a_nearly_full_disk_takes_safety_backups_too_but_for_the_newest_three(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first,) = make(engine, clinic, clock, 1, timedelta(hours=1))
    for number in range(5):
        clinic.admit(f"Between {number}")
        engine.restore(engine.find(first.name))
        clock.pass_time(timedelta(hours=1))
    safeties = sorted(name for name in names(engine) if name.startswith("safety_"))
    assert len(safeties) == 5
    assert engine.prune() == []
    usage = shutil.disk_usage(engine.backup_dir)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(total=10**12, free=10**9))
    assert engine.prune() == safeties[:2]
    assert engine.undoable() is not None


def test_the_newest_backup_that_was_opened_is_pinned_by_the_alarm_too(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock
) -> None:
    opened, last = make(engine, clinic, clock, 2, timedelta(hours=4))
    engine.prove(opened)
    clinic.sql("DELETE FROM patients WHERE id > 10")
    engine.create()
    assert set(engine.keeper.pins) == {opened.name, last.name}
    engine.create()
    assert set(engine.keeper.pins) == {opened.name, last.name}
    engine.keeper.all_is_well()
    assert engine.keeper.pins == {}


def test_what_damaged_data_is_to_be_restored_from_is_pinned_until_a_backup_can_be_made_again(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock
) -> None:
    opened, last = make(engine, clinic, clock, 2, timedelta(hours=4))
    engine.prove(opened)
    whole = clinic.db.read_bytes()
    clinic.db.write_bytes(whole[:5000] + b"\xa5" * 9000)
    with pytest.raises(SourceDamaged):
        engine.create()
    assert engine.keeper.pins == {opened.name: "alarm"}
    assert engine.prune(keep=1) == []
    engine.restore(engine.find(opened.name))
    clock.pass_time(timedelta(hours=4))
    engine.create()
    assert engine.keeper.pins == {}


def test_what_waits_to_be_opened_moves_where_the_emrs_own_clean_up_does_not_look(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock
) -> None:
    made = make(engine, clinic, clock, 1, timedelta(minutes=1))
    engine.prove(made[0])
    made += make(engine, clinic, clock, 3, timedelta(minutes=1))
    engine.keeper.set_policy(Policy(newest=1, waiting=3))
    assert engine.prune() == []
    assert [engine.find(one.name).kept for one in made] == [True, True, True, False]
    reasons = engine.keeper.reasons(engine.policy)
    assert [reasons[one.name] for one in made] == ["unopened", "unopened", "unopened", "newest"]

    clock.pass_time(timedelta(minutes=1))
    clinic.admit("One more than may wait")
    last = engine.create()
    assert [one.name for one in engine.keeper.would_go(engine.policy)] == []
    engine.prove(last)
    assert [one.name for one in engine.keeper.would_go(engine.policy)] == [one.name for one in reversed(made)]
    assert engine.prune() == [one.name for one in made]


def test_backups_that_cannot_be_opened_do_not_pile_up(engine: BackupEngine, clinic: Clinic, clock: FakeClock) -> None:
    (proven,) = make(engine, clinic, clock, 1, timedelta(minutes=1))
    engine.prove(proven)
    engine.keeper.set_policy(Policy(newest=2, waiting=3))
    made = []
    for _ in range(8):
        made += make(engine, clinic, clock, 1, timedelta(minutes=1))
        engine.prune()
    assert names(engine) == {proven.name, *(one.name for one in made[-5:])}


def test_a_full_disk_takes_what_waits_to_be_opened_but_for_the_newest(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make(engine, clinic, clock, 1, timedelta(minutes=1))
    engine.prove(made[0])
    made += make(engine, clinic, clock, 3, timedelta(minutes=1))
    engine.keeper.set_policy(Policy(newest=1, waiting=3))
    usage = shutil.disk_usage(engine.backup_dir)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(total=10**12, free=10**9))
    engine.prune()
    assert names(engine) == {made[0].name, made[-1].name}


def test_nothing_is_tidied_up_while_a_restore_reads_it(clinic: Clinic, clock: FakeClock) -> None:
    engine = BackupEngine(clinic.data_dir, clock=clock, patience=0.1)
    made = make(engine, clinic, clock, 2, timedelta(minutes=1))
    with (
        FileLock(clinic.data_dir / ".docassist-backup" / "lock", is_singleton=False),
        pytest.raises(RepositoryLocked),
    ):
        engine.prune(1)
    assert len(names(engine)) == len(made)


@pytest.fixture
def alarmed(engine: BackupEngine, clinic: Clinic, clock: FakeClock) -> Archive:
    """A clinic that has lost most of its patients, and its last good archive."""
    good = engine.create()
    clinic.sql("DELETE FROM patients WHERE id > 20")
    clock.pass_time(timedelta(hours=4))
    engine.create()
    assert engine.keeper.alarm() is not None
    clock.pass_time(timedelta(hours=4))
    return good


def test_the_restore_that_brings_back_what_was_lost_ends_the_alarm(engine: BackupEngine, alarmed: Archive) -> None:
    engine.restore(engine.find(alarmed.name))
    assert engine.keeper.alarm() is None
    assert engine.keeper.pins == {}


def test_a_restore_of_what_has_lost_as_much_does_not_end_the_alarm(
    engine: BackupEngine, clinic: Clinic, alarmed: Archive
) -> None:
    small = engine.archives()[0]
    clinic.admit("Since")
    engine.restore(small)
    assert engine.keeper.alarm() is not None
    assert engine.keeper.pins == {alarmed.name: "alarm"}


def test_the_backup_that_finds_all_of_it_again_ends_the_alarm(
    engine: BackupEngine, clinic: Clinic, alarmed: Archive
) -> None:
    for number in range(PATIENTS - 20):
        clinic.admit(f"Back again {number}")
    assert engine.create().is_good
    assert engine.keeper.alarm() is None


def test_a_clinic_that_slowly_grows_to_its_old_size_has_lost_its_patients_still(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock, alarmed: Archive
) -> None:
    for number in range(PATIENTS - 20):
        clinic.admit(f"Newcomer {number}")
        if number % 5 == 0:
            clock.pass_time(timedelta(hours=4))
            engine.create()
    engine.create()
    assert engine.keeper.alarm() is not None
    assert engine.keeper.pins == {alarmed.name: "alarm"}


def test_an_alarm_of_an_older_version_is_ended_by_a_person_only(
    engine: BackupEngine, clinic: Clinic, alarmed: Archive
) -> None:
    path = clinic.data_dir / ".docassist-backup" / "alarm.json"
    written = json.loads(path.read_bytes())
    del written["good"]
    path.write_text(json.dumps(written))
    engine.restore(engine.find(alarmed.name))
    engine.create()
    assert engine.keeper.alarm() is not None
