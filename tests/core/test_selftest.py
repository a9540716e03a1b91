"""The self-test: what it shows, and what it keeps to itself."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from backup_core import selftest
from backup_core.selftest import SelfTest, Step, report


def test_it_passes_with_a_recovery_and_tells_of_no_patient(tmp_path: Path) -> None:
    names: set[str] = set()

    def read_names(step: Step) -> None:
        with closing(sqlite3.connect(next(tmp_path.rglob("clinic.db")))) as database:
            names.update(name for (name,) in database.execute("SELECT name FROM patients"))

    steps = SelfTest(tmp_path / "test").run(read_names)

    assert [step.detail for step in steps if not step.ok] == []
    text = report(steps)
    assert len(names) > 10
    assert [name for name in names if name in text] == []
    assert "The restore of" in steps[-1].detail, "a restore was killed in its swap, and recovered"
    assert list(tmp_path.iterdir()) == []


def planted(test: SelfTest, monkeypatch: pytest.MonkeyPatch, *works: Callable[[], str]) -> list[Step]:
    """Run a self-test of these steps."""
    monkeypatch.setattr(test, "_steps", lambda: [(f"step {number}", work) for number, work in enumerate(works)])
    return test.run()


def test_a_step_that_ends_after_the_two_minutes_fails_and_no_other_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("backup_core.selftest.time.monotonic", lambda: now[0])

    def slow() -> str:
        now[0] += selftest.LIMIT - 1
        return "done"

    steps = planted(SelfTest(tmp_path / "test"), monkeypatch, slow, slow, slow)
    assert [step.ok for step in steps] == [True, False, False]
    assert "two minutes were over at its end" in steps[1].detail
    assert "not tried" in steps[2].detail


def test_what_the_systems_tool_unpacks_with_other_bytes_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    test = SelfTest(tmp_path / "test")
    monkeypatch.setattr(
        "backup_core.selftest._UNPACKERS",
        (["sh", "-c", "unzip -q {zip} -d {folder}; truncate -s 9 {folder}/clinic.db"],),
    )
    test._clinic = test._clinic.__class__(tmp_path / "test" / "plain")
    test._engine = test._engine.__class__(test._clinic.data_dir)
    test._clinic.make()
    test._made = [test._engine.create()]
    with pytest.raises(selftest.StepFailed, match=r"clinic.db was unpacked with other bytes"):
        test._unpack()
