"""Archives are opened in the background, one at a time, when nobody is slowed by it."""

import contextlib
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from backup_core.errors import BackupError
from backup_core.history import Trigger
from backup_core.listing import Archive, State
from backup_core.proofs import Proof
from backup_core.retention import Policy
from backup_core.runs import Action, Outcome
from tray.prover import Prover
from tray.rounds import Rounds

from .clinic import Computer, computer_in, until
from .parts import Launcher

Proofs = queue.Queue[tuple[Archive, Proof]]
LONG = timedelta(hours=2)
LOOK = timedelta(seconds=31)


@pytest.fixture
def proofs() -> Proofs:
    return queue.Queue()


@pytest.fixture
def work() -> list[str]:
    """What is running besides; the test puts it there."""
    return []


@pytest.fixture
def prover(launcher: Launcher, proofs: Proofs, work: list[str]) -> Iterator[Prover]:
    launcher.engine.create(Trigger.MANUAL)
    prover = Prover(
        launcher.clock, lambda archive, proof: proofs.put((archive, proof)), lambda: work[-1] if work else ""
    )
    yield prover
    prover.stop(30)


@pytest.fixture
def tried(launcher: Launcher, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let no archive be opened, and return the names of those that were tried."""
    tried: list[str] = []

    def fail(archive: Archive, **others: object) -> Proof:
        tried.append(archive.name)
        raise BackupError("It cannot be read just now.")

    monkeypatch.setattr(launcher.engine, "prove", fail)
    return tried


def be_quiet(launcher: Launcher, seconds: float = 121) -> None:
    """Let nobody have written to the data for so long."""
    at = time.time() - seconds
    os.utime(launcher.data_dir / "clinic.db", (at, at))


def until_it_has_ended(prover: Prover) -> None:
    until(lambda: not any(thread.name == "prover" for thread in threading.enumerate()))


def spoil(archive: Archive) -> None:
    damaged = bytearray(archive.path.read_bytes())
    damaged[200] ^= 0xFF
    archive.path.write_bytes(damaged)


def test_a_new_backup_is_opened_when_it_has_waited_for_long(launcher: Launcher, prover: Prover, proofs: Proofs) -> None:
    prover.tick(launcher.engine)
    until_it_has_ended(prover)
    assert proofs.empty(), "somebody has just written to the data"
    launcher.clock.pass_time(LONG)
    prover.tick(launcher.engine)
    archive, proof = proofs.get(timeout=60)
    assert proof.problem == ""
    assert [one.state for one in launcher.engine.archives()] == [State.PROVEN]
    assert archive.name == launcher.engine.archives()[0].name

    launcher.clock.pass_time(LONG)
    prover.tick(launcher.engine)
    until_it_has_ended(prover)
    launcher.clock.pass_time(LONG)
    prover.tick(launcher.engine)
    until_it_has_ended(prover)
    assert proofs.empty(), "it was opened already"


def test_it_is_opened_as_soon_as_the_clinic_was_quiet_for_two_minutes(
    launcher: Launcher, prover: Prover, proofs: Proofs
) -> None:
    be_quiet(launcher, 110)
    prover.tick(launcher.engine)
    until_it_has_ended(prover)
    assert proofs.empty()
    be_quiet(launcher, 121)
    launcher.clock.pass_time(LOOK)
    prover.tick(launcher.engine)
    assert proofs.get(timeout=60)[1].is_full


@pytest.mark.parametrize(
    ("what", "answer"), [("free_memory", 699_999_999), ("free_space", 1 << 20)], ids=["memory", "room"]
)
def test_it_waits_for_memory_and_room_however_long_that_takes(
    what: str,
    answer: int,
    launcher: Launcher,
    prover: Prover,
    proofs: Proofs,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    be_quiet(launcher)
    with monkeypatch.context() as patch:
        patch.setattr(f"tray.prover.{what}", lambda *asked: answer)
        for _ in range(3):
            prover.tick(launcher.engine)
            launcher.clock.pass_time(LONG)
        until_it_has_ended(prover)
        assert proofs.empty()
    prover.tick(launcher.engine)
    assert proofs.get(timeout=60)[1].is_full


def test_it_waits_while_a_job_runs(launcher: Launcher, prover: Prover, proofs: Proofs, work: list[str]) -> None:
    be_quiet(launcher)
    work.append("create")
    prover.tick(launcher.engine)
    until_it_has_ended(prover)
    assert proofs.empty()
    work.clear()
    launcher.clock.pass_time(LOOK)
    prover.tick(launcher.engine)
    assert proofs.get(timeout=60)[1].is_full


def test_one_that_could_not_be_opened_is_left_alone_for_an_hour(
    launcher: Launcher, prover: Prover, proofs: Proofs, tried: list[str]
) -> None:
    be_quiet(launcher)
    for minutes in (0, 1, 58, 2):
        launcher.clock.pass_time(timedelta(minutes=minutes))
        prover.tick(launcher.engine)
        until_it_has_ended(prover)
    assert len(tried) == 2
    assert proofs.empty()


def test_where_two_in_a_row_cannot_be_opened_all_are_left_alone_for_an_hour(
    launcher: Launcher, prover: Prover, proofs: Proofs, tried: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        launcher.clock.pass_time(timedelta(minutes=1))
        launcher.change()
        launcher.engine.create(Trigger.MANUAL)
    be_quiet(launcher)
    seen = []
    for _ in range(130):
        launcher.clock.pass_time(timedelta(minutes=1))
        prover.tick(launcher.engine)
        until_it_has_ended(prover)
        seen.append(len(tried))
    assert seen[1] == 2, "the second is tried at once: it may have been the archive"
    assert seen[60] == 2
    assert seen[-1] == 4, "one an hour"
    monkeypatch.undo()
    launcher.clock.pass_time(timedelta(hours=1))
    prover.tick(launcher.engine)
    assert proofs.get(timeout=60)[1].is_full


def test_nothing_is_tidied_up_when_the_launcher_ends(
    launcher: Launcher, prover: Prover, proofs: Proofs, monkeypatch: pytest.MonkeyPatch
) -> None:
    prove = launcher.engine.prove

    def prove_at_the_end(archive: Archive, **others: object) -> Proof:
        proof = prove(archive)
        prover._is_ending = True
        return proof

    def refuse(**others: object) -> list[str]:
        raise AssertionError("it was tidied up")

    monkeypatch.setattr(launcher.engine, "prove", prove_at_the_end)
    monkeypatch.setattr(launcher.engine, "prune", refuse)
    be_quiet(launcher)
    prover.tick(launcher.engine)
    assert proofs.get(timeout=60)[1].is_full


@pytest.mark.parametrize("cause", ["the end", "a restore"])
def test_what_is_being_opened_makes_way_and_is_taken_up_again(
    cause: str, launcher: Launcher, prover: Prover, proofs: Proofs, work: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    make_way = prover._make_way

    def watch(progress: object) -> None:
        begun.set()
        assert go_on.wait(30)
        make_way(progress)  # type: ignore[arg-type]

    monkeypatch.setattr(prover, "_make_way", watch)
    be_quiet(launcher)
    prover.tick(launcher.engine)
    assert begun.wait(30)
    if cause == "the end":
        prover._is_ending = True
    else:
        work.append("restore")
    go_on.set()
    until_it_has_ended(prover)

    assert proofs.empty()
    assert list((launcher.data_dir / ".docassist-backup" / "staging").iterdir()) == []
    run = launcher.engine.history.runs()[0]
    assert (run.action, run.outcome) == (Action.PROVE, Outcome.CANCELLED)
    if cause == "the end":
        prover.tick(launcher.engine)
        launcher.clock.pass_time(LOOK)
        prover.tick(launcher.engine)
        until_it_has_ended(prover)
        assert proofs.empty(), "nothing begins any more"
        prover = Prover(launcher.clock, lambda archive, proof: proofs.put((archive, proof)))
    work.clear()
    launcher.clock.pass_time(LOOK)
    prover.tick(launcher.engine)
    assert proofs.get(timeout=60)[1].is_full


def test_old_backups_go_only_when_a_younger_one_was_opened(launcher: Launcher, prover: Prover, proofs: Proofs) -> None:
    engine = launcher.engine
    engine.keeper.set_policy(Policy(newest=1, waiting=2))
    first = engine.archives()[0].name
    be_quiet(launcher)
    prover.tick(engine)
    proofs.get(timeout=60)
    for _ in range(2):
        launcher.clock.pass_time(timedelta(hours=12))
        launcher.change()
        engine.back_up(Trigger.INTERVAL)
    until_it_has_ended(prover)
    assert len(engine.archives()) == 3, "the younger two were not opened yet"
    assert set(engine.keeper.reasons(engine.policy).values()) == {"unopened", "newest"}
    be_quiet(launcher)
    prover.tick(engine)
    archive, _ = proofs.get(timeout=60)
    assert [one.name for one in engine.archives()] == [archive.name]
    assert archive.name != first


def test_a_damaged_backup_is_told(launcher: Launcher, prover: Prover, proofs: Proofs) -> None:
    spoil(launcher.engine.archives()[0])
    prover.tick(launcher.engine)
    launcher.clock.pass_time(LONG)
    prover.tick(launcher.engine)
    proof = proofs.get(timeout=60)[1]
    assert proof.problem
    assert proof.was_newest


def test_a_live_index_that_is_damaged_does_not_make_backup_after_backup_all_night(launcher: Launcher) -> None:
    (launcher.data_dir / "chroma" / "index").mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(launcher.data_dir / "chroma" / "chroma.sqlite3")) as store, store:
        store.execute("CREATE TABLE embeddings_queue (seq_id INTEGER PRIMARY KEY)")
    (launcher.data_dir / "chroma" / "index" / "header.bin").write_bytes(b"torn")

    def proven(archive: Archive, proof: Proof) -> None:
        assert proof.problem
        assert proof.was_newest
        launcher.rounds.newest_is_damaged()

    prover = Prover(launcher.clock, proven)
    launcher.rounds = Rounds(launcher, prover, launcher.news)
    be_quiet(launcher)
    for path in (launcher.data_dir / "chroma").rglob("*"):
        os.utime(path, (time.time() - 500, time.time() - 500))
    for _ in range(12 * 12):
        launcher.go_round()
        until_it_has_ended(prover)
        launcher.clock.pass_time(timedelta(minutes=5))
    runs = launcher.engine.history.runs()
    assert len([run for run in runs if run.action is Action.PROVE]) == 2, "one damaged, and one made in its place"
    assert len([run for run in runs if run.outcome is Outcome.MADE]) <= 4, "every four hours, and one in its place"


def test_a_backup_folder_that_cannot_be_read_stops_nothing(
    launcher: Launcher, prover: Prover, proofs: Proofs, caplog: pytest.LogCaptureFixture
) -> None:
    launcher.engine.backup_dir.rename(launcher.data_dir / "away")
    launcher.engine.backup_dir.write_text("a file where the folder should be")
    prover.tick(launcher.engine)
    assert "could not look for an archive" in caplog.text
    assert proofs.empty()


def opening(computer: Computer) -> list[psutil.Process]:
    """Return the processes that open a backup of this computer: they have its launcher's environment."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        with contextlib.suppress(psutil.Error):
            is_probe = "backup_core.chromaprobe" in (process.info["cmdline"] or [])
            if is_probe and process.environ().get("HOME") == computer.environment["HOME"]:
                found.append(process)
    return found


@pytest.mark.parametrize("end", ["orderly", "killed"])
def test_a_backup_that_is_being_opened_does_not_outlive_the_launcher_and_the_next_start_opens_it(
    end: str, tmp_path: Path, clinic: Path
) -> None:
    with computer_in(tmp_path) as computer:
        computer.open_clinic(clinic)
        for path in (computer.data_dir / "clinic.db", computer.data_dir / "chroma" / "chroma.sqlite3"):
            os.utime(path, (time.time() - 500, time.time() - 500))
        launched = computer.start("--no-browser", with_emr=False)
        computer.wait_for_run(Trigger.STARTUP)
        until(lambda: bool(opening(computer)))
        launched.end() if end == "orderly" else launched.kill()
        until(lambda: not opening(computer))
        if end == "orderly":
            assert list((computer.data_dir / ".docassist-backup" / "staging").iterdir()) == []
        assert not any(run.outcome is Outcome.DONE for run in computer.proofs())

        computer.start("--no-browser", with_emr=False)
        until(lambda: any(run.outcome is Outcome.DONE for run in computer.proofs()))
