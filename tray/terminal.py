"""What is said to a person at a terminal, if there is one."""

import contextlib
import io
import shutil
import sys
from pathlib import Path
from typing import TextIO


def say(text: str, stream: TextIO | None = None) -> None:
    """Write a line, on stdout where no `stream` is given: a program without a console has no streams."""
    target = stream or sys.stdout
    if isinstance(target, io.TextIOWrapper):
        # What a console cannot show becomes an escape, and stops nothing.
        target.reconfigure(errors="backslashreplace")
    if target is not None:
        # Nor does a pipe that nobody reads any more.
        with contextlib.suppress(OSError):
            target.write(f"{text}\n")
            target.flush()


def backup_command() -> str:
    """Return how the other command is typed here: by its path where it lies in an environment that is not active."""
    name = "docassist-backup"
    beside = Path(sys.executable).with_name(name)
    return f'"{beside}"' if beside.is_file() and not shutil.which(name) else name
