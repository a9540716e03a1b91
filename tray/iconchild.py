"""One icon process as the launcher sees it: lines in, messages out, an end that always comes."""

import errno
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from backup_core.children import ROOT

logger = logging.getLogger(__name__)


class IconChild:
    """A started icon process; its temporary files go into `folder`. Raises OSError where it cannot be started."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        # Unbuffered, so that a line that could not be written is not tried again when the pipe is closed.
        self._process = subprocess.Popen(
            command,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env={**os.environ, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))},
            # A Ctrl-C in the terminal is the launcher's to answer: the icon stays until its pipe is closed.
            start_new_session=True,
            creationflags=_creation_flags(),
        )
        # It is closed by one thread while another may write to it: its number could be another file's by then.
        self._pipe_in_use = threading.Lock()
        self._pipe: Any = self._process.stdin

    def send(self, line: bytes) -> None:
        """Write one line; raise OSError if the process is gone. Blocks while the pipe is full."""
        with self._pipe_in_use:
            if self._pipe.closed:
                raise BrokenPipeError(errno.EPIPE, "the pipe is closed")
            while line:
                line = line[self._pipe.write(line) :]

    def messages(self) -> Iterator[dict[str, Any]]:
        """Yield what the process says until it ends; what its libraries say between is logged."""
        for line in self._process.stdout or ():
            message = _parsed(line)
            if message is not None:
                yield message
            elif line.strip():
                logger.info("icon: %s", line.decode(errors="replace").rstrip())

    def end(self) -> None:
        """Close its pipe, at which the process ends by itself."""
        with self._pipe_in_use:
            self._pipe.close()

    def kill(self) -> None:
        """End the process by force; one that has ended already is no error."""
        self._process.kill()

    def reap(self, grace: float = 5.0) -> int:
        """Return the exit status of a process that has closed its output; kill it where it lives on `grace` seconds."""
        with self._process:
            try:
                self._process.wait(grace)
            except subprocess.TimeoutExpired:
                self.kill()
            self.end()
            return self._process.wait()


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        message = json.loads(line)
    except ValueError:
        return None
    return message if isinstance(message, dict) else None


def _creation_flags() -> int:
    if sys.platform == "win32":
        return subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
    return 0
