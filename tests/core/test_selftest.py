"""The self-test: what it shows, and what it keeps to itself."""

import errno
import os
import sqlite3
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from backup_core import selftest
from backup_core.selftest import SelfTest, Step, report, self_test
from tests.audit import listening


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


def test_a_folder_that_a_virus_scanner_holds_costs_no_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "test"
    folder.mkdir()

    def hold(event: str, values: tuple[Any, ...]) -> None:
        if event == "shutil.rmtree" and str(values[0]) == str(folder):
            raise PermissionError(errno.EACCES, "held by another program")

    with listening(hold):
        steps = planted(SelfTest(folder), monkeypatch, lambda: "done")
    assert [(step.ok, step.detail) for step in steps] == [(True, "done")]
    assert folder.is_dir()


def test_what_an_earlier_self_test_has_left_is_swept_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SelfTest, "_steps", lambda test: [])
    long_ago = time.time() - 7 * 3600

    def make(name: str, *, old: bool) -> Path:
        folder = tmp_path / name
        (folder / "Zoë's sample clinic").mkdir(parents=True)
        if old:
            os.utime(folder, (long_ago, long_ago))
        return folder

    left = make(uuid.uuid4().hex, old=True)
    others = [
        make(uuid.uuid4().hex, old=False),
        make("launchers", old=True),
        make(str(uuid.uuid4()), old=True),
        make(f"{uuid.uuid4().hex}0", old=True),
    ]
    linked, file = tmp_path / uuid.uuid4().hex, tmp_path / uuid.uuid4().hex
    linked.symlink_to(others[1])
    file.write_text("a file")
    os.utime(file, (long_ago, long_ago))

    report_path = self_test(tmp_path).report

    assert not left.exists()
    assert set(tmp_path.iterdir()) == {*others, linked, file, report_path}
    assert (others[1] / "Zoë's sample clinic").is_dir()
