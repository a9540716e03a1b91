"""The log of this user's programs: one rotating file in the state folder."""

import contextlib
import logging
import logging.handlers
import os
import sys
import threading
from pathlib import Path
from typing import TextIO

from .discreet import discreet
from .files import private_folder
from .places import state_folder

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
#: Bytes in one file, and how many older ones are kept.
_SIZE, _OLDER = 1_000_000, 4
#: Bytes that a line may have for that many to be found.
_LINE = 400

_attaching = threading.Lock()


def log_file() -> Path:
    """Return where the log of this user lies."""
    return state_folder() / "log.txt"


def last_lines(count: int) -> list[str]:
    """Return the last lines of the log, oldest first; none where it cannot be read."""
    try:
        with log_file().open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - _LINE * count, 0))
            return file.read().decode(errors="replace").splitlines()[-count:]
    except OSError:
        return []


def start_logging(*, console: bool = True) -> None:
    """Write what happens to the log file, and what ends a thread; with `console`, warnings to stderr too."""
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    _attach(root, _open_log_file())
    # A program without a console has no stderr.
    if console and sys.stderr is not None:
        _attach(root, logging.StreamHandler(), logging.WARNING)
    threading.excepthook = _log_thread_end


def start_package_logging() -> None:
    """Write what this package logs inside another program to the log file, and its errors to stderr; once.

    The root logger is the other program's, and hears of all this too.
    """
    package = logging.getLogger(__package__)
    with _attaching:
        known = [type(handler) for handler in (*package.handlers, *logging.getLogger().handlers)]
        if _LogFile not in known:
            _attach(package, _open_log_file())
            if _Complaints not in known:
                _attach(package, _Complaints(), logging.ERROR)


class _Discreet(logging.Formatter):
    """What others read who are asked for help: the lines of a traceback hold the names of files too."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of the log without what is named after patients."""
        return discreet(super().format(record))


class _LogFile(logging.handlers.RotatingFileHandler):
    """The log file: where the disk or another process refuses it something, work goes on without a word."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Lose the line: there is nowhere to say so."""

    def doRollover(self) -> None:
        """Begin a new file; where another process holds the old one, go on in that."""
        stream, self.stream = self.stream, None
        if stream is None:
            return
        is_ours = self._is_current(stream)
        with contextlib.suppress(OSError):
            stream.close()
        if is_ours:
            with contextlib.suppress(OSError):
                self._rotate()

    def rotate(self, source: str, dest: str) -> None:
        """Give the file that was put aside the name of the newest older one."""
        self._aside.replace(dest)
        Path(source).touch(mode=0o600)

    @property
    def _aside(self) -> Path:
        return Path(f"{self.baseFilename}.aside")

    def _is_current(self, stream: TextIO) -> bool:
        """Return whether the open file is still the log: else another process has begun a new one already."""
        with contextlib.suppress(OSError, ValueError):
            return os.path.samestat(os.fstat(stream.fileno()), Path(self.baseFilename).stat())
        return False

    def _rotate(self) -> None:
        # First the step that can be refused: the older files have not moved then.
        Path(self.baseFilename).replace(self._aside)
        try:
            super().doRollover()
        except OSError:
            self._aside.replace(self.baseFilename)


class _Complaints(logging.Handler):
    """Whatever stderr is at the moment, unless the program around us writes its own log there."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line, where there is somewhere to write it."""
        streams = [getattr(handler, "stream", None) for handler in logging.getLogger().handlers]
        if sys.stderr is not None and sys.stderr not in streams:
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.write(f"{self.format(record)}\n")
                sys.stderr.flush()


def _attach(logger: logging.Logger, handler: logging.Handler | None, level: int = logging.NOTSET) -> None:
    if handler is not None:
        handler.setLevel(level)
        handler.setFormatter(_Discreet(_FORMAT))
        logger.addHandler(handler)


def _open_log_file() -> _LogFile | None:
    """Return a handler for the log file, or None where there can be none: work goes on without."""
    path = log_file()
    try:
        private_folder(path.parent)
        path.touch(mode=0o600)
        return _LogFile(path, maxBytes=_SIZE, backupCount=_OLDER, encoding="utf-8")
    except OSError:
        return None


def _log_thread_end(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_value is not None:
        name = arguments.thread.name if arguments.thread else "?"
        logging.getLogger(__name__).error("the thread %s ended by a fault", name, exc_info=arguments.exc_value)
