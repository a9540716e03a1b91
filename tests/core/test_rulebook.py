"""Rules that a disk has spoilt: what was to be kept for ever is kept, and somebody is told."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from backup_core import BackupEngine
from backup_core.files import PRIVATE
from backup_core.listing import Archive
from backup_core.retention import Policy
from backup_core.rulebook import BY_HAND, RuleBook
from backup_core.runs import Action
from tests.clinic import Clinic
from tests.core.test_keeper import make, names
from tests.fakeclock import FakeClock

SPOILT = [b"", b"\xff", b"{", b"[1]", b'{"policy": 5}', b'{"policy": {"newest": 0}}', b'{"pins": []}', b"[" * 100_000]


@pytest.fixture
def made(engine: BackupEngine, clinic: Clinic, clock: FakeClock) -> list[Archive]:
    """Three archives, of which the oldest is to be kept for ever, and a policy for one."""
    made = make(engine, clinic, clock, 3, timedelta(minutes=1))
    engine.keeper.set_policy(Policy(newest=1))
    engine.keeper.keep_for_ever(made[0], keep=True)
    return made


def rules(engine: BackupEngine) -> Path:
    return engine.backup_dir / PRIVATE / "rules.json"


@pytest.mark.parametrize("content", SPOILT, ids=lambda content: str(content[:24]))
def test_spoilt_rules_are_those_of_their_copy(engine: BackupEngine, made: list[Archive], content: bytes) -> None:
    rules(engine).write_bytes(content)
    assert engine.policy == Policy(newest=1)
    assert engine.keeper.pins == {made[0].name: BY_HAND}

    assert engine.prune() == [made[1].name]

    assert made[0].name in names(engine)
    assert rules(engine).with_name("rules.json.spoilt").read_bytes() == content
    told = next(run for run in engine.history.runs() if run.reason)
    assert (told.action, "Its copy is used" in told.reason) == (Action.PRUNE, True)
    assert json.loads(rules(engine).read_bytes())["pins"] == {made[0].name: BY_HAND}


def test_rules_of_which_only_the_copy_is_there_are_obeyed(engine: BackupEngine, made: list[Archive]) -> None:
    rules(engine).unlink()
    assert engine.prune() == [made[1].name]
    assert names(engine) == {made[0].name, made[2].name}


@pytest.mark.parametrize("content", SPOILT, ids=lambda content: str(content[:24]))
def test_where_the_copy_is_spoilt_too_no_archive_goes_until_somebody_says_so(
    engine: BackupEngine, clinic: Clinic, clock: FakeClock, made: list[Archive], content: bytes
) -> None:
    for path in (rules(engine), rules(engine).with_name("rules.json.copy")):
        path.write_bytes(content)

    assert engine.prune(keep=1) == []
    engine.keeper.set_policy(Policy(newest=1))
    assert engine.prune() == []

    assert names(engine) == {one.name for one in made}
    assert "all backups that were there are kept for ever" in "".join(run.reason for run in engine.history.runs())
    (later, last) = make(engine, clinic, clock, 2, timedelta(minutes=1))
    assert engine.prune() == [later.name], "what comes after that is kept as the policy says"
    engine.keeper.keep_for_ever(made[1], keep=False)
    assert engine.prune() == [made[1].name]


def test_the_archives_of_an_earlier_backup_folder_with_spoilt_rules_are_all_kept_for_ever(
    engine: BackupEngine, clinic: Clinic, made: list[Archive], tmp_path: Path
) -> None:
    for path in (rules(engine), rules(engine).with_name("rules.json.copy")):
        path.write_bytes(b"\xff")
    later = BackupEngine(clinic.data_dir, tmp_path / "elsewhere")
    later.keeper.take_over(engine.backup_dir)
    assert later.keeper.pins == {one.name: BY_HAND for one in made}


def test_rules_of_a_version_that_made_no_copy_get_one(engine: BackupEngine, made: list[Archive]) -> None:
    copy = rules(engine).with_name("rules.json.copy")
    copy.unlink()
    assert engine.keeper.mend() == ""
    assert copy.read_bytes() == rules(engine).read_bytes()


def test_a_policy_of_a_later_version_counts_as_far_as_it_is_known(tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    path.write_text('{"policy": {"newest": 4, "yearly": 5}, "pins": {"a.zip": "by-hand"}, "more": 1}')
    book = RuleBook(path, list)
    assert (book.policy, book.pins) == (Policy(newest=4), {"a.zip": BY_HAND})
    book.pins = {}
    assert json.loads(path.read_bytes()) == {"policy": {"newest": 4, "yearly": 5}, "pins": {}, "more": 1}


def test_a_full_disk_leaves_the_rules_as_they_were(
    engine: BackupEngine, made: list[Archive], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rules(engine).read_bytes()
    written: list[Path] = []

    def full(path: Path, data: bytes) -> None:
        written.append(path)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("backup_core.rulebook.write_atomically", full)
    with pytest.raises(Exception, match="disk is full"):
        engine.keeper.keep_for_ever(made[1], keep=True)
    assert written == [rules(engine).with_name("rules.json.copy")], "the copy is written first"
    assert rules(engine).read_bytes() == before
