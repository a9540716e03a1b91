"""A sample clinic in a folder of its own, and the programs that a self-test lets loose on it."""

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from . import children
from .places import DATA_DIR_VARIABLE
from .sources import CLINIC_DB

_PATIENCE = 120.0


class TrialClinic:
    """The data folder of a self-test; it holds invented patients only."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._database = data_dir / CLINIC_DB

    def make(self) -> None:
        """Make the clinic, in a process of its own; raise subprocess.SubprocessError if that fails."""
        command = children.command("backup_core.samplemaker")
        subprocess.run(command, cwd=children.ROOT, env=self._surroundings(), check=True, timeout=_PATIENCE)

    def rows(self) -> tuple[int, int]:
        """Return how many patients and visits there are."""
        with closing(sqlite3.connect(self._database, timeout=30)) as database:
            found: tuple[int, int] = database.execute(
                "SELECT (SELECT count(*) FROM patients), (SELECT count(*) FROM visits)"
            ).fetchone()
            return found

    def admit(self, name: str) -> None:
        """Add a patient."""
        with closing(sqlite3.connect(self._database)) as database, database:
            database.execute("INSERT INTO patients (name) VALUES (?)", (name,))

    def has(self, name: str) -> bool:
        """Return whether there is a patient of this name."""
        with closing(sqlite3.connect(self._database)) as database:
            return database.execute("SELECT 1 FROM patients WHERE name = ?", (name,)).fetchone() is not None

    @contextmanager
    def child(self, module: str, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
        """Start a child of ours on the clinic; it is ended at the end."""
        with subprocess.Popen(
            [*children.command(module), *arguments],
            cwd=children.ROOT,
            env=self._surroundings(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        ) as child:
            try:
                yield child
            finally:
                child.terminate()

    @contextmanager
    def held_open(self) -> Iterator[None]:
        """Have another program hold a lock on clinic.db."""
        command = [*children.command("backup_core.lockholder"), str(self._database)]
        flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
        with subprocess.Popen(
            command, cwd=children.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, creationflags=flags
        ) as holder:
            assert holder.stdout is not None  # noqa: S101 - asked for above
            holder.stdout.readline()
            try:
                yield
            finally:
                holder.communicate()

    def _surroundings(self) -> dict[str, str]:
        return {**os.environ, DATA_DIR_VARIABLE: str(self.data_dir)}
