"""A program that changes every row of a database, says when the disk holds half of it, and waits to be killed."""

import sqlite3
import sys
from pathlib import Path

ROWS = 3_000


def main() -> None:
    """Commit rows to a table of its own, then change them all in a transaction that does not fit into memory."""
    path, journal_mode = Path(sys.argv[1]), sys.argv[2]
    database = sqlite3.connect(path, isolation_level=None)
    database.execute(f"PRAGMA journal_mode = {journal_mode}")
    # Without this the last commits would go back from the log into the database, where they are easily found.
    database.execute("PRAGMA wal_autocheckpoint = 0")
    database.execute("CREATE TABLE bulk (note TEXT)")
    database.execute("BEGIN")
    database.executemany("INSERT INTO bulk VALUES (?)", [("committed" * 10,)] * ROWS)
    database.execute("COMMIT")
    database.execute("PRAGMA cache_size = 4")
    half = path.with_name(f"{path.name}-wal") if journal_mode == "WAL" else path
    before = half.stat().st_mtime_ns, half.stat().st_size
    database.execute("BEGIN IMMEDIATE")
    database.execute("UPDATE bulk SET note = 'never committed ' || note")
    assert (half.stat().st_mtime_ns, half.stat().st_size) != before, "nothing has been written yet"
    sys.stdout.write("spilled\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
