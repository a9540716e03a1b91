"""Ours and what else one would use, in turn over the same clinic: who takes how long for a whole first backup."""

import shutil
import sqlite3
import statistics
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.stopwatch import Lap, lap

_SECRET = {"RESTIC_PASSWORD": "benchmark", "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes"}


@dataclass(frozen=True)
class Contestant:
    """One way of doing a job: `prepare` is not timed; the command starts in a fresh state each time."""

    name: str
    prepare: Callable[[], None]
    command: list[str]
    #: Whether one round is enough: it takes minutes, and seconds more or less make no difference.
    is_slow: bool = False


@dataclass(frozen=True)
class Result:
    """The laps of one contestant."""

    name: str
    laps: list[Lap]

    @property
    def wall(self) -> float:
        """The median wall time in seconds."""
        return statistics.median(one.wall for one in self.laps)

    @property
    def cpu(self) -> float:
        """The median processor time in seconds."""
        return statistics.median(one.cpu for one in self.laps)

    @property
    def peak(self) -> int:
        """The largest peak of memory in bytes."""
        return max(one.peak for one in self.laps)


def run(contestants: Sequence[Contestant], rounds: int, cores: int | None = None) -> list[Result]:
    """Let each do its job once a round, in turn, so that a slow moment of the machine hits all alike."""
    results = [Result(one.name, []) for one in contestants]
    for number in range(rounds):
        for contestant, result in zip(contestants, results, strict=True):
            if number and contestant.is_slow:
                continue
            contestant.prepare()
            result.laps.append(lap(contestant.command, _SECRET, cores=cores))
    return results


def first_backups(data: Path, out: Path) -> list[Contestant]:
    """Return those that can be had here: each makes the first backup of `data`, into `out`."""

    def fresh() -> None:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        shutil.rmtree(data / "backups", ignore_errors=True)
        shutil.rmtree(data / ".docassist-backup", ignore_errors=True)

    def with_repository(*command: str) -> Callable[[], None]:
        def prepare() -> None:
            fresh()
            lap(command, _SECRET)

        return prepare

    python, stores = sys.executable, [str(data / "clinic.db"), str(data / "chroma")]
    found = [
        Contestant("DocAssist Backup (verified)", fresh, [python, "-m", "tests.benchmarks.ours", "create", str(data)]),
        Contestant(
            "the EMR's own way", fresh, [python, "-m", "tests.benchmarks.emrway", "create", str(data), str(out)]
        ),
        Contestant("cp", fresh, ["cp", "-r", *stores, str(out)]),
        Contestant("zip", fresh, ["zip", "-q", "-r", str(out / "z.zip"), *stores]),
        Contestant("7-Zip", fresh, ["7z", "a", "-bso0", "-bsp0", str(out / "z.7z"), *stores], is_slow=True),
        Contestant(
            "borg (lz4)",
            with_repository("borg", "init", "-e", "none", str(out / "borg")),
            ["borg", "create", "--compression", "lz4", f"{out / 'borg'}::one", *stores],
        ),
        Contestant(
            "restic",
            with_repository("restic", "-q", "-r", str(out / "restic"), "init"),
            ["restic", "-q", "-r", str(out / "restic"), "backup", *stores],
        ),
    ]
    return [one for one in found if shutil.which(one.command[0])]


def restores(data: Path, out: Path) -> list[Contestant]:
    """Return ours, with something written since the newest backup and without, and the EMR's own way.

    That one once as it is, and once with a backup of today's data made first, as ours has in any case.
    """
    python = sys.executable
    ours = [python, "-m", "tests.benchmarks.ours", "restore", str(data)]
    emrs, folders = [python, "-m", "tests.benchmarks.emrway"], [str(data), str(out)]

    def back_up() -> None:
        lap([python, "-m", "tests.benchmarks.ours", "create", str(data)])

    def write() -> None:
        with closing(sqlite3.connect(data / "clinic.db")) as database, database:
            database.execute("INSERT INTO visits (patient_id, clinical_notes) VALUES (1, 'benchmark')")

    def no_backup_of_today() -> None:
        shutil.rmtree(out / "today", ignore_errors=True)

    return [
        Contestant("DocAssist Backup, with a new safety backup", write, ours),
        Contestant("DocAssist Backup, nothing written since the newest backup", back_up, ours),
        Contestant("the EMR's own way after a backup", no_backup_of_today, [*emrs, "restore-after-backup", *folders]),
        Contestant("the EMR's own way alone", lambda: None, [*emrs, "restore", *folders]),
    ]
