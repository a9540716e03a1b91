"""The log of this user's programs: one rotating file in the state folder."""

import logging
import logging.handlers
import sys
import threading
from pathlib import Path

from .files import private_folder
from .places import state_folder

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
#: Bytes in one file, and how many older ones are kept.
_SIZE, _OLDER = 1_000_000, 4


def log_file() -> Path:
    """Return where the log of this user lies."""
    return state_folder() / "log.txt"


def start_logging(*, console: bool = True) -> None:
    """Write what happens to the log file, and what ends a thread; with `console`, warnings to stderr too."""
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    handlers: list[logging.Handler] = [_file_handler()]
    # A program without a console has no stderr.
    if console and sys.stderr is not None:
        handlers.append(logging.StreamHandler())
        handlers[-1].setLevel(logging.WARNING)
    for handler in handlers:
        handler.setFormatter(logging.Formatter(_FORMAT))
        root.addHandler(handler)
    threading.excepthook = _log_thread_end


def _file_handler() -> logging.Handler:
    """Return a handler for the log file, or one that does nothing where there can be none: work goes on without."""
    path = log_file()
    try:
        private_folder(path.parent)
        path.touch(mode=0o600)
        handler = logging.handlers.RotatingFileHandler(path, maxBytes=_SIZE, backupCount=_OLDER, encoding="utf-8")
    except OSError:
        return logging.NullHandler()
    handler.rotator = _rotate
    return handler


def _rotate(source: str, destination: str) -> None:
    if Path(source).exists():
        Path(source).replace(destination)
        Path(source).touch(mode=0o600)


def _log_thread_end(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_value is not None:
        name = arguments.thread.name if arguments.thread else "?"
        logging.getLogger(__name__).error("the thread %s ended by a fault", name, exc_info=arguments.exc_value)
