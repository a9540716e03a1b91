"""One icon process as the launcher sees it: lines in, messages out, an end that always comes."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .children import ROOT

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

    def send(self, line: bytes) -> None:
        """Write one line; raise OSError if the process is gone. Blocks while the pipe is full."""
        while line and self._process.stdin:
            line = line[self._process.stdin.write(line) :]

    def messages(self) -> Iterator[dict[str, Any]]:
        """Yield what the process says until it ends; what its libraries say between is logged."""
        for line in self._process.stdout or ():
            if line.startswith(b"{"):
                yield json.loads(line)
            elif line.strip():
                logger.info("icon: %s", line.decode(errors="replace").rstrip())

    def end(self) -> None:
        """Close its pipe, at which the process ends by itself."""
        if self._process.stdin:
            self._process.stdin.close()

    def kill(self) -> None:
        """End the process by force; one that has ended already is no error."""
        self._process.kill()

    def reap(self) -> int:
        """Wait for the end and return the exit status."""
        with self._process:
            return self._process.wait()


def _creation_flags() -> int:
    if sys.platform == "win32":
        return subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
    return 0
