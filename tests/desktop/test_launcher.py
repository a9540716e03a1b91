"""The real launcher, headless, with a stand-in EMR: from its start to every kind of end."""

import json
import os
import re
import signal
import socket
import stat
import sys
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from filelock import FileLock

from backup_core.history import Action, Outcome, Trigger

from .clinic import ALREADY_RUNNING, PATIENTS, Computer, computer_in, until

QUICKLY = 0.0006  # hours, about two seconds


@pytest.fixture
def computer(tmp_path: Path, clinic: Path) -> Iterator[Computer]:
    with computer_in(tmp_path) as computer:
        computer.open_clinic(clinic)
        yield computer


@pytest.fixture
def bare_computer(tmp_path: Path) -> Iterator[Computer]:
    """A computer whose data folder is not there."""
    with computer_in(tmp_path) as computer:
        yield computer


def patients_in(archive: Path) -> int:
    with zipfile.ZipFile(archive) as opened:
        return int(json.loads(opened.read("backup_manifest.json"))["patient_count"])


def test_a_day_from_start_to_end_leaves_the_expected_runs(computer: Computer) -> None:
    computer.prefer(frequency_hours=QUICKLY)
    launched = computer.start("--no-browser")

    startup = computer.wait_for_run(Trigger.STARTUP)
    computer.wait_for_emr()
    assert startup.outcome is Outcome.MADE
    assert startup.archive is not None
    assert patients_in(computer.backup_dir / startup.archive) == PATIENTS, "the snapshot comes before the EMR"

    computer.wait_for_run(Trigger.INTERVAL, Outcome.MADE)
    computer.wait_for_run(Trigger.INTERVAL, Outcome.UNCHANGED)

    computer.prefer(frequency_hours=100)
    computer.add_patient()
    computer.close_emr()
    after_emr = computer.wait_for_run(Trigger.EMR_EXIT)
    assert after_emr.outcome is Outcome.MADE
    assert after_emr.archive is not None
    assert patients_in(computer.backup_dir / after_emr.archive) == PATIENTS + 2

    assert launched.end() == 0
    runs = computer.runs()
    assert runs[0].trigger is Trigger.STARTUP
    assert runs[-1].trigger is Trigger.EXIT
    assert runs[-1].outcome is Outcome.UNCHANGED
    for trigger in (Trigger.STARTUP, Trigger.EMR_EXIT, Trigger.EXIT):
        assert len(computer.runs(trigger)) == 1
    assert {run.outcome for run in runs} == {Outcome.MADE, Outcome.UNCHANGED}
    assert computer.log() == ""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_every_signal_brings_one_last_backup_and_leaves_the_emr_open(computer: Computer, name: str) -> None:
    launched = computer.start("--no-browser")
    emr = psutil.Process(computer.wait_for_emr())
    computer.wait_for_run(Trigger.STARTUP)
    computer.add_patient()

    # As a terminal does with Ctrl-C and when its window is closed: to the whole group of processes.
    os.killpg(launched.process.pid, getattr(signal, name))
    assert launched.wait() == 0
    assert [run.outcome for run in computer.runs(Trigger.EXIT)] == [Outcome.MADE]
    assert emr.is_running()
    assert computer.note()["ended_cleanly"]


def test_a_second_signal_does_not_cut_the_end_short(computer: Computer) -> None:
    launched = computer.start("--no-browser")
    computer.wait_for_run(Trigger.STARTUP)
    for _ in range(3):
        launched.process.send_signal(signal.SIGINT)
    assert launched.wait() == 0
    assert len(computer.runs(Trigger.EXIT)) == 1


def test_a_start_soon_after_a_clean_end_needs_no_backup(computer: Computer) -> None:
    first = computer.start("--no-browser", with_emr=False)
    computer.wait_for_run(Trigger.STARTUP)
    assert first.end() == 0
    second = computer.start("--no-browser", with_emr=False)
    second.said("Admin page:")
    assert second.ask("/status")["emr"] == "unknown"
    assert second.end() == 0
    first_start, second_start = computer.runs(Trigger.STARTUP)
    assert first_start.outcome is Outcome.MADE
    assert (second_start.action, second_start.code) == (Action.POSTPONE, "fresh")


def test_a_start_after_a_power_cut_begins_with_a_backup(computer: Computer) -> None:
    first = computer.start("--no-browser", with_emr=False)
    computer.wait_for_run(Trigger.STARTUP)
    first.kill()
    second = computer.start("--no-browser", with_emr=False)
    until(lambda: len(computer.runs(Trigger.STARTUP)) == 2, computer.log)
    assert second.end() == 0


def test_an_emr_that_outlived_the_launcher_is_taken_up_again(computer: Computer) -> None:
    first = computer.start("--no-browser")
    computer.wait_for_emr()
    computer.wait_for_run(Trigger.STARTUP)
    assert first.end() == 0
    second = computer.start("--no-browser")
    second.said("Admin page:")
    until(lambda: second.ask("/status")["emr"] == "running", computer.log)
    assert not list(computer.emr_dir.glob("started-*")), "there is one EMR, not two"
    computer.close_emr()
    computer.wait_for_run(Trigger.EMR_EXIT)
    assert second.end() == 0


def test_at_login_there_is_a_backup_but_docassist_is_not_opened(computer: Computer) -> None:
    launched = computer.start("--at-login")
    computer.wait_for_run(Trigger.STARTUP, Outcome.MADE)
    until(lambda: launched.ask("/status")["job"] is None, computer.log)
    assert launched.ask("/status")["emr"] == "not-running"
    assert not list(computer.emr_dir.glob("started-*"))
    assert launched.end() == 0


def test_a_second_start_tells_the_page_of_the_first_and_ends_well(computer: Computer) -> None:
    first = computer.start("--no-browser")
    port = first.said("Admin page: http://127.0.0.1:").rstrip("/")
    second = computer.start("--no-browser")
    address = second.said(ALREADY_RUNNING)
    assert re.fullmatch(rf"http://127\.0\.0\.1:{port}/#t=[\w-]+", address)
    assert second.wait() == 0
    assert first.ask("/status")["emr"] == "running"
    assert first.end() == 0
    assert len(computer.runs(Trigger.EXIT)) == 1


def test_a_start_while_the_one_before_makes_its_last_backup_takes_its_place(computer: Computer) -> None:
    first = computer.start("--no-browser", with_emr=False)
    computer.wait_for_run(Trigger.STARTUP, Outcome.MADE)
    # The last backup has to wait for a program that holds the data folder.
    with FileLock(computer.data_dir / ".docassist-backup" / "lock", is_singleton=False):
        first.process.send_signal(signal.SIGTERM)
        control_files = computer.root / "home" / ".local" / "state" / "DocAssist Backup" / "launchers"
        second = computer.start("--no-browser", with_emr=False)
        time.sleep(3)
        assert first.process.poll() is None
        assert second.process.poll() is None
    assert first.wait() == 0
    until(lambda: computer.note()["pid"] == second.process.pid, computer.log)
    until(lambda: any(control_files.iterdir()), computer.log)
    assert second.end() == 0
    assert len(computer.runs(Trigger.EXIT)) == 2


def test_of_launchers_that_start_at_the_same_moment_one_stays(computer: Computer) -> None:
    racers = [computer.start("--no-browser") for _ in range(3)]
    until(lambda: sum(racer.process.poll() is None for racer in racers) == 1, computer.log)
    winner = next(racer for racer in racers if racer.process.poll() is None)
    assert [racer.wait() for racer in racers if racer is not winner] == [0, 0]
    computer.wait_for_run(Trigger.STARTUP, Outcome.MADE)
    assert winner.end() == 0
    assert [run.trigger for run in computer.runs()] == [Trigger.STARTUP, Trigger.EXIT]


def test_a_second_start_opens_the_page_without_showing_its_ticket_to_other_users(computer: Computer) -> None:
    first = computer.start("--no-browser", with_emr=False)
    first.said("Admin page:")
    browser = computer.root / "browser.py"
    browser.write_text(
        "import pathlib, sys, urllib.parse, urllib.request\n"
        "path = pathlib.Path(urllib.request.url2pathname(urllib.parse.urlsplit(sys.argv[1]).path))\n"
        f"out = pathlib.Path({str(computer.root)!r}) / 'opened'\n"
        "out.write_text('\\n'.join([sys.argv[1], oct(path.stat().st_mode), path.read_text()]))\n",
        encoding="utf-8",
    )
    second = computer.start(with_emr=False, BROWSER=f"{sys.executable} {browser} %s")
    assert second.wait() == 0
    argument, mode, page = (computer.root / "opened").read_text().split("\n", 2)
    assert argument.startswith("file:")
    assert "#t=" not in argument
    assert stat.S_IMODE(int(mode, 8)) == 0o600
    assert re.search(r"url=http://127\.0\.0\.1:\d+/#t=[\w-]+\"", page)
    assert not list((computer.root / "home").rglob("open-*.html"))
    assert first.end() == 0


def test_a_start_opens_the_page_and_a_browser_that_does_not_return_holds_nothing_up(computer: Computer) -> None:
    browser = computer.root / "browser.py"
    opened = computer.root / "opened"
    browser.write_text(f"import pathlib, time; pathlib.Path({str(opened)!r}).touch(); time.sleep(60)", encoding="utf-8")
    launched = computer.start(BROWSER=f"{sys.executable} {browser} %s")
    computer.wait_for_emr()
    until(opened.exists, computer.log)
    assert launched.end() == 0
    assert len(computer.runs(Trigger.EXIT)) == 1


def test_a_failing_backup_is_recorded_and_tried_again_and_stops_nothing(computer: Computer) -> None:
    computer.prefer(frequency_hours=QUICKLY)
    computer.backup_dir.write_text("a file where the folder should be", encoding="utf-8")
    launched = computer.start("--no-browser")
    emr = psutil.Process(computer.wait_for_emr())
    until(lambda: len(computer.runs()) >= 3, computer.log)
    assert {run.outcome for run in computer.runs()} == {Outcome.FAILED}
    assert {run.code for run in computer.runs()} == {"repository-unusable"}
    assert emr.is_running()

    computer.backup_dir.unlink()
    computer.wait_for_run(Trigger.INTERVAL, Outcome.MADE)
    assert launched.end() == 0


def test_an_end_without_its_backup_still_has_status_0_and_the_next_start_makes_up_for_it(computer: Computer) -> None:
    first = computer.start("--no-browser", with_emr=False)
    computer.wait_for_run(Trigger.STARTUP, Outcome.MADE)
    elsewhere = computer.root / "elsewhere"
    computer.backup_dir.rename(elsewhere)
    computer.backup_dir.write_text("a file where the folder should be", encoding="utf-8")
    assert first.end() == 0
    assert [run.outcome for run in computer.runs(Trigger.EXIT)] == [Outcome.FAILED]
    assert not computer.note()["ended_cleanly"]

    computer.backup_dir.unlink()
    elsewhere.rename(computer.backup_dir)
    second = computer.start("--no-browser", with_emr=False)
    until(lambda: len(computer.runs(Trigger.STARTUP)) == 2, computer.log)
    assert second.end() == 0


def test_a_restore_closes_the_emr_and_starts_it_again(computer: Computer) -> None:
    launched = computer.start("--no-browser")
    first_emr = psutil.Process(computer.wait_for_emr())
    startup = computer.wait_for_run(Trigger.STARTUP)
    until(lambda: computer.patients() == PATIENTS + 1, computer.log)
    computer.add_patient()

    launched.ask(f"/backups/{startup.archive}/restore", {"confirmed": "yes"})
    second_emr = computer.wait_for_emr()
    assert not first_emr.is_running()
    assert second_emr != first_emr.pid
    # What the EMR adds at its start is all that is there beside the backup.
    assert computer.patients() == PATIENTS + 1
    assert launched.end() == 0
    assert computer.runs(Trigger.EMR_EXIT) == []


def test_a_data_folder_that_is_not_there_is_waited_for_and_never_made(bare_computer: Computer, clinic: Path) -> None:
    launched = bare_computer.start("--no-browser")
    launched.said("Admin page:")
    assert launched.ask("/health") == {"ok": True}
    assert not bare_computer.data_dir.exists()
    bare_computer.open_clinic(clinic)
    bare_computer.wait_for_run(Trigger.STARTUP, Outcome.MADE)
    bare_computer.wait_for_emr()
    assert launched.end() == 0
    assert len(bare_computer.runs(Trigger.EXIT)) == 1


def test_a_data_folder_that_cannot_be_written_is_told_on_the_page_until_it_can(
    bare_computer: Computer, clinic: Path
) -> None:
    launched = bare_computer.start("--no-browser", with_emr=False)
    launched.said("Admin page:")
    in_the_way = bare_computer.root / "half made" / ".docassist-backup" / "launcher.lock"
    in_the_way.mkdir(parents=True)
    bare_computer.open_clinic(clinic)
    in_the_way = bare_computer.data_dir / ".docassist-backup" / "launcher.lock"
    until(lambda: "cannot be written" in " ".join(launched.ask("/status")["notices"]), bare_computer.log)
    in_the_way.rmdir()
    bare_computer.wait_for_run(Trigger.STARTUP, Outcome.MADE)
    assert launched.ask("/status")["notices"] == []
    assert launched.end() == 0


def test_a_launcher_whose_folder_never_came_ends_well_and_leaves_nothing(bare_computer: Computer) -> None:
    launched = bare_computer.start("--no-browser")
    launched.said("Admin page:")
    assert launched.end() == 0
    assert not bare_computer.data_dir.exists()


def test_a_busy_port_gets_a_clear_sentence(computer: Computer) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        launched = computer.start("--no-browser", "--port", str(port))
        assert launched.wait() == 1
    assert f"Port {port} cannot be used" in computer.log()
    assert "Traceback" not in computer.log()


def test_an_emr_that_cannot_be_started_is_told_on_the_page_and_backups_go_on(computer: Computer) -> None:
    launched = computer.start("--no-browser", "--emr", "/nowhere/docassist", with_emr=False)
    computer.wait_for_run(Trigger.STARTUP, Outcome.MADE)
    until(lambda: bool(launched.ask("/status")["notices"]), computer.log)
    assert "could not be started" in launched.ask("/status")["notices"][0]
    assert launched.end() == 0


def test_preferences_that_are_saved_on_the_page_count_at_once(computer: Computer) -> None:
    launched = computer.start("--no-browser", with_emr=False)
    computer.wait_for_run(Trigger.STARTUP, Outcome.MADE)
    elsewhere = computer.root / "another drive"
    form = {"frequency_hours": "8", "keep": "5", "backup_dir": str(elsewhere), "emr_command": "/opt/docassist/emr"}
    launched.ask("/preferences", form)
    status = launched.ask("/status")
    assert status["emr"] == "not-running", "its command is known now"
    assert not [*elsewhere.glob("*.zip")], "nothing is made by saving"

    launched.ask("/backups", {"now": "yes"})
    made = computer.wait_for_run(Trigger.MANUAL, Outcome.MADE)
    assert made.archive is not None
    assert (elsewhere / made.archive).is_file()
    hours = datetime.fromisoformat(launched.ask("/status")["next_due"]) - datetime.now(UTC)
    assert timedelta(hours=7) < hours < timedelta(hours=9)
    assert launched.end() == 0


def test_the_launcher_stays_small(computer: Computer) -> None:
    launched = computer.start("--no-browser")
    computer.wait_for_run(Trigger.STARTUP, Outcome.MADE)
    launched.ask("/")
    mapped = Path(f"/proc/{launched.process.pid}/maps").read_text(encoding="utf-8")
    assert not re.search("chroma|numpy|onnx|gtk|PIL", mapped, re.IGNORECASE)
    # At rest: what the backup took is given back when its run has been noted.
    until(lambda: psutil.Process(launched.process.pid).memory_info().rss < 50 << 20)
    assert launched.end() == 0
