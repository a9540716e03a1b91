"""What a data folder holds, as something to compare: rows of databases, bytes of everything else."""

import hashlib
import shutil
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

SOURCES = ("clinic.db", "chroma", "prescriptions", "settings.json")
SIDE_FILES = ("-wal", "-shm", "-journal")

State = dict[str, str]


def state_of(folder: Path, sources: Sequence[str] = SOURCES) -> State:
    """Return a digest of each source that is there; nothing in `folder` is changed or opened by SQLite."""
    return {name: _digest(folder / name) for name in sources if (folder / name).exists()}


def _digest(path: Path) -> str:
    if path.is_dir():
        inner = sorted(part for part in path.rglob("*") if not part.name.endswith(SIDE_FILES))
        lines = [f"{part.relative_to(path)} {'' if part.is_dir() else _digest(part)}" for part in inner]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return (path.suffix in (".db", ".sqlite3") and _rows(path)) or hashlib.sha256(path.read_bytes()).hexdigest()


def _rows(database: Path) -> str:
    """Return a digest of all rows, read from a copy with its side files; "" where SQLite cannot read it."""
    digest = hashlib.sha256()
    with tempfile.TemporaryDirectory() as folder:
        for path in (database, *(database.with_name(database.name + ending) for ending in SIDE_FILES[::2])):
            if path.exists():
                shutil.copyfile(path, Path(folder) / path.name)
        try:
            with closing(sqlite3.connect(Path(folder) / database.name)) as copy:
                tables = copy.execute(
                    "SELECT name, sql FROM sqlite_master"
                    " WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%' ORDER BY name"
                )
                for name, sql in tables.fetchall():
                    digest.update(sql.encode())
                    for row in copy.execute(f'SELECT * FROM "{name}"'):
                        digest.update(repr(row).encode())
        except sqlite3.DatabaseError:
            return ""
    return digest.hexdigest()
