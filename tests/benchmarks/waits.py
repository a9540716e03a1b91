"""How long a writer of the EMR waits while the launcher makes backups, against the same writer alone."""

import json
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.charts import Bar, draw
from tests.benchmarks.clinics import clinic
from tests.benchmarks.contestants import forget
from tests.benchmarks.growing import data_size

#: Patients of a clinic of about 35 MB, for which the bound on waits was set.
SMALL = 1_170
_SECONDS = 10.0
_APART = 2.0
#: What is written, and the seconds between two writes; by journal mode.
_WRITERS = {
    "delete": (("records", 0.01), ("records", 0.5), ("vectors", 0.01)),
    "wal": (("records", 0.01), ("vectors", 0.01)),
}
_MODES = {"delete": "rollback", "wal": "WAL"}
_BESIDE = {"alone": None, "Backup Now": "manual", "scheduled": "interval"}


@dataclass(frozen=True)
class Waits:
    """What one writer met: seconds of each write, and the number of refused ones; and the backups beside it."""

    #: Bytes of the clinic.
    data: int
    writer: str
    beside: str
    waits: Sequence[float]
    refused: int
    backups: Sequence[float]
    failures: Sequence[str]

    @property
    def size(self) -> str:
        """The size of the clinic, in words."""
        return f"{self.data / 1e6:,.0f} MB"

    def share(self, share: float) -> float:
        """Return what so large a share of the writes took at most, in ms."""
        ordered = sorted(self.waits)
        return ordered[int(len(ordered) * share)] * 1000

    @property
    def longest(self) -> float:
        """The longest wait in ms."""
        return max(self.waits) * 1000


def longest_waits(scratch: Path, sizes: Sequence[int]) -> list[Waits]:
    """Return the waits of writers alone, and beside one backup after the other."""
    return [one for patients in sizes for one in _all_waits(scratch, patients)]


def waits_section(found: Sequence[Waits], docs: Path) -> str:
    """Return the section on what writers have met, and draw its chart."""
    lines = [
        "## What the EMR feels\n",
        f"Each writer writes for {_SECONDS:.0f} s, in a process of its own as the EMR is; backups follow one another"
        f" {_APART:.0f} s apart, in another process as the launcher is: as Backup Now makes them, or scheduled ones,"
        " which step back behind the EMR. The writer of records adds a visit; that of vectors replaces five of them.\n",
        "| data | writer | beside it | writes | median | 99th of 100 | longest | failed writes | backups"
        " | median of a backup | failed backups |",
        "|" + "---|" * 11,
    ]
    lines += [_row(one) for one in found]
    reasons = sorted({f"A backup failed: {reason}\n" for one in found for reason in one.failures})
    bars = [Bar(f"{one.size}, {one.writer}: {one.beside}", one.longest, bool(one.backups)) for one in found]
    return "\n".join([*lines, "", *reasons, draw(docs, "waits", "Longest wait of a writer, ms", bars)])


def _row(one: Waits) -> str:
    # Of fewer than 100 the 99th is none.
    usual = f"{one.share(0.99):.1f} ms" if len(one.waits) >= 100 else ""
    times = [f"{one.share(0.5):.1f} ms", usual, f"{one.longest:.1f} ms"]
    median = f"{statistics.median(one.backups):.2f} s" if one.backups else ""
    cells = [one.size, one.writer, one.beside, f"{len(one.waits)}", *times, f"{one.refused}"]
    return f"| {' | '.join(cells)} | {len(one.backups)} | {median} | {len(one.failures)} |"


def _all_waits(scratch: Path, patients: int) -> Iterator[Waits]:
    data = scratch / f"waits-{patients}"
    shutil.copytree(clinic(patients), data)
    size = data_size(data)
    for mode, writers in _WRITERS.items():
        _set_journal(data, mode)
        for kind, pause in writers:
            writer = f"{kind}, {_MODES[mode]}, every {pause * 1000:.0f} ms"
            for beside, trigger in _BESIDE.items():
                forget(data)
                met, made = _write(data, kind, pause, trigger)
                yield Waits(size, writer, beside, met["waits"], len(met["failed"]), made["seconds"], made["failed"])
    shutil.rmtree(data)


def _write(data: Path, kind: str, pause: float, trigger: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a writer met, and what came of the backups that `trigger` made beside it, if any."""
    met: dict[str, Any] = {}
    made: dict[str, Any] = {"seconds": [], "failed": []}
    with ExitStack() as stack:
        if trigger is not None:
            # It ends last: a backup that has begun goes on while nobody writes any more.
            stack.enter_context(beside(made, "launched", str(data), trigger, str(_APART)))
        stack.enter_context(writing(met, data, kind, pause))
        time.sleep(_SECONDS)
    return met, made


@contextmanager
def writing(met: dict[str, Any], data: Path, kind: str, pause: float) -> Iterator[None]:
    """Have a program write while the block lasts, and fill `met` with "waits" in seconds and "failed" in words."""
    with beside(met, "writer", str(data), kind, str(pause)) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        yield


@contextmanager
def beside(answer: dict[str, Any], module: str, *words: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a program of the benchmarks while the block lasts, and fill `answer` with what it tells at its end."""
    command = [sys.executable, "-m", f"tests.benchmarks.{module}", *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        yield program
        told, _ = program.communicate()
    if program.returncode:
        raise subprocess.CalledProcessError(program.returncode, command)
    answer.update(json.loads(told))


def _set_journal(data: Path, mode: str) -> None:
    for store in (data / "clinic.db", data / "chroma" / "chroma.sqlite3"):
        with closing(sqlite3.connect(store)) as database:
            assert database.execute(f"PRAGMA journal_mode = {mode}").fetchone() == (mode,)
