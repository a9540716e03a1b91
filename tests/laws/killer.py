"""Kill an operation in a child process at one of the steps that Python tells of; what was written so far stays."""

import os
import sys
from collections.abc import Callable

#: Steps that change a disk, or are about to.
STEPS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "shutil.rmtree", "sqlite3.connect"}


def killed(work: Callable[[], object], at: int) -> bool:
    """Do `work` in a child that dies at its step `at` without tidying up; return whether it got so far."""
    child = os.fork()
    if child == 0:
        _arm(at)
        try:
            work()
        finally:
            # Not even an error may lead back into the tests, of which this is a copy.
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 9


def _arm(at: int) -> None:
    steps = 0

    def count(event: str, values: tuple[object, ...]) -> None:
        nonlocal steps
        if event in STEPS:
            steps += 1
            if steps == at:
                os._exit(9)

    sys.addaudithook(count)
