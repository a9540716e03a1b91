"""A backup that finds no room: what can be spared makes way for it, and never what must stay."""

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from backup_core import BackupEngine, pruning, space
from backup_core.errors import RepositoryFull
from backup_core.listing import Archive
from backup_core.retention import Policy
from backup_core.runs import Outcome, Trigger
from tests.audit import listening
from tests.clinic import Clinic
from tests.core.test_keeper import make, names
from tests.fakeclock import FakeClock
from tests.laws.world import MEMORY

Disk = Callable[[int], None]


@pytest.fixture
def made(engine: BackupEngine, clinic: Clinic, clock: FakeClock) -> list[Archive]:
    """Four archives of four months: the oldest is pinned, the second opened and checked."""
    made = make(engine, clinic, clock, 4, timedelta(days=31))
    engine.keeper.set_policy(Policy(newest=1, monthly=4))
    engine.keeper.keep_for_ever(made[0], keep=True)
    clock.pass_time(timedelta(days=31))
    return made


@pytest.fixture
def full_above(engine: BackupEngine, monkeypatch: pytest.MonkeyPatch) -> Disk:
    """Give a disk that has no room while more than so many archives are on it."""
    usage = shutil.disk_usage(engine.data_dir)

    def fill(most: int) -> None:
        def answer(path: object) -> object:
            is_full = len(list(engine.backup_dir.rglob("*.zip"))) > most
            return usage._replace(total=10**12, free=1000 if is_full else 10**11)

        monkeypatch.setattr(shutil, "disk_usage", answer)

    return fill


def test_a_full_disk_gives_up_its_oldest_tier_for_the_backup_of_today(
    engine: BackupEngine, clinic: Clinic, made: list[Archive], full_above: Disk
) -> None:
    full_above(3)
    clinic.admit("Today")
    run = engine.back_up(Trigger.INTERVAL)
    assert run.outcome is Outcome.MADE
    # The second made way for it, and the third for what comes next.
    assert names(engine) == {made[0].name, made[3].name, run.archive}
    assert "nearly full" in "".join(one.reason for one in engine.history.runs())


def test_a_full_disk_takes_older_damaged_backups_before_any_good_one(
    engine: BackupEngine, clinic: Clinic, made: list[Archive], clock: FakeClock, full_above: Disk
) -> None:
    bad = make(engine, clinic, clock, 5, timedelta(hours=4))
    for archive in bad:
        data = bytearray(archive.path.read_bytes())
        data[300] ^= 1
        archive.path.write_bytes(data)
        assert engine.prove(engine.find(archive.name)).problem
    engine.keeper.keep_for_ever(bad[0], keep=True)
    full_above(8)
    engine.prune()
    assert names(engine) == {one.name for one in (*made, bad[0], *bad[2:])}
    full_above(7)
    engine.prune()
    assert names(engine) == {one.name for one in (made[0], *made[2:], bad[0], *bad[2:])}, "the newest three stay"


def test_a_full_disk_takes_nothing_from_another_disk_and_no_name_that_gives_no_room(
    clinic: Clinic, clock: FakeClock, tmp_path: Path, full_above: Disk
) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as elsewhere:
        old, new = Path(elsewhere) / "backups", tmp_path / "stick"
        new.mkdir()
        if Path(elsewhere).stat().st_dev == new.stat().st_dev:
            pytest.skip("there is only one disk here")
        earlier = BackupEngine(clinic.data_dir, old, clock=clock, patience=5)
        far = make(earlier, clinic, clock, 3, timedelta(days=31))
        engine = BackupEngine(clinic.data_dir, new, older_dirs=[str(old)], clock=clock, patience=5)
        engine.keeper.set_policy(Policy(newest=1, monthly=12))
        near = make(engine, clinic, clock, 3, timedelta(days=31))
        second_name = new / f"safety_{near[1].name}"
        os.link(near[1].path, second_name)
        full_above(-1)
        engine.keeper.keep_for_ever(engine.find(second_name.name), keep=True)
        engine.prune()
        assert names(engine) == {*(one.name for one in far), near[1].name, second_name.name, near[2].name}


def test_a_full_disk_takes_a_file_by_both_of_its_names(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock, made: list[Archive], full_above: Disk
) -> None:
    safeties = []
    for _ in range(4):
        clock.pass_time(timedelta(hours=1))
        clinic.admit(f"Before a restore {clock.now()}")
        newest = engine.create()
        safeties.append(engine.restore(engine.find(made[0].name)).safety)
        assert engine.find(newest.name).file == engine.find(str(safeties[-1])).file
    full_above(0)
    engine.prune()
    left = names(engine)
    assert safeties[0] not in left
    assert set(safeties[1:]) <= left, "the newest three stay"
    assert len({one.file for one in engine.archives()}) == 4, "the pinned one, and three that can be gone back to"


def test_the_backup_of_today_is_made_in_the_room_of_one_though_another_cannot_be_deleted(
    engine: BackupEngine, clinic: Clinic, made: list[Archive], full_above: Disk
) -> None:
    def refuse(step: str, values: Sequence[object]) -> None:
        if step == "os.remove" and made[1].name in str(values[0]):
            raise PermissionError(errno.EPERM, "not permitted")

    full_above(3)
    clinic.admit("Today")
    with listening(refuse):
        run = engine.back_up(Trigger.INTERVAL)
    assert run.outcome is Outcome.MADE
    # The third made way for it, and the fourth for what comes next.
    assert names(engine) == {made[0].name, made[1].name, run.archive}


def test_pins_the_newest_and_the_newest_proven_backup_stay_on_a_full_disk(
    engine: BackupEngine, clinic: Clinic, made: list[Archive], full_above: Disk
) -> None:
    engine.prove(made[1])
    full_above(0)
    clinic.admit("Today")
    with pytest.raises(RepositoryFull):
        engine.back_up(Trigger.INTERVAL)
    assert names(engine) == {made[0].name, made[1].name, made[3].name}
    assert [run.outcome for run in engine.history.runs()[:2]] == [Outcome.FAILED, Outcome.DONE]


def test_where_nothing_can_be_spared_the_backup_is_refused_once(
    engine: BackupEngine, clinic: Clinic, made: list[Archive], full_above: Disk
) -> None:
    for archive in made:
        engine.keeper.keep_for_ever(archive, keep=True)
    full_above(0)
    clinic.admit("Today")
    before = len(engine.history.runs())
    with pytest.raises(RepositoryFull, match="not enough room"):
        engine.back_up(Trigger.INTERVAL)
    assert len(engine.history.runs()) == before + 1
    assert names(engine) == {one.name for one in made}


def test_a_run_that_finds_nothing_new_keeps_the_disk_from_filling_up_too(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock, made: list[Archive], full_above: Disk
) -> None:
    clinic.admit("Today")
    last = engine.back_up(Trigger.INTERVAL)
    clock.pass_time(timedelta(hours=4))
    full_above(3)
    assert engine.back_up(Trigger.INTERVAL).outcome is Outcome.UNCHANGED
    assert names(engine) == {made[0].name, made[3].name, last.archive}


def test_a_clinic_that_needs_more_room_than_is_usually_left_free_gets_it(
    engine: BackupEngine, clinic: Clinic, made: list[Archive], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one of 5 GB on a disk with 8 GB free: the numbers are small here, and so is what is usually left."""
    monkeypatch.setattr(pruning, "_FREE_BYTES", 1000)
    usage, needed = shutil.disk_usage(engine.data_dir), 60_000_000

    def answer(path: object) -> object:
        there = len(list(engine.backup_dir.rglob("*.zip")))
        return usage._replace(total=10**12, free=needed - there * 10_000_000 + 5_000_000)

    monkeypatch.setattr(shutil, "disk_usage", answer)
    monkeypatch.setattr(space, "_SPARE", needed - 30_000_000)
    clinic.admit("Today")
    run = engine.back_up(Trigger.INTERVAL)
    assert run.outcome is Outcome.MADE
    assert made[0].name in names(engine)
    assert made[1].name not in names(engine)
