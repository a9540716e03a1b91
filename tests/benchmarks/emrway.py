"""The baseline: what the EMR's own code does, by the same means. `python -m tests.benchmarks.emrway VERB DATA OUT`.

SQLite's backup, a copy of the vector store file by file, one deflated ZIP by the standard library; no check of what was
written. It restores by unpacking and copying over.
"""

import shutil
import sqlite3
import sys
import zipfile
from contextlib import closing
from pathlib import Path


def create(data: Path, out: Path) -> None:
    """Write a ZIP of both stores into the folder `out`."""
    work = out / "temp"
    work.mkdir(parents=True)
    with closing(sqlite3.connect(data / "clinic.db")) as live, closing(sqlite3.connect(work / "clinic.db")) as copy:
        live.backup(copy)
    shutil.copytree(data / "chroma", work / "chroma")
    with zipfile.ZipFile(out / "backup.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(work.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(work))
    shutil.rmtree(work)


def restore(data: Path, out: Path) -> None:
    """Unpack the ZIP in `out`, keep copies of what is there, and copy the stores over."""
    work = out / "restore_temp"
    with zipfile.ZipFile(out / "backup.zip") as archive:
        archive.extractall(work)
    shutil.copy2(data / "clinic.db", data / "clinic.db.pre-restore")
    shutil.copy2(work / "clinic.db", data / "clinic.db")
    shutil.rmtree(data / "chroma.pre-restore", ignore_errors=True)
    shutil.move(data / "chroma", data / "chroma.pre-restore")
    shutil.copytree(work / "chroma", data / "chroma")
    shutil.rmtree(work)


def restore_after_backup(data: Path, out: Path) -> None:
    """Make a backup of today's data first, as ours does, and then restore the one in `out`."""
    create(data, out / "today")
    restore(data, out)


if __name__ == "__main__":
    _VERBS = {"create": create, "restore": restore, "restore-after-backup": restore_after_backup}
    _VERBS[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
