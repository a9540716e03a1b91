"""What many small files cost: a clinic that has a folder of prescriptions beside its two stores."""

import random
import shutil
from pathlib import Path

from tests.benchmarks.clinics import clinic
from tests.benchmarks.contestants import first_backup, ours
from tests.benchmarks.growing import Job, job, write

FILES = 20_000
_BYTES = 2_000
_PATIENTS = 1_000


def many_files(scratch: Path, rounds: int) -> str:
    """Return the section: backup and restore of a small clinic with the files and without."""
    lines = [
        "## Many small files\n",
        f"A clinic of {_PATIENTS:,} patients with {FILES:,} prescriptions of {_BYTES / 1000:.0f} kB, and without.\n",
        "The restores are done once.\n",
        "| | with them | without | for each file | peak memory with them |",
        "|---|---|---|---|---|",
    ]
    without, filled = (_jobs(scratch / f"files-{count}", count, rounds) for count in (0, FILES))
    for name, less, more in zip(("backup", "restore, with a new safety backup"), without, filled, strict=True):
        each = (more.seconds - less.seconds) * 1000 / FILES
        lines.append(
            f"| {name} | {more.seconds:.2f} s | {less.seconds:.2f} s | {each:.2f} ms | {more.peak / 1e6:.0f} MB |"
        )
    return "\n".join([*lines, ""])


def _jobs(data: Path, files: int, rounds: int) -> tuple[Job, Job]:
    """Return backups and restores of a clinic with so many files."""
    shutil.copytree(clinic(_PATIENTS), data)
    _fill(data / "prescriptions", files)
    create = job(first_backup(data), data, rounds)
    restore = job(ours(data, "restore", prepare=lambda: write(data)), data, 1)
    shutil.rmtree(data)
    return create, restore


def _fill(folder: Path, files: int) -> None:
    seeded = random.Random(files)
    for number in range(files):
        # Digits at random: text that no other file has.
        text = seeded.randbytes(_BYTES // 2).hex()
        (folder / f"prescription_{number:06}.txt").write_text(text, encoding="ascii")
