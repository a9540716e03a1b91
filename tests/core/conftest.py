"""What lies outside any data folder, for tests that would otherwise touch the user's own."""

import contextlib
import logging
import logging.handlers
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.core.commandline import run as run


@pytest.fixture
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give this user's files a place of their own, and return where the state lies."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "DocAssist Backup"


@pytest.fixture
def own_log(own_folders: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Let a test start the log; return its file, and take the handlers away afterwards."""
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    loggers = [logging.getLogger(), logging.getLogger("backup_core")]
    before = [(list(logger.handlers), logger.level) for logger in loggers]
    # What another test has begun to write belongs elsewhere.
    loggers[0].handlers = [
        handler for handler in before[0][0] if Path(getattr(handler, "baseFilename", "")).name != "log.txt"
    ]
    loggers[1].handlers = []
    yield own_folders / "log.txt"
    for logger, (handlers, level) in zip(loggers, before, strict=True):
        for handler in [handler for handler in logger.handlers if handler not in handlers]:
            with contextlib.suppress(OSError):
                handler.close()
        logger.handlers = handlers
        logger.setLevel(level)
