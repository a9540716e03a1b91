"""Moving archives from an earlier backup folder: every one is whole somewhere, whenever it is cut off."""

import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from backup_core import BackupEngine
from backup_core.errors import Cancelled, RepositoryFull, RepositoryUnusable
from backup_core.files import free_space
from backup_core.listing import KEPT, State
from backup_core.progress import Progress, Stage, ignore
from backup_core.retention import Policy
from backup_core.runs import Action, Outcome, Trigger
from tests.clinic import ROOT, Clinic
from tests.fakeclock import FakeClock


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """The folder that the user has chosen instead."""
    return tmp_path / "other disk"


@pytest.fixture
def made(engine: BackupEngine, clinic: Clinic, clock: FakeClock) -> list[str]:
    """The names of three backups in the earlier folder, oldest first."""
    names = []
    for number in range(3):
        clinic.admit(f"Later {number}")
        clock.pass_time(timedelta(hours=1))
        names.append(engine.create().name)
    return names


@pytest.fixture
def moved_to(engine: BackupEngine, clock: FakeClock, made: list[str], new: Path) -> BackupEngine:
    """The engine after the backup folder was changed."""
    new.mkdir()
    return BackupEngine(engine.data_dir, new, older_dirs=[str(engine.backup_dir)], clock=clock, patience=30)


def names(engine: BackupEngine) -> list[str]:
    return sorted(archive.name for archive in engine.archives())


def zips(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*.zip"))


def test_archives_of_an_earlier_folder_stay_listed_and_usable(moved_to: BackupEngine, made: list[str]) -> None:
    assert names(moved_to) == made
    assert moved_to.restore(moved_to.find(made[0])).patient_count == 61
    assert moved_to.prove(moved_to.find(made[1])).ok


def test_a_new_archive_goes_to_the_new_folder_and_takes_no_name_of_the_earlier_one(
    moved_to: BackupEngine, made: list[str], new: Path
) -> None:
    archive = moved_to.create()
    assert archive.path.parent == new
    assert archive.name not in made
    assert archive.sequence == 4


def test_an_earlier_folder_that_is_away_stops_nothing(moved_to: BackupEngine, engine: BackupEngine) -> None:
    engine.backup_dir.rename(engine.backup_dir.with_name("unplugged"))
    assert moved_to.archives() == []
    assert moved_to.mover.move(Trigger.MANUAL, ignore) == 0


def test_how_many_to_keep_counts_those_of_both_folders(
    moved_to: BackupEngine, engine: BackupEngine, made: list[str]
) -> None:
    assert [one.name for one in moved_to.keeper.would_go(Policy(newest=2))] == made[:1]
    assert moved_to.keeper.prune(Policy(newest=2), Trigger.MANUAL) == made[:1]
    assert zips(engine.backup_dir) == made[1:]


def test_what_is_kept_for_longer_is_put_aside_where_it_lies(
    moved_to: BackupEngine, engine: BackupEngine, made: list[str]
) -> None:
    moved_to.keeper.prune(Policy(newest=1, states=3), Trigger.MANUAL)
    assert zips(engine.backup_dir / KEPT) == made[:2]


def test_all_are_moved_with_what_is_known_of_them(
    moved_to: BackupEngine, engine: BackupEngine, made: list[str], new: Path
) -> None:
    engine.prove(engine.find(made[0]))
    engine.keeper.keep_for_ever(engine.find(made[1]), keep=True)
    before = {name: engine.find(name).path.read_bytes() for name in made}
    seen: list[Progress] = []

    moved_to.keeper.take_over(engine.backup_dir)
    assert moved_to.mover.move(Trigger.MANUAL, seen.append) == 3

    assert {path.name: path.read_bytes() for path in new.rglob("*.zip")} == before
    assert list(engine.backup_dir.rglob("*.zip")) == []
    assert moved_to.mover.waiting() == []
    assert moved_to.find(made[0]).state is State.PROVEN
    assert "pinned" in moved_to.keeper.reasons(Policy(newest=1)).values()
    assert {progress.stage for progress in seen} == {Stage.MOVE}
    assert seen[-1].done == seen[-1].total == sum(map(len, before.values()))
    run = moved_to.history.runs()[0]
    assert (run.action, run.outcome, run.facts["moved"]) == (Action.MOVE, Outcome.DONE, 3)


def test_what_others_made_stays_where_it_is_and_listed(moved_to: BackupEngine, engine: BackupEngine) -> None:
    foreign = engine.backup_dir / "backup_2024-01-01_10-00-00.encrypted.zip"
    foreign.write_bytes(b"locked")
    (engine.backup_dir / "notes.txt").write_text("of the doctor")
    moved_to.mover.move(Trigger.MANUAL, ignore)
    assert sorted(path.name for path in engine.backup_dir.glob("*.*")) == [
        ".docassist-backup",
        foreign.name,
        "notes.txt",
    ]
    assert foreign.name in names(moved_to)


def test_a_copy_by_hand_that_was_cut_short_hides_no_good_backup_of_that_name(
    moved_to: BackupEngine, made: list[str], new: Path
) -> None:
    cut_short = (moved_to.repository.older[0] / made[0]).read_bytes()[:-1000]
    (new / made[0]).write_bytes(cut_short)
    moved_to.verify(moved_to.find(made[0]))
    assert moved_to.mover.move(Trigger.MANUAL, ignore) == 2
    assert (new / made[0]).read_bytes() == cut_short
    good = [archive for archive in moved_to.archives() if archive.is_good]
    assert {archive.manifest.patient_count for archive in good if archive.manifest} == {61, 62, 63}
    assert zips(moved_to.repository.older[0]) == [made[0]]


def test_without_room_nothing_is_moved(
    moved_to: BackupEngine, engine: BackupEngine, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backup_core.files.free_space", lambda folder: 1_000)
    with pytest.raises(RepositoryFull):
        moved_to.mover.move(Trigger.MANUAL, ignore)
    assert zips(engine.backup_dir) == made
    assert free_space(engine.backup_dir) > 1_000


def test_a_drive_that_does_not_keep_what_is_written_gets_nothing(
    moved_to: BackupEngine, engine: BackupEngine, made: list[str], new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def worn(part: Path) -> str:
        return "other bytes"

    monkeypatch.setattr("backup_core.mover._digest", worn)
    with pytest.raises(RepositoryUnusable, match="did not keep"):
        moved_to.mover.move(Trigger.MANUAL, ignore)
    assert zips(engine.backup_dir) == made
    assert zips(new) == []
    assert list(new.rglob("*.part")) == []


def test_cancelled_in_the_middle_it_says_how_many_are_moved_and_goes_on_later(
    moved_to: BackupEngine, engine: BackupEngine, made: list[str], new: Path
) -> None:
    size = (engine.backup_dir / made[2]).stat().st_size

    def stop(progress: Progress) -> None:
        if progress.done > size:
            raise Cancelled

    with pytest.raises(Cancelled, match=r"1 of 3 backups were moved"):
        moved_to.mover.move(Trigger.MANUAL, stop)
    assert zips(new) == made[2:]
    assert names(moved_to) == made
    assert moved_to.history.runs()[0].outcome is Outcome.CANCELLED

    assert moved_to.mover.move(Trigger.MANUAL, ignore) == 2
    assert zips(new) == made


def test_what_a_cut_off_move_has_brought_already_is_removed_from_the_earlier_folder(
    moved_to: BackupEngine, engine: BackupEngine, made: list[str], new: Path
) -> None:
    for folder in (new, new / KEPT):
        folder.mkdir(exist_ok=True)
    (new / made[0]).write_bytes((engine.backup_dir / made[0]).read_bytes())
    assert names(moved_to) == made

    moved_to.mover.move(Trigger.MANUAL, ignore)

    assert zips(new) == made
    assert zips(engine.backup_dir) == []


def test_the_same_folder_by_another_name_loses_nothing(engine: BackupEngine, made: list[str], tmp_path: Path) -> None:
    link = tmp_path / "way round"
    link.symlink_to(engine.backup_dir)
    round_about = BackupEngine(engine.data_dir, engine.backup_dir, older_dirs=[str(link)])
    assert round_about.mover.move(Trigger.MANUAL, ignore) == 0
    assert names(round_about) == made


_MOVE = """
import sys
from pathlib import Path
from backup_core import BackupEngine
from backup_core.progress import ignore
from backup_core.runs import Trigger
data, new, old = sys.argv[1:]
BackupEngine(Path(data), Path(new), older_dirs=[old], patience=30).mover.move(Trigger.MANUAL, ignore)
"""


@pytest.mark.slow
def test_killed_at_any_moment_no_archive_is_lost(engine: BackupEngine, made: list[str], new: Path) -> None:
    new.mkdir()
    old = engine.backup_dir
    whole = {name: (old / name).read_bytes() for name in made}
    command = [sys.executable, "-c", _MOVE, str(engine.data_dir), str(new), str(old)]
    started = time.monotonic()
    subprocess.run(command, cwd=ROOT, check=True)
    took = time.monotonic() - started
    for number in range(12):
        for name, data in whole.items():
            (new / name).unlink(missing_ok=True)
            (old / name).write_bytes(data)
        with subprocess.Popen(command, cwd=ROOT) as moving:
            time.sleep(took * (0.4 + 0.6 * number / 12))
            moving.kill()
        listed = BackupEngine(engine.data_dir, new, older_dirs=[str(old)], patience=30)
        assert names(listed) == made
        assert {archive.name: archive.path.read_bytes() for archive in listed.archives()} == whole
        listed.mover.move(Trigger.MANUAL, ignore)
        assert zips(new) == made
        assert zips(old) == []
