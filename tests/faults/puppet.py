"""A program that does one operation of the engine in a child of its own, which may be killed at any call.

It forks for each order, so that hundreds of kills cost no start of Python; the shim is loaded into it.
"""

import json
import logging
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from backup_core.engine import BackupEngine
from backup_core.errors import BackupError
from backup_core.runs import Trigger
from backup_core.service import BackupService

from .shim import Mode, arm, disarm, take_away, watch_reads

#: What an operation is given: the engine, and the name of an archive.
OPERATIONS: dict[str, Callable[[BackupEngine, str], object]] = {
    "create": lambda engine, name: engine.create().name,
    "auto_backup": lambda engine, name: BackupService(engine.data_dir, engine.backup_dir).auto_backup(),
    "alarm": lambda engine, name: engine.create().name,
    "run": lambda engine, name: engine.back_up(Trigger.INTERVAL).archive,
    "prune": lambda engine, name: engine.prune(keep=2),
    "tidy": lambda engine, name: engine.prune(),
    "pin": lambda engine, name: engine.keeper.keep_for_ever(engine.find(name), keep=True),
    "restore": lambda engine, name: engine.restore(engine.find(name)).safety,
    "arm": lambda engine, name: engine.restore(engine.find(name), inside_emr=True).armed,
    "undo": lambda engine, name: engine.undo().safety,
    "recover": lambda engine, name: engine.recover(),
}


@dataclass(frozen=True)
class Order:
    """An operation on a data folder, and what happens at its call number `at`."""

    operation: str
    data_dir: str
    archive: str = ""
    mode: Mode = Mode.OFF
    at: int = 0
    error: int = 0
    #: Whether the disk knows neither second names nor an exchange of names.
    plain: bool = False
    trace: str = ""


@dataclass(frozen=True)
class End:
    """How an operation ended: what it returned, the code and words of its BackupError, a crash, or the kill."""

    killed: bool = False
    result: Any = None
    error: str = ""
    sentence: str = ""
    crash: str = ""


class Puppet:
    """The running program."""

    def __init__(self, shim: Path) -> None:
        environment = {**os.environ, "LD_PRELOAD": str(shim), "PYTHONDONTWRITEBYTECODE": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.puppet"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate()

    def calls(self, order: Order) -> tuple[End, list[str]]:
        """Do an operation, undisturbed unless told; return its end and each call that changed the disk: name, path."""
        trace = Path(order.data_dir).parent / "trace"
        end = self.obey(replace(order, mode=order.mode or Mode.COUNT, trace=str(trace)))
        lines = trace.read_text(encoding="utf-8").splitlines()
        trace.unlink()
        return end, lines

    def obey(self, order: Order) -> End:
        """Do an operation, with what the order says happening to it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asdict(order)) + "\n")
        self._process.stdin.flush()
        return End(**json.loads(self._process.stdout.readline()))


def aside_of(data_dir: Path) -> Path:
    """Return where the backup folder is after it was taken away."""
    return data_dir.parent / "backups taken away"


def main() -> None:
    """Obey line by line."""
    logging.getLogger().addHandler(logging.NullHandler())
    for line in sys.stdin:
        ours, theirs = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(theirs, json.dumps(_perform(Order(**json.loads(line)))).encode())
            os._exit(0)
        os.close(theirs)
        with os.fdopen(ours, "rb") as end:
            said = end.read()
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        sys.stdout.write(
            (said.decode() or json.dumps({"killed": killed, "crash": "" if killed else str(status)})) + "\n"
        )
        sys.stdout.flush()


def _perform(order: Order) -> dict[str, object]:
    engine = BackupEngine(Path(order.data_dir), patience=5.0)
    trace = os.open(order.trace, os.O_WRONLY | os.O_CREAT, 0o600) if order.trace else -1
    take_away(engine.backup_dir, aside_of(Path(order.data_dir)))
    watch_reads(Path(order.data_dir))
    try:
        arm(Mode(order.mode), order.at, order.error, trace, plain=order.plain)
        try:
            result = OPERATIONS[order.operation](engine, order.archive)
        finally:
            disarm()
    except BackupError as error:
        return {"error": error.code, "sentence": str(error)}
    except Exception:  # noqa: BLE001 - whatever else is raised is what the tests look for
        return {"crash": traceback.format_exc()}
    return {"result": result}


if __name__ == "__main__":
    main()
