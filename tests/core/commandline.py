"""The command line as tests use it: words in; stdout, stderr and an exit status out."""

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from backup_core import cli
from tests.clinic import Clinic


@dataclass(frozen=True)
class Result:
    """What one command has printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


class Terminal(io.StringIO):
    """A user at a keyboard who has typed this much."""

    def isatty(self) -> bool:
        return True


Run = Callable[..., Result]


@pytest.fixture
def run(clinic: Clinic, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command over the clinic; `typed` is what a user at a terminal types, None where there is nobody."""

    def run(*words: str, typed: str | None = None, data_dir: Path = clinic.data_dir) -> Result:
        monkeypatch.setattr(sys, "stdin", io.StringIO() if typed is None else Terminal(typed))
        status = cli.main(["--data-dir", str(data_dir), *words])
        printed = capsys.readouterr()
        return Result(status, printed.out, printed.err)

    return run


def made(run: Run, **where: Path) -> str:
    """Make a backup and return its name."""
    return str(run("--json", "create", **where).document["name"])


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
