"""Whether the live data has changed since a backup: a cheap look, in which any doubt means that it has."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from .sources import Source, files_of, is_database, side_files

#: Where an SQLite file counts its changes, and how it says that it has a write-ahead log (file format, section 1.3).
_CHANGE_COUNTER = slice(24, 28)
_WRITE_VERSION = 18
_HEADER_SIZE = 100
_WAL = 2


def fingerprint(sources: Sequence[Source]) -> str:
    """Return what is equal only while the sources are unchanged, or "" where that cannot be told.

    It reads the first bytes of live databases with a plain `open()`, which would drop every lock that this process
    holds on them: so call it only while the process has no connection to them.
    """
    digest = hashlib.sha256()
    try:
        for source in sources:
            digest.update(f"{source.name} {source.kind}\n".encode())
            for name, path in files_of(source):
                status = path.stat()
                if is_database(name) and any(_has_bytes(side) for side in side_files(path)):
                    return ""
                counter = _change_counter(path) if is_database(name) else ""
                line = f"{name} {status.st_size} {status.st_mtime_ns} {status.st_ino} {counter}\n"
                digest.update(line.encode(errors="surrogateescape"))
    except OSError:
        return ""
    return digest.hexdigest()


def _change_counter(path: Path) -> str:
    with path.open("rb") as file:
        header = file.read(_HEADER_SIZE)
    # With a write-ahead log the counter stands still; size and time of the file have to do, its log being empty.
    return "wal" if header[_WRITE_VERSION : _WRITE_VERSION + 1] == bytes([_WAL]) else header[_CHANGE_COUNTER].hex()


def _has_bytes(side: Path) -> bool:
    try:
        return side.stat().st_size > 0
    except FileNotFoundError:
        return False
