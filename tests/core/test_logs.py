import logging
import stat
import sys
import threading
from pathlib import Path

import pytest

from backup_core import logs


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
