"""The table that the long form writes, and a real disk that is full."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from . import full_disk
from .__main__ import HEAD, PROGRAMMES, REPORT, Outcome, Programme, rewrite, row, run
from .full_disk import CannotMount, Pass, Result, small_disk
from .maker import make
from .waits import broken, measure


def test_the_figures_of_all_shares_are_added_up_and_the_longest_is_taken() -> None:
    printed = "a, create: 9 calls, 3 points, 0 wrong\n7 points, 0 wrong\n8 points, 1 wrong\n"
    today = f"{datetime.now(UTC).day} {datetime.now(UTC):%b %Y}"
    shown = row("disk", Outcome(printed, well=False, seconds=120))
    assert f"| 15 points, 1 wrong | 2.0 min | {today} | **no** |" in shown
    rates = "  x: 8 writes, 9 in a second, 1 failed\n  y: 7 writes, 4 in a second, 0 failed\n"
    assert "15 writes, 4 fewest in a second, 1 failed writes" in row("writers", Outcome(rates))
    waits = "rollback journal: 5 backups, freeze 7 ms at most\n  x: 99 % within 8 ms (6 ms without backups), " * 2
    assert "10 backups, 7 longest freeze (ms)" in row("waits", Outcome(waits))
    assert "no disk here" in row("full", Outcome("left out: no disk here\n"))
    assert row("full", Outcome("left out: no disk here\n")).endswith("| left out |\n")


def test_a_programme_is_given_as_soon_as_its_last_share_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    two = Programme("", ("tests.faults.share",), {}, shares=2)
    missing = Programme("", ("tests.faults.there_is_no_such_programme",), {}, alone=True)
    monkeypatch.setattr("tests.faults.__main__.PROGRAMMES", {"missing": missing, "two": two})
    ended = list(run(["missing", "two"]))
    assert [(name, outcome.shares, outcome.well) for name, outcome in ended] == [
        ("two", 2, True),
        ("missing", 1, False),
    ]
    assert ended[0][1].seconds > 0


def test_a_programme_that_cannot_run_here_does_not_look_like_a_pass(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tests.faults.full_disk.shutil.which", lambda name: None)
    monkeypatch.setattr("tests.faults.full_disk.logging.disable", lambda: None)
    monkeypatch.setattr("sys.argv", ["full_disk"])
    assert full_disk.main() == 1
    assert capsys.readouterr().out.startswith("left out: ")


def test_a_run_of_some_leaves_the_other_rows_and_all_else_as_they_are() -> None:
    report = REPORT.read_text(encoding="utf-8")
    again = rewrite({"disk": "| `disk` | x | y | z | today | yes |\n"}, report)
    assert "| `disk` | x | y | z | today | yes |\n" in again
    for name in PROGRAMMES:
        lines = [text for text in report.splitlines() if text.startswith(f"| `{name}`")]
        assert name == "disk" or all(line in again for line in lines)
    assert again.partition(HEAD)[0] == report.partition(HEAD)[0]
    assert again.partition("\n## ")[2] == report.partition("\n## ")[2]


def test_nothing_is_lost_on_a_disk_that_is_really_full() -> None:
    result = Result()
    try:
        with small_disk() as disk:
            Pass(disk, 1, result).work(20)
    except CannotMount as reason:
        pytest.skip(f"only root can mount a small disk here: {reason}")
    assert result.refused > 0
    assert not result.wrong, "\n".join(result.wrong)


def test_what_the_writers_wait_for_is_measured_and_held_against_the_bounds(tmp_path: Path) -> None:
    make(tmp_path / "data", size=3_000_000)
    alone = measure(tmp_path / "data", 0.5, backups=False)
    beside = measure(tmp_path / "data", 0.5, backups=True)
    assert (alone.backups, beside.backups) == (0, 1)
    assert beside.frozen
    assert not beside.failed["charging"]
    beside.usual["charging"] = 3 * alone.usual["charging"]
    beside.longest["charging"] = max(beside.frozen) + alone.longest["charging"] + 0.2
    beside.failed["charging"] = ["refused"]
    assert len([found for found in broken(alone, beside) if found.startswith("charging: ")]) == 3
