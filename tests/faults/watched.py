"""A program that uses the engine or the EMR's interface, and watches itself for a plain open() of a live database.

Such an open() and its close() drop every lock that SQLite holds on the file in this process, without a word.
"""

import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from backup_core.engine import BackupEngine
from backup_core.files import PRIVATE
from backup_core.livedb import LiveDatabase
from backup_core.runs import Trigger
from backup_core.service import BackupService
from backup_core.settings import Settings

STORES = ("clinic.db", "chroma/chroma.sqlite3")
_ENDINGS = (".db", ".sqlite3", "-wal", "-shm", "-journal")


class Watch:
    """Sees every open() and every connection of this process from now on."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self.opened: list[str] = []
        self.opened_while_connected: list[str] = []
        self.on_connect: Callable[[], None] = lambda: None
        self.on_copy: Callable[[str], object] = str
        sys.addaudithook(self._see)

    def _see(self, event: str, values: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(values[0], (str, bytes)):
            path = Path(os.fsdecode(values[0]))
            if self._is_live(path):
                self.opened.append(str(path))
            # A staged copy is this process's alone: no writer waits for its locks.
            if "/staging/" not in str(path) and _is_connected(path):
                self.opened_while_connected.append(str(path))
        elif event == "sqlite3.connect":
            is_live = str(values[0]).startswith("file:")
            if is_live:
                self.on_connect()
            elif "/staging/" in str(values[0]):
                self.on_copy(str(values[0]))

    def _is_live(self, path: Path) -> bool:
        inner = path.relative_to(self._data_dir).parts if path.is_relative_to(self._data_dir) else ()
        return bool(inner) and inner[0] not in (PRIVATE, "backups") and path.name.endswith(_ENDINGS)


def _is_connected(path: Path) -> bool:
    """Return whether this process has the very file open under a database's name: then it is SQLite that has."""
    try:
        wanted = path.stat()
    except OSError:
        return False
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            name, found = str(descriptor.readlink()).removesuffix(" (deleted)"), descriptor.stat()
        except OSError:
            continue
        if name.endswith(_ENDINGS) and (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino):
            return True
    return False


class Neighbour:
    """Another program that tries to write, without any patience."""

    def __init__(self, data_dir: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _NEIGHBOUR, *(str(data_dir / store) for store in STORES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def tries(self) -> list[str]:
        """Return for each store "written", or what SQLite says."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("try\n")
        self._process.stdin.flush()
        return list(json.loads(self._process.stdout.readline()))


_NEIGHBOUR = """
import json, sqlite3, sys
for line in sys.stdin:
    answers = []
    for path in sys.argv[1:]:
        database = sqlite3.connect(path, timeout=0, isolation_level=None)
        try:
            database.execute("BEGIN IMMEDIATE")
            database.execute("CREATE TABLE neighbour (number)")
            database.execute("DROP TABLE neighbour")
            database.execute("COMMIT")
            answers.append("written")
        except sqlite3.OperationalError as error:
            answers.append(str(error))
        database.close()
    print(json.dumps(answers), flush=True)
"""


def engine_paths(data_dir: Path, watch: Watch) -> dict[str, object]:
    """Use the engine in every way, and try at each step of the copy whether a neighbour can write.

    Each try tells of the store that is copied, and of the vectors, which are held until all is copied.
    """
    neighbour = Neighbour(data_dir)
    tries: list[list[str]] = []
    one_at_a_time = threading.Lock()

    def let_the_neighbour_try(target: str) -> None:
        copied = next(index for index, store in enumerate(STORES) if target.endswith(store))
        with one_at_a_time:
            answers = neighbour.tries()
            tries.append([answers[copied], answers[1]])

    watch.on_copy = let_the_neighbour_try
    engine = BackupEngine(data_dir)
    made = engine.create()
    watch.on_copy = str
    # Both stores are copied while the neighbour goes on first: since it did write, again while it is held.
    beforehand, tries = tries[: len(STORES)], tries[len(STORES) :]
    assert ["written"] * len(STORES) in beforehand
    engine.back_up(Trigger.STARTUP)
    engine.holdings()
    engine.verify(made)
    engine.restore(made)
    engine.undo()
    engine.prune(keep=1)
    engine.recover()
    return {"tries": tries, "afterwards": neighbour.tries()}


def frozen_paths(data_dir: Path, watch: Watch) -> dict[str, object]:
    """While both stores are frozen, do what a launcher may do at the same time; then let a neighbour try."""
    engine = BackupEngine(data_dir)
    made, spare = engine.create(), engine.create()
    neighbour = Neighbour(data_dir)
    with LiveDatabase(data_dir / STORES[0]) as clinic, LiveDatabase(data_dir / STORES[1]) as vectors:
        clinic.freeze(5)
        vectors.freeze(5)
        before = neighbour.tries()
        engine.archives()
        engine.find(made.name)
        engine.last_good()
        engine.verify(made)
        engine.undoable()
        engine.unprotected()
        engine.holdings()
        engine.history.runs()
        engine.delete(spare)
        engine.prune(keep=1)
        Settings(data_dir).read()
        tries = neighbour.tries()
    return {"tries": [before, tries], "afterwards": neighbour.tries()}


def service_paths(data_dir: Path, watch: Watch) -> dict[str, object]:
    """Use the EMR's interface in every way while the EMR, in this very process, is in the middle of reading."""
    neighbour = Neighbour(data_dir)
    with (
        closing(sqlite3.connect(data_dir / STORES[0])) as clinic,
        closing(sqlite3.connect(data_dir / STORES[1])) as vectors,
    ):
        for database in (clinic, vectors):
            database.execute("BEGIN")
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        service = BackupService(data_dir, max_backups=2)
        made = service.create_backup()
        assert made is not None
        assert service.auto_backup()
        service.list_backups()
        service.get_last_backup_time()
        service.cleanup_old_backups()
        tries = neighbour.tries()
        assert service.restore_backup(made)
    return {"tries": [tries], "afterwards": neighbour.tries()}


def rewritten_paths(data_dir: Path, watch: Watch) -> dict[str, object]:
    """Back up while the vector store is rewritten after its files were copied, and before its writers are held."""

    def rewrite() -> None:
        watch.on_connect = lambda: None
        subprocess.run([sys.executable, "-m", "tests.faults.rewriter", str(data_dir)], check=True)

    watch.on_connect = rewrite
    return {"archive": BackupEngine(data_dir).create().name}


def main() -> None:
    """Use what the command line names, and tell what was seen, as JSON."""
    uses = {"engine": engine_paths, "frozen": frozen_paths, "service": service_paths, "rewritten": rewritten_paths}
    data_dir = Path(sys.argv[2])
    watch = Watch(data_dir)
    seen = uses[sys.argv[1]](data_dir, watch)
    more = {"opened": watch.opened, "opened_while_connected": watch.opened_while_connected}
    sys.stdout.write(json.dumps(seen | more) + "\n")


if __name__ == "__main__":
    main()
