"""The three jobs of ours over clinics that grow: backup, restore and proof, with what each has noted of itself."""

import json
import shutil
import sqlite3
import statistics
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.clinics import clinic
from tests.benchmarks.contest import Contestant
from tests.benchmarks.contestants import first_backup, ours
from tests.benchmarks.stopwatch import Laps

SIZES = (1_000, 5_000, 20_000)


@dataclass(frozen=True)
class Job(Laps):
    """The rounds of one job: `durations` and `steps` are seconds as the history has them, the process left out."""

    durations: Sequence[float]
    steps: Sequence[Mapping[str, float]]

    @property
    def seconds(self) -> float:
        """The median duration: in a program that is there already, as the launcher is."""
        return statistics.median(self.durations)

    @property
    def stages(self) -> dict[str, float]:
        """The median seconds of each step."""
        return {step: statistics.median(one[step] for one in self.steps) for step in self.steps[0]}


@dataclass(frozen=True)
class Grown:
    """A clinic of one size: `packed` and `plain` are bytes of its archive with and without the `index`."""

    patients: int
    data: int
    index: int
    packed: int
    plain: int
    create: Job
    restore: Job
    proof: Job


def grow(scratch: Path, patients: int, rounds: int) -> Grown:
    """Back up a clinic of that size, each time as the first, open the backup, and restore it."""
    data = scratch / f"grown-{patients}"
    shutil.copytree(clinic(patients), data)
    size, index = data_size(data), size_of(data / "chroma")
    create = job(first_backup(data), data, rounds)
    packed = _archive(data)
    proof = job(ours(data, "prove"), data, rounds)
    restore = job(ours(data, "restore", prepare=lambda: write(data)), data, rounds)
    shutil.rmtree(data / "chroma")
    first_backup(data).run()
    plain = _archive(data)
    shutil.rmtree(data)
    return Grown(patients, size, index, packed, plain, create, restore, proof)


def job(contestant: Contestant, data: Path, rounds: int) -> Job:
    """Do one job of ours over `data` so many times."""
    laps, durations, steps = [], [], []
    for _round in range(rounds):
        laps.append(contestant.run())
        run = json.loads((data / ".docassist-backup" / "history.jsonl").read_bytes().splitlines()[-1])
        durations.append(run["duration"])
        steps.append(run["stages"])
    return Job(laps, durations, steps)


def write(data: Path) -> None:
    """Write one visit, so that no backup holds the data as it is now."""
    with closing(sqlite3.connect(data / "clinic.db")) as database, database:
        database.execute("INSERT INTO visits (patient_id, clinical_notes) VALUES (1, 'benchmark')")


def data_size(folder: Path) -> int:
    """Return the bytes of the two stores of a clinic."""
    return (folder / "clinic.db").stat().st_size + size_of(folder / "chroma")


def size_of(folder: Path) -> int:
    """Return the bytes of the files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _archive(data: Path) -> int:
    (made,) = (data / "backups").glob("*.zip")
    return made.stat().st_size
