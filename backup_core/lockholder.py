"""A program that has clinic.db open and will not let go: what a self-test restores against."""

import sqlite3
import sys


def main() -> int:
    """Lock the database that is named until standard input ends, saying "held" once it is; return 0."""
    database = sqlite3.connect(sys.argv[1], isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    sys.stdout.write("held\n")
    sys.stdout.flush()
    sys.stdin.read()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
