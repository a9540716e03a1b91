"""The history file, with what crashes, other versions and full disks do to it."""

import json
import multiprocessing
import stat
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backup_core.history import KEPT_RUNS, Action, History, Outcome, Run, Trigger

NINE = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def run_at(minute: int, outcome: Outcome = Outcome.MADE, *, archive: str | None = "a.zip") -> Run:
    return Run(
        action=Action.BACKUP,
        trigger=Trigger.INTERVAL,
        outcome=outcome,
        started_at=NINE + timedelta(minutes=minute),
        duration=1.5,
        archive=archive,
        facts={"patients": 812, "note": "a – ü"},
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".docassist-backup" / "history.jsonl"


def test_a_run_is_read_back_as_it_was_recorded_by_this_and_by_another_process(path: Path) -> None:
    history, run = History(path), run_at(0)
    history.append(run)
    assert history.runs() == [run]
    assert History(path).runs() == [run]


def test_runs_come_newest_first_by_the_order_of_recording_whatever_the_clock_said(path: Path) -> None:
    history = History(path)
    runs = [run_at(0), run_at(60), run_at(-600)]
    for run in runs:
        history.append(run)
    assert history.runs() == runs[::-1]
    assert history.runs(2) == runs[:0:-1]


def test_a_history_without_a_file_is_empty(path: Path) -> None:
    assert History(path).runs() == []
    assert History(path).last() is None


def test_a_torn_last_line_costs_that_line_only(path: Path) -> None:
    history, first, second = History(path), run_at(0), run_at(1)
    history.append(first)
    path.write_bytes(path.read_bytes() + second.to_json()[:40])
    assert history.runs() == [first]
    history.append(second)
    assert history.runs() == [second, first]


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\xfe",
        b"null",
        b"[1, 2]",
        b"{}",
        b'{"id": "1", "action": "levitate"}',
        run_at(0).to_json().replace(b"+00:00", b""),
        run_at(0).to_json().replace(b'"duration":1.5', b'"duration":"long"'),
    ],
)
def test_a_line_of_another_kind_is_left_out(path: Path, line: bytes) -> None:
    history, run = History(path), run_at(0)
    history.append(run)
    path.write_bytes(line + b"\n" + path.read_bytes())
    assert history.runs() == [run]


def test_the_last_run_can_be_asked_for_by_action_and_outcome(path: Path) -> None:
    history = History(path)
    made, failed = run_at(0), run_at(1, Outcome.FAILED)
    restored = Run(action=Action.RESTORE, trigger=Trigger.MANUAL, outcome=Outcome.DONE, started_at=NINE)
    for run in (made, failed, restored):
        history.append(run)
    assert history.last() == failed
    assert history.last(outcomes={Outcome.MADE}) == made
    assert history.last(action=Action.RESTORE) == restored
    assert history.last(action=Action.UNDO) is None


def test_an_archive_is_confirmed_at_the_end_of_the_last_run_that_found_it_unchanged(path: Path) -> None:
    history = History(path)
    for run in (run_at(0), run_at(5, Outcome.UNCHANGED), run_at(9, Outcome.UNCHANGED), run_at(10, archive="b.zip")):
        history.append(run)
    assert history.confirmations() == {"a.zip": NINE + timedelta(minutes=9, seconds=1.5)}


def test_the_file_is_cut_back_to_the_newest_runs(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"".join(run_at(minute).to_json() + b"\n" for minute in range(KEPT_RUNS + KEPT_RUNS // 10)))
    history, newest = History(path), run_at(9999)
    history.append(newest)
    assert len(path.read_bytes().splitlines()) == KEPT_RUNS
    assert len(history.runs()) == KEPT_RUNS
    assert history.runs(1) == [newest]


def test_a_run_that_the_disk_refuses_is_remembered_and_written_with_the_next(path: Path) -> None:
    path.parent.parent.mkdir(exist_ok=True)
    path.parent.write_text("a file where the folder should be")
    history, first, second = History(path), run_at(0, Outcome.FAILED), run_at(1)
    history.append(first)
    assert history.runs() == [first]
    path.parent.unlink()
    history.append(second)
    assert History(path).runs() == [second, first]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such rights")
def test_only_this_user_may_read_the_history(path: Path) -> None:
    History(path).append(run_at(0))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def _append_some(path: Path) -> None:
    history = History(path)
    for minute in range(20):
        history.append(run_at(minute))


def test_several_processes_write_one_history_without_a_loss(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_append_some, args=(path,)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    lines = path.read_bytes().splitlines()
    assert len(lines) == len({json.loads(line)["id"] for line in lines}) == 60
