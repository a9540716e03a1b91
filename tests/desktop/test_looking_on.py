"""Two launchers of two users or PCs on one data folder, real processes: one works, the other looks on."""

import json
import shutil
import subprocess
import sys
import time
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backup_core.history import Outcome, Trigger
from tray.emr import AT_ONCE

from .clinic import Computer, Launched, computer_in, until

SENTENCE = "Dr Rao's account on RECEPTION looks after this data."

#: A launcher of another user on another PC, as far as the data folder tells: it holds the lock, and its note says so.
OTHER = """
import getpass, pathlib, platform, sys
platform.node = lambda: "RECEPTION"
getpass.getuser = lambda: "Dr Rao"
from tray.instance import Instance
instance = Instance(pathlib.Path(sys.argv[1]))
instance.claim()
print("claimed", flush=True)
sys.stdin.readline()
instance.release(cleanly=True)
"""


@pytest.fixture
def computer(tmp_path: Path, clinic: Path) -> Iterator[Computer]:
    with computer_in(tmp_path) as computer:
        computer.open_clinic(clinic)
        yield computer


@contextmanager
def another_launcher(computer: Computer) -> Iterator["subprocess.Popen[str]"]:
    """Have a launcher of another user on another PC look after the data."""
    command = [sys.executable, "-c", OTHER, str(computer.data_dir)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "claimed\n"
        try:
            yield process
        finally:
            process.kill()


def look_on(computer: Computer, *options: str) -> Launched:
    """Start a launcher and return it once it tells whose data it looks at."""
    launched = computer.start("--no-browser", *options)
    launched.said("Admin page:")
    until(lambda: bool(launched.ask("/status")["caretaker"]), computer.log)
    assert launched.ask("/status")["caretaker"] == SENTENCE
    return launched


def refused(launched: Launched, path: str) -> bool:
    try:
        launched.ask(path, {"confirmed": "yes"})
    except urllib.error.HTTPError as error:
        return error.code == 409 and SENTENCE in json.loads(error.read())["error"]
    return False


def test_the_second_one_shows_who_looks_after_the_data_and_changes_nothing(computer: Computer) -> None:
    first = computer.start("--no-browser", with_emr=False)
    startup = computer.wait_for_run(Trigger.STARTUP, Outcome.MADE)
    assert first.end() == 0
    runs = computer.runs()
    with another_launcher(computer):
        note = computer.note()
        launched = look_on(computer)
        assert any(SENTENCE in notice for notice in launched.ask("/status")["notices"])
        assert str(startup.archive) in launched.ask("/")
        for path in ("/backups", f"/backups/{startup.archive}/restore", f"/backups/{startup.archive}/delete"):
            assert refused(launched, path)
        # DocAssist is opened by opening this program, here as well.
        computer.wait_for_emr()
        time.sleep(AT_ONCE)  # sooner, and it is taken for a wrapper whose program is on its way
        computer.close_emr()
        until(lambda: launched.ask("/status")["emr"] == "not-running", computer.log)
        assert launched.end() == 0
        assert computer.runs() == runs, "no backup at the start, after DocAssist, or at the end"
        assert computer.note() == note


def test_it_takes_over_when_the_first_one_ends(computer: Computer) -> None:
    with another_launcher(computer) as first:
        launched = look_on(computer)
        emr = computer.wait_for_emr()
        assert first.stdin is not None
        first.stdin.write("\n")
        first.stdin.flush()
        assert first.wait(30) == 0
        made = computer.wait_for_run(Trigger.STARTUP, Outcome.MADE)
        assert made.archive is not None
        status = launched.ask("/status")
        assert status["caretaker"] == ""
        assert status["notices"] == []
        assert status["emr"] == "running"
        assert computer.note()["pc"] != "RECEPTION"
        assert not list(computer.emr_dir.glob("started-*")), f"there is one EMR, {emr}, not two"
        assert launched.end() == 0
    assert len(computer.runs(Trigger.EXIT)) == 1


def test_the_lock_of_a_killed_launcher_of_this_pc_is_no_obstacle(computer: Computer) -> None:
    first = computer.start("--no-browser", with_emr=False)
    computer.wait_for_run(Trigger.STARTUP, Outcome.MADE)
    first.kill()
    # Of another user of this PC, whose page this user cannot reach.
    note = computer.data_dir / ".docassist-backup" / "launcher.json"
    note.write_text(json.dumps({**computer.note(), "user": "Dr Rao"}), encoding="utf-8")
    shutil.rmtree(computer.root / "home")
    second = computer.start("--no-browser", with_emr=False)
    until(lambda: len(computer.runs(Trigger.STARTUP)) == 2, computer.log)
    assert second.ask("/status")["caretaker"] == ""
    assert second.end() == 0
