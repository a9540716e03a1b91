import logging
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from backup_core import BackupEngine, BackupService, logs
from backup_core.jobs import JobRunner
from backup_core.progress import OnProgress
from tests.audit import listening
from tests.clinic import Clinic
from tests.core.commandline import Run

ROOT = Path(__file__).parents[2]
#: A program with a log of its own that takes over the records of every logger, as the EMR may have.
EMR = """
import logging, sys
from backup_core import BackupService
logging.basicConfig(filename=sys.argv[2])
assert BackupService(sys.argv[1]).create_backup() is None
assert BackupService(sys.argv[1]).create_backup() is None
"""


def test_warnings_go_to_the_console_and_everything_to_a_file(own_log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs.start_logging()
    logging.getLogger("test").info("quiet – ü")
    logging.getLogger("test").warning("loud")
    text = own_log.read_text(encoding="utf-8")
    assert "INFO test: quiet – ü\n" in text
    assert "WARNING test: loud\n" in text
    printed = capsys.readouterr()
    assert (printed.out, "loud" in printed.err, "quiet" in printed.err) == ("", True, False)


def test_without_a_console_nothing_is_printed(own_log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs.start_logging(console=False)
    logging.getLogger("test").error("loud")
    assert capsys.readouterr().err == ""
    assert "loud" in own_log.read_text(encoding="utf-8")


def test_a_program_without_stderr_logs_to_the_file(own_log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    logs.start_logging()
    logging.getLogger("test").warning("loud")
    assert "loud" in own_log.read_text(encoding="utf-8")


def test_where_there_can_be_no_file_work_goes_on(own_log: Path) -> None:
    own_log.parent.parent.write_text("a file where the folder should be")
    logs.start_logging(console=False)
    logging.getLogger("test").warning("loud")


@pytest.mark.usefixtures("own_log")
def test_what_ends_a_thread_is_logged_with_its_traceback() -> None:
    logs.start_logging(console=False)

    def blunder() -> None:
        raise TypeError("a bug")

    thread = threading.Thread(target=blunder, name="worker")
    thread.start()
    thread.join()
    text = logs.log_file().read_text(encoding="utf-8")
    assert "the thread worker ended by a fault" in text
    assert "TypeError: a bug" in text


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such rights")
def test_a_full_file_gives_way_to_a_new_one_and_only_this_user_can_read_them(
    own_log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "_SIZE", 1000)
    logs.start_logging(console=False)
    for number in range(100):
        logging.getLogger("test").info("line %d", number)
    files = sorted(path.name for path in own_log.parent.glob("log.txt*"))
    assert files == ["log.txt", "log.txt.1", "log.txt.2", "log.txt.3", "log.txt.4"]
    assert {stat.S_IMODE((own_log.parent / name).stat().st_mode) for name in files} == {0o600}
    assert "line 99" in own_log.read_text(encoding="utf-8")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
def test_a_full_disk_under_the_log_is_no_words_on_stderr(clinic: Clinic, tmp_path: Path) -> None:
    folder = tmp_path / "state" / "DocAssist Backup"
    folder.mkdir(parents=True)
    (folder / "log.txt").symlink_to("/dev/full")

    refused = subprocess.run(
        [sys.executable, "-m", "backup_core.cli", "--data-dir", str(clinic.data_dir), "undo"],
        cwd=ROOT,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (refused.returncode, refused.stderr) == (1, "There is no restore to go back from.\n")


@pytest.mark.parametrize("held", ["log.txt", "log.txt.1"])
def test_while_another_process_holds_a_file_the_log_goes_on_in_the_old_one_and_loses_nothing(
    own_log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], held: str
) -> None:
    monkeypatch.setattr(logs, "_SIZE", 1000)
    logs.start_logging(console=False)
    logger = logging.getLogger("test")
    for number in range(60):
        logger.info("before %d", number)
    older = {path.name: path.read_bytes() for path in own_log.parent.glob("log.txt.*")}

    def hold(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "os.rename" and Path(str(arguments[0])).name == held:
            raise PermissionError(13, "The file is in use by another program")

    with listening(hold):
        for number in range(60):
            logger.info("meanwhile %d", number)
    text = own_log.read_text(encoding="utf-8")

    assert [f"meanwhile {number}\n" in text for number in range(60)] == [True] * 60
    assert {path.name: path.read_bytes() for path in own_log.parent.glob("log.txt.1")} == {
        "log.txt.1": older["log.txt.1"]
    }
    assert held != "log.txt" or {path.name: path.read_bytes() for path in own_log.parent.glob("log.txt.*")} == older
    assert capsys.readouterr().err == ""
    logger.info("afterwards")
    assert own_log.read_text(encoding="utf-8").count("\n") == 1


def test_a_process_that_finds_a_new_log_begun_by_another_goes_on_in_that(
    own_log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "_SIZE", 1000)
    logs.start_logging(console=False)
    logging.getLogger("test").info("x" * 900)
    own_log.rename(own_log.with_name("log.txt.1"))
    own_log.write_text("of another process\n", encoding="utf-8")

    logging.getLogger("test").info("y" * 100)

    assert own_log.read_text(encoding="utf-8").startswith("of another process\n")
    assert "y" * 100 in own_log.read_text(encoding="utf-8")
    assert sorted(path.name for path in own_log.parent.iterdir()) == ["log.txt", "log.txt.1"]


def test_inside_another_program_errors_are_told_once_in_the_log_and_on_stderr(tmp_path: Path) -> None:
    theirs = tmp_path / "emr.log"
    ended = subprocess.run(
        [sys.executable, "-c", EMR, str(tmp_path / "no clinic"), str(theirs)],
        cwd=ROOT,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")},
        capture_output=True,
        text=True,
        check=True,
    )

    ours = (tmp_path / "state" / "DocAssist Backup" / "log.txt").read_text(encoding="utf-8")
    for told in (ours, ended.stderr, theirs.read_text(encoding="utf-8")):
        assert told.count("the backup failed\nTraceback") == 2
        assert told.count("Traceback") == 2
    assert ours.count("backup (api) failed: There is no clinic.db") == 2


def test_a_program_that_logs_to_stderr_itself_gets_no_second_copy_there(tmp_path: Path) -> None:
    code = EMR.replace("filename=sys.argv[2]", "")
    ended = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "no clinic")],
        cwd=ROOT,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")},
        capture_output=True,
        text=True,
        check=True,
    )

    assert ended.stderr.count("Traceback") == 2


def test_without_a_place_for_the_log_a_program_without_stderr_backs_up_all_the_same(
    own_log: Path, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_log.parent.parent.write_text("a file where the folder should be")
    monkeypatch.setattr(sys, "stderr", None)
    service = BackupService(clinic.data_dir)

    assert service.create_backup() is not None
    assert service.restore_backup("no such.zip") is False


def test_the_root_logger_stays_the_programs_and_ours_gets_each_handler_once(own_log: Path, clinic: Clinic) -> None:
    root, before = logging.getLogger(), list(logging.getLogger().handlers)
    for _ in range(3):
        BackupService(clinic.data_dir)

    assert (root.handlers, len(logging.getLogger("backup_core").handlers)) == (before, 2)
    assert own_log.is_file()


def test_a_program_of_ours_that_uses_the_service_logs_to_one_place(own_log: Path, clinic: Clinic) -> None:
    logs.start_logging(console=False)
    BackupService(clinic.data_dir).restore_backup("no such.zip")

    assert own_log.read_text(encoding="utf-8").count("the restore failed") == 1


def test_the_command_line_tells_a_traceback_once(run: Run, clinic: Clinic, own_log: Path) -> None:
    clinic.db.unlink()
    run("create")

    assert own_log.read_text(encoding="utf-8").count("Traceback") == 1


def test_a_job_tells_a_traceback_once_of_what_failed_and_of_a_fault(own_log: Path, clinic: Clinic) -> None:
    logs.start_logging(console=False)
    clinic.db.unlink()
    told = []

    def blunder(_: OnProgress) -> object:
        raise TypeError("a bug")

    for work in (lambda _: BackupEngine(clinic.data_dir).create(), blunder):
        jobs = JobRunner()
        jobs.start("create", work)
        for thread in threading.enumerate():
            if thread.name == "job-create":
                thread.join()
        told.append(own_log.read_text(encoding="utf-8").count("Traceback"))

    assert told == [1, 2]


def test_the_last_lines_are_there_to_be_shown(own_log: Path) -> None:
    assert logs.last_lines(3) == []
    own_log.parent.mkdir(parents=True)
    own_log.write_bytes(b"".join(b"line %d \xff\n" % number for number in range(5_000)))
    assert logs.last_lines(2) == ["line 4998 \ufffd", "line 4999 \ufffd"]
