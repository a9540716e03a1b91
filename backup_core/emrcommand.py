"""The EMR's command line, taken apart. Pure."""

import shlex
import sys


def split(command: str) -> list[str]:
    """Return the words of a command line as its system takes it apart; none where its quotes do not match."""
    try:
        if sys.platform == "win32":
            return [word.strip('"') for word in shlex.split(command, posix=False)]
        return shlex.split(command)
    except ValueError:
        return []
