"""Archives in a sync folder that are not on this PC: never fetched unless somebody asks for that one."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from backup_core import BackupEngine
from backup_core.files import is_online_only
from backup_core.history import Trigger
from backup_core.listing import State
from backup_core.retention import Policy
from backup_core.rotation import next_to_prove
from tests.audit import listening
from tests.clinic import Clinic
from tests.core.commandline import Run
from tests.fakeclock import FakeClock

RECALL_ON_DATA_ACCESS = 0x400000


class Cloud:
    """A sync service: it frees the room of archives, and fetches one when it is read."""

    def __init__(self) -> None:
        self.away: set[str] = set()
        self.fetched: list[str] = []

    def see(self, event: str, values: tuple[Any, ...]) -> None:
        """Fetch what is opened."""
        name = Path(os.fsdecode(values[0])).name if event == "open" and not isinstance(values[0], int) else ""
        if name in self.away:
            self.away.discard(name)
            self.fetched.append(name)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """The attributes that Windows gives, on any system."""
    cloud, stat = Cloud(), Path.stat

    def with_attributes(path: Path, **options: Any) -> Any:
        status = stat(path, **options)
        if path.name not in cloud.away:
            return status
        fields = {name: getattr(status, name) for name in dir(status) if name.startswith("st_")}
        return SimpleNamespace(**fields, st_file_attributes=RECALL_ON_DATA_ACCESS)

    monkeypatch.setattr(Path, "stat", with_attributes)
    with listening(cloud.see):
        yield cloud


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, False),
        ({"st_file_attributes": 0x20}, False),
        ({"st_file_attributes": 0x1000}, True),
        ({"st_file_attributes": 0x40000 | 0x20}, True),
        ({"st_file_attributes": 0x400000}, True),
        ({"st_flags": 0x40000000}, True),
        ({"st_flags": 0x20}, False),
    ],
)
def test_windows_and_macos_tell_what_is_online_only(fields: dict[str, int], expected: bool) -> None:
    assert is_online_only(SimpleNamespace(**fields)) is expected  # type: ignore[arg-type]


def made(engine: BackupEngine, clinic: Clinic, clock: FakeClock, number: int) -> list[str]:
    """Make archives of different contents, some days apart; return their names, oldest first."""
    names = []
    for index in range(number):
        clinic.admit(f"Patient {index}")
        names.append(engine.create().name)
        clock.pass_time(timedelta(days=3))
    return names


def test_listing_pruning_proving_in_turn_and_backing_up_fetch_nothing(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock, cloud: Cloud
) -> None:
    names = made(engine, clinic, clock, 4)
    cloud.away = {names[0], names[-1]}
    clock.pass_time(timedelta(days=60))
    for looking in (engine, BackupEngine(clinic.data_dir, clock=clock)):
        states = {one.name: one.state for one in looking.archives()}
        assert states[names[0]] is states[names[-1]] is State.ONLINE
        assert states[names[1]] is State.VERIFIED
        wanted = next_to_prove(looking.archives(), looking.origin, clock.now())
        assert wanted is not None
        assert wanted.name == names[2]
        assert looking.keeper.reasons(Policy(newest=1)) == {names[2]: "newest"}
        newest = looking.last_good()
        assert newest is not None
        assert newest.name == names[2]
    engine.back_up(Trigger.INTERVAL)
    deleted = BackupEngine(clinic.data_dir, clock=clock).prune(keep=1)
    assert set(deleted) == {names[1], names[2]}
    assert cloud.fetched == []
    assert {names[0], names[-1]} <= {one.name for one in engine.archives()}


def test_what_is_made_meanwhile_is_newer_than_what_could_not_be_read(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock, cloud: Cloud
) -> None:
    names = made(engine, clinic, clock, 3)
    cloud.away = set(names)
    fresh = BackupEngine(clinic.data_dir, clock=clock).create()
    assert cloud.fetched == []
    cloud.away = set()
    assert [one.name for one in BackupEngine(clinic.data_dir, clock=clock).archives()] == [fresh.name, *names[::-1]]


@pytest.mark.parametrize("asked", ["verify", "prove", "restore"])
def test_whoever_asks_for_one_gets_it(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock, cloud: Cloud, asked: str
) -> None:
    (name,) = made(engine, clinic, clock, 1)
    rows = clinic.rows()
    cloud.away = {name}
    fresh = BackupEngine(clinic.data_dir, clock=clock)
    archive = fresh.find(name)
    assert (archive.state, archive.can_be_tried, archive.is_good) == (State.ONLINE, True, False)
    assert getattr(fresh, asked)(archive)
    assert cloud.fetched == [name]
    assert clinic.rows() == rows
    assert fresh.find(name).is_good


def test_the_safety_backup_of_an_undo_is_fetched_for_it(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock, cloud: Cloud
) -> None:
    (name,) = made(engine, clinic, clock, 1)
    clinic.admit("Today")
    safety = engine.restore(engine.find(name)).safety
    assert safety is not None
    cloud.away = {safety}
    undoable = BackupEngine(clinic.data_dir, clock=clock).undoable()
    assert undoable is not None
    assert (undoable.name, cloud.fetched) == (safety, [])
    engine.undo()
    assert cloud.fetched == [safety]
    assert "Today" in clinic.names()


def test_the_list_says_where_it_is(run: Run, cloud: Cloud) -> None:
    name = run("create", "--json").document["name"]
    cloud.away = {name}
    listed = run("list")
    assert "online-only" in listed.out
    assert "in the cloud, not on this PC" in listed.out
    assert cloud.fetched == []


def test_to_verify_all_fetches_none_and_says_so(run: Run, cloud: Cloud, clinic: Clinic) -> None:
    names = [run("create", "--json").document["name"] for _ in range(3)]
    cloud.away = set(names[:2])
    told = run("verify")
    assert cloud.fetched == []
    assert told.out.splitlines() == [
        names[2],
        "All 1 are whole.",
        "2 that are not on this PC were not fetched: name one to have it read.",
    ]
    cloud.away = set(names)
    assert run("verify", "--json").document == {"verified": [], "not_fetched": 3}
    assert run("verify", names[0]).status == 0
    assert cloud.fetched == [names[0]]
