"""A clinic of about 5 GB: how much memory it takes, and how long its writers wait. Measured only when asked for."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks.clinics import clinic
from tests.benchmarks.contestants import first_backup, ours
from tests.benchmarks.growing import Job, data_size, job, size_of, write
from tests.benchmarks.waits import writing

_TITLE = "## 5 GB"
#: Seconds between two visits that are written.
_PAUSE = 10.0


def large(scratch: Path) -> str:
    """Make the clinic, and return the section: a backup alone, one beside a writer, and a restore."""
    data = scratch / "large"
    subprocess.run([sys.executable, "-m", "tests.benchmarks.largemaker", str(clinic(1_000)), str(data)], check=True)
    size, index = data_size(data), size_of(data / "chroma")
    backup = job(first_backup(data), data, 1)
    restore = job(ours(data, "restore", prepare=lambda: write(data)), data, 1)
    met, outcome = _beside_writer(data)
    shutil.rmtree(data)
    rows = [("first backup", backup), ("restore, with a new safety backup", restore)]
    return "\n".join(
        [
            f"{_TITLE}\n",
            f"Measured by `--large` on {datetime.now(UTC).date()}: a clinic of {size / 1e9:.1f} GB,"
            f" {index / 1e9:.1f} GB of it a vector store. That one only looks like an index, and is not proven.\n",
            "| | the whole | ms per MB | freeze | peak memory |",
            "|---|---|---|---|---|",
            *(_row(name, one, size) for name, one in rows),
            "",
            f"Beside a writer that adds a visit every {_PAUSE:.0f} s: {outcome}; {len(met['waits'])} writes,"
            f" the longest took {max(met['waits'], default=0.0) * 1000:.0f} ms, {len(met['failed'])} failed.\n",
        ]
    )


def _row(name: str, one: Job, size: int) -> str:
    per_megabyte = one.seconds * 1000 / (size / 1e6)
    cells = [f"{one.seconds:.1f} s", f"{per_megabyte:.1f}", _freeze(one.stages), f"{one.peak / 1e6:.0f} MB"]
    return f"| {name} | {' | '.join(cells)} |"


def kept(report: Path) -> str:
    """Return the section of the last large run, as the report has it; "" where it has none."""
    text = report.read_text(encoding="utf-8") if report.exists() else ""
    _, found, rest = text.partition(f"{_TITLE}\n")
    section, *_others = rest.split("\n## ")
    return found + section


def _freeze(stages: Mapping[str, float]) -> str:
    return f"{stages['freeze'] * 1000:.0f} ms" if "freeze" in stages else ""


def _beside_writer(data: Path) -> tuple[dict[str, Any], str]:
    """Return what a writer met while one backup was made, and what came of that."""
    met: dict[str, Any] = {}
    contestant = first_backup(data)
    with writing(met, data, "records", _PAUSE):
        try:
            took = job(contestant, data, 1)
        except subprocess.CalledProcessError:
            return met, "no backup could be made, for the writer came too often"
    return met, f"a backup is made in {took.seconds:.1f} s, with a freeze of {_freeze(took.stages)}"
