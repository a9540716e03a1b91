"""The backup folder: what is ours in it is in order, what is not ours is left alone."""

import errno
import os
import shutil
import threading
import time
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backup_core import BackupEngine, BackupService
from backup_core.errors import ArchiveUnusable, BackupError
from backup_core.files import PRIVATE, rename_new
from backup_core.listing import Archive, State
from backup_core.proofs import Proof
from backup_core.retention import Policy
from tests.audit import listening
from tests.clinic import Clinic
from tests.core import oldemr
from tests.core.test_archive import member, zip_of
from tests.fakeclock import FakeClock

WHEN = datetime(2025, 2, 1, 18, 0)  # noqa: DTZ001 - local, as the EMR has it
#: What the EMR's own code leaves in the folder, and what people do.
FOREIGN = (
    "temp_20260131_180000/clinic.db",
    "restore_temp_20260131_180000/chroma/chroma.sqlite3",
    "backup_2026-01-31_18-00-00/clinic.db",
    "backup_2026-01-31_18-00-00.zip.part",
    "backup_2026-01-31_18-00-00.encrypted.zip",
    "backup_2026-01-31.zip",
    "my_backup_2026-01-31_18-00-00.zip",
    "backup_2026-01-31_18-00-00 (1).zip",
    "backup_2026-02-01_18-00-00.zip/a folder of that name",
    "photos.zip",
    "read me.txt",
    "kept/notes.txt",
)


def age(path: Path) -> None:
    """Let a file be one that nobody has written to for an hour."""
    then = time.time() - 3600
    os.utime(path, (then, then))


def names(archives: list[Archive]) -> list[str]:
    return [archive.name for archive in archives]


def two_clinics(clinic: Clinic, tmp_path: Path, clock: FakeClock) -> tuple[BackupEngine, BackupEngine]:
    """Return the engines of two clinics with one backup folder."""
    shutil.copytree(clinic.data_dir, tmp_path / "other")
    shared = tmp_path / "shared"
    return BackupEngine(clinic.data_dir, shared, clock=clock), BackupEngine(tmp_path / "other", shared, clock=clock)


def resets(archives: list[Archive]) -> list[int]:
    return [archive.manifest.clock_resets for archive in archives if archive.manifest]


def test_what_is_not_ours_is_never_deleted_listed_or_called_damaged(engine: BackupEngine, clinic: Clinic) -> None:
    for name in FOREIGN:
        path = engine.backup_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not ours")
        age(path)

    made = [engine.create() for _ in range(3)]
    engine.prune(keep=1)
    engine.restore(made[2])
    engine.recover()

    assert [name for name in FOREIGN if not (engine.backup_dir / name).read_bytes() == b"not ours"] == []
    listed = [archive for archive in engine.archives() if archive.name not in names(made) and not archive.safety]
    assert names(listed) == ["backup_2026-01-31_18-00-00.encrypted.zip"]
    assert listed[0].state is State.ENCRYPTED


@pytest.mark.parametrize("step", ["create", "recover", "sweep"])
def test_only_leftovers_of_this_data_folder_are_swept(engine: BackupEngine, step: str) -> None:
    engine.create()
    private = engine.backup_dir / PRIVATE
    mine = private / f"{engine.archives()[0].manifest.origin}-cut-off.part"  # type: ignore[union-attr]
    theirs = private / "another-origin-at-work.part"
    for part in (mine, theirs):
        part.write_bytes(b"half an archive")
    staged = engine.data_dir / PRIVATE / "staging" / "cut-off"
    staged.mkdir()
    staged.with_suffix(".lock").touch()

    getattr(engine, step)()

    assert not mine.exists()
    assert theirs.exists()
    assert list((engine.data_dir / PRIVATE / "staging").iterdir()) == []


def test_a_zip_that_the_emr_is_writing_is_shown_as_such_and_later_as_its_own(
    engine: BackupEngine, clinic: Clinic
) -> None:
    engine.create()
    theirs = oldemr.create_backup(clinic.data_dir, engine.backup_dir, WHEN)
    whole = theirs.read_bytes()
    theirs.write_bytes(whole[: len(whole) // 2])
    assert {archive.name: archive.state for archive in engine.archives()}[theirs.name] is State.WRITING

    age(theirs)
    assert {archive.name: archive.state for archive in engine.archives()}[theirs.name] is State.DAMAGED

    theirs.write_bytes(whole)
    assert {archive.name: archive.state for archive in engine.archives()}[theirs.name] is State.LEGACY


def test_a_damaged_archive_is_listed_with_its_reason_and_hides_no_other(engine: BackupEngine, clock: FakeClock) -> None:
    damaged = engine.create()
    clock.pass_time(timedelta(days=1))
    whole = engine.create()
    os.truncate(damaged.path, damaged.size - 100)
    age(damaged.path)

    listed = engine.archives()

    assert names(listed) == [whole.name, damaged.name]
    assert listed[1].state is State.DAMAGED
    assert listed[1].problem
    assert engine.last_good() == listed[0]


@pytest.mark.parametrize("created_at", ["0001-01-01T00:00:00", "9999-12-31T23:59:59", "2026-01-01", "9999-12-31"])
def test_an_archive_of_an_impossible_time_hides_no_other(engine: BackupEngine, clinic: Clinic, created_at: str) -> None:
    whole = engine.create()
    oldemr.create_backup(clinic.data_dir, engine.backup_dir, WHEN, created_at=created_at)
    (engine.backup_dir / "backup_0001-01-01_00-00-00.zip").write_bytes(b"damaged")
    age(engine.backup_dir / "backup_0001-01-01_00-00-00.zip")

    assert whole.name in names(engine.archives())
    assert len(BackupService(clinic.data_dir).list_backups()) == 2
    engine.create()


def test_an_archive_made_after_the_clock_was_set_back_is_the_newest(engine: BackupEngine, clock: FakeClock) -> None:
    first = engine.create()
    clock.set_back(timedelta(days=16 * 365))
    second = engine.create()

    assert second.created_at < first.created_at
    assert names(engine.archives()) == [second.name, first.name]
    assert engine.prune(keep=1) == [first.name]


def test_names_repeat_neither_within_a_second_nor_in_the_hour_that_autumn_repeats(
    engine: BackupEngine, clock: FakeClock
) -> None:
    clock.utc = clock.utc.replace(month=10, day=26, hour=0, minute=30)
    before = engine.create()
    clock.pass_time(timedelta(hours=1))
    after = engine.create()

    assert before.created_at == after.created_at
    assert (before.name, after.name) == ("backup_2025-10-26_02-30-00.zip", "backup_2025-10-26_02-30-00_2.zip")
    assert names(engine.archives()) == [after.name, before.name]


def test_nothing_is_ever_overwritten(engine: BackupEngine, clock: FakeClock) -> None:
    name = f"backup_{clock.local().strftime('%Y-%m-%d_%H-%M-%S')}.zip"
    engine.backup_dir.mkdir()
    (engine.backup_dir / name).write_bytes(b"not ours")
    (engine.backup_dir / "kept").mkdir()
    (engine.backup_dir / "kept" / name.replace(".zip", "_2.zip")).write_bytes(b"not ours either")

    assert engine.create().name == name.replace(".zip", "_3.zip")
    assert (engine.backup_dir / name).read_bytes() == b"not ours"


def test_the_name_of_an_archive_that_has_gone_is_not_given_again(engine: BackupEngine, clinic: Clinic) -> None:
    """A PC without its date begins each morning at the same second, and the history would tell of another archive."""
    first = engine.create()
    second = engine.create()
    engine.delete(first)
    third = engine.create()
    engine.restore(third)
    assert engine.prune(1) == [second.name]
    fourth = engine.create()
    assert len({first.name, second.name, third.name, fourth.name}) == 4
    assert {first.name, second.name, third.name} <= engine.history.archive_names()


def test_a_name_that_somebody_takes_at_the_last_moment_is_left_to_them(engine: BackupEngine) -> None:
    taken: list[Path] = []

    def take_the_name(event: str, values: tuple[object, ...]) -> None:
        if event == "os.link" and str(values[0]).endswith(".part") and not taken:
            taken.append(Path(str(values[1])))
            taken[0].write_bytes(b"the EMR's own")

    with listening(take_the_name):
        made = engine.create()
    assert taken[0].read_bytes() == b"the EMR's own"
    assert made.name == taken[0].name.replace(".zip", "_2.zip")
    engine.verify(made)


def test_a_disk_without_second_names_gets_its_archive_and_loses_none(
    engine: BackupEngine, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*words: object, **options: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("backup_core.files.os.link", refuse)
    first, second = engine.create(), engine.create()
    assert first.name != second.name
    engine.verify(first)
    with pytest.raises(FileExistsError):
        rename_new(second.path, first.path)
    engine.verify(first)
    engine.verify(second)


def test_two_clinics_in_one_folder_neither_prune_nor_count_each_other(
    clinic: Clinic, tmp_path: Path, clock: FakeClock
) -> None:
    one, other = two_clinics(clinic, tmp_path, clock)
    theirs = [other.create().name for _ in range(3)]
    ours = [one.create().name for _ in range(3)]

    assert set(one.prune(keep=1)) == set(ours[:2])

    assert set(names(other.archives())) == {*theirs, ours[2]}
    last = other.last_good()
    assert last is not None
    assert last.name == theirs[2]


def test_an_archive_that_is_kept_longer_is_out_of_reach_of_the_emrs_clean_up(clinic: Clinic, clock: FakeClock) -> None:
    engine = BackupEngine(clinic.data_dir, clock=clock, policy=Policy(newest=2, daily=30))
    made = []
    for day in range(5):
        clinic.admit(f"on day {day}")
        made.append(engine.create().name)
        engine.prune()
        clock.pass_time(timedelta(days=1))

    oldemr.cleanup_old_backups(engine.backup_dir, keep=2)

    assert names(engine.archives()) == made[::-1]
    assert sorted(path.name for path in engine.backup_dir.glob("kept/*.zip")) == made[:3]
    assert [archive.kept for archive in engine.archives()] == [False, False, True, True, True]


def test_a_pc_that_loses_the_time_every_night_keeps_the_last_backup_of_each_day(
    clinic: Clinic, clock: FakeClock
) -> None:
    engine = BackupEngine(clinic.data_dir, clock=clock, policy=Policy(newest=1, daily=2))
    evenings = []
    for day in range(7):
        clock.utc = datetime(2009, 1, 1, tzinfo=UTC)
        for when in ("morning", "evening"):
            clinic.admit(f"on day {day}, in the {when}")
            made = engine.create()
            engine.prune()
            clock.pass_time(timedelta(hours=4))
        evenings.append(made.name)

    assert names(engine.archives()) == evenings[:1:-1], "two days a place, and that of today"
    assert resets(engine.archives()) == [6, 5, 4, 3, 2]


@pytest.mark.parametrize("spoilt", ["damaged", "online-only"])
def test_how_often_the_clock_was_set_back_is_known_also_by_what_cannot_be_used(
    spoilt: str, engine: BackupEngine, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.create()
    clock.set_back(timedelta(hours=1))
    newest = engine.create()
    engine.archives()
    if spoilt == "damaged":
        engine.repository.note_proof(newest, Proof(clock.now(), "it is damaged"))
    else:
        number = newest.path.stat().st_ino
        monkeypatch.setattr("backup_core.repository.is_online_only", lambda status: status.st_ino == number)
    assert spoilt in {archive.state.value for archive in engine.archives()}

    clock.pass_time(timedelta(hours=2))
    assert resets([newest, engine.create()]) == [1, 1]


def test_a_clock_that_was_set_back_in_another_clinic_is_nothing_to_us(
    clinic: Clinic, tmp_path: Path, clock: FakeClock
) -> None:
    one, other = two_clinics(clinic, tmp_path, clock)
    other.create()
    clock.set_back(timedelta(days=1))
    assert resets([engine.create() for engine in (one, other, one, other)]) == [0, 1, 0, 1]


def test_the_emrs_own_code_at_work_in_the_same_folder_disturbs_neither(clinic: Clinic, engine: BackupEngine) -> None:
    done = threading.Event()
    engine.create()

    def emr() -> None:
        when = WHEN
        while not done.is_set():
            when += timedelta(seconds=1)
            oldemr.create_backup(clinic.data_dir, engine.backup_dir, when)
            oldemr.cleanup_old_backups(engine.backup_dir)

    beside = threading.Thread(target=emr)
    beside.start()
    try:
        made = []
        for _ in range(8):
            made.append(engine.create().name)
            for _ in range(20):
                assert made[-1] in names(engine.archives())
    finally:
        done.set()
        beside.join()

    # Of nine of ours and one of theirs, the EMR's clean-up keeps ten.
    assert set(made) <= set(names(engine.archives()))
    for path in engine.backup_dir.glob("*.zip"):
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None


def test_a_list_is_read_again_only_where_a_file_has_changed(engine: BackupEngine) -> None:
    first, second = engine.create(), engine.create()
    listed = engine.archives()
    os.utime(first.path)

    again = engine.archives()

    assert again[0].manifest is listed[0].manifest
    assert again[1].manifest is not listed[1].manifest
    assert names(again) == [second.name, first.name]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
def test_the_backup_folder_can_be_read_by_this_user_only(engine: BackupEngine) -> None:
    made = engine.create()

    assert engine.backup_dir.stat().st_mode & 0o777 == 0o700
    assert made.path.stat().st_mode & 0o777 == 0o600


def test_a_clinics_last_backup_and_its_protection_are_its_own(tmp_path: Path, clinic: Clinic, clock: FakeClock) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    shutil.copytree(clinic.data_dir, tmp_path / "other")
    ours = BackupEngine(clinic.data_dir, folder, clock=clock)
    theirs = BackupEngine(tmp_path / "other", folder, clock=clock)
    first = ours.create()
    ours.prove(first)
    clock.pass_time(timedelta(hours=1))
    second = ours.create()
    clock.pass_time(timedelta(hours=1))
    theirs.prove(theirs.create())

    service = BackupService(clinic.data_dir, folder)
    assert service.get_last_backup_time() == second.created_at
    assert len(service.list_backups()) == 3

    assert ours.prune(keep=1) == []
    assert first.name in names(ours.archives()), "the newest opened one of this clinic stays"
    ours.delete(first)
    with pytest.raises(BackupError, match="only good backup"):
        ours.delete(second)


def test_a_backup_folder_that_cannot_be_tidied_up_stops_no_recovery(
    engine: BackupEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    engine.create()
    (engine.backup_dir / PRIVATE / f"{engine.origin}-cut-off.part").touch()
    monkeypatch.setattr("backup_core.repository.remove", refuse)
    assert engine.recover() is None


@pytest.mark.parametrize("newer", [{"format": 2}, {"seal": "blake3"}, {"format": 7, "seal": "blake3"}], ids=str)
def test_a_backup_of_a_later_version_of_this_program_is_called_that_and_is_left_alone(
    engine: BackupEngine, newer: dict[str, object]
) -> None:
    made = [engine.create() for _ in range(2)]
    path = engine.backup_dir / "backup_2020-01-01_10-00-00.zip"
    zip_of(path, [("clinic.db", b"x")], member("clinic.db", b"x"), origin=engine.origin, **newer)

    archive = engine.find(path.name)

    assert (archive.state, archive.is_good, archive.can_be_tried) == (State.NEWER, False, False)
    assert archive.problem.startswith("This backup was made by a newer version of DocAssist Backup. Update")
    with pytest.raises(ArchiveUnusable, match="newer version of DocAssist Backup"):
        engine.restore(archive)
    assert engine.prune(keep=1) == [made[0].name]
    assert path.exists()
