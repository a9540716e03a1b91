"""Change one bit of an archive at a time, or cut it off, and see that all of it is found and nothing of it restored.

`python -m tests.faults.bit_rot` prints the figures: of a small archive every bit and every length, of one of 50 MB
every 100th part, each read, unpacked and restored as a user would. The short forms are tests/core/test_archive_damage
and tests/faults/test_bit_rot.
"""

import argparse
import logging
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from backup_core import BackupEngine, archive
from backup_core.errors import ArchiveUnusable
from tests.laws.life import MEMORY

from . import share

SIZE = 50_000_000
#: Bytes of the letter in the small archive.
SMALL = 60
#: The least that looks like a vector store: a database, and an index whose files are packed in either way.
STORE = {"index/data_level0.bin": bytes(range(24)), "index/link_lists.bin": b"link" * 6}


@dataclass
class Result:
    """How many bits were changed and lengths cut to, how many were refused, and what went wrong."""

    flips: int = 0
    lengths: int = 0
    refused: int = 0
    wrong: list[str] = field(default_factory=list)


class Rot:
    """One archive of a clinic, damaged again and again in a file of its own."""

    def __init__(self, folder: Path, size: int) -> None:
        data = folder / "data"
        data.mkdir(parents=True)
        with closing(sqlite3.connect(data / "clinic.db")) as database, database:
            database.execute("PRAGMA page_size = 512")
            database.execute("CREATE TABLE patients (id INTEGER PRIMARY KEY, name TEXT, uhid TEXT)")
            database.execute("INSERT INTO patients (name, uhid) VALUES ('Asha Rao', 'S-1')")
        (data / "chroma" / "index").mkdir(parents=True)
        with closing(sqlite3.connect(data / "chroma" / "chroma.sqlite3")) as database, database:
            database.execute("PRAGMA page_size = 512")
            database.execute("CREATE TABLE embeddings_queue (seq_id INTEGER PRIMARY KEY)")
        for name, content in STORE.items():
            (data / "chroma" / name).write_bytes(content)
        (data / "prescriptions").mkdir()
        (data / "prescriptions" / "a.pdf").write_bytes(os.urandom(size))
        self.engine = BackupEngine(data)
        made = self.engine.create().path
        self.path = folder / "rotten.zip"
        shutil.copyfile(made, self.path)
        self.length = made.stat().st_size
        self.result = Result()
        self._made = made
        self._before = self._live()
        self._out = folder / "out"

    def flip(self, bits: Sequence[int]) -> None:
        """Change each of these bits (counted from the first of the file), one at a time."""
        with self.path.open("rb+", buffering=0) as file:
            for bit in bits:
                byte = os.pread(file.fileno(), 1, bit // 8)[0]
                os.pwrite(file.fileno(), bytes([byte ^ 1 << bit % 8]), bit // 8)
                self.result.flips += 1
                self._look(f"bit {bit}")
                os.pwrite(file.fileno(), bytes([byte]), bit // 8)

    def cut(self, lengths: Sequence[int]) -> None:
        """Cut the archive off at each of these lengths, the longest first."""
        for length in sorted(lengths, reverse=True):
            os.truncate(self.path, length)
            self.result.lengths += 1
            self._look(f"cut at {length}")
        shutil.copyfile(self._made, self.path)

    def check_whole(self) -> None:
        """See that what was damaged is whole again, so that the next look means something."""
        archive.verify(self.path)

    def _look(self, where: str) -> None:
        """Read, unpack and restore the damaged archive: each has to refuse it, and as ArchiveUnusable."""
        tries: list[Callable[[], object]] = [
            lambda: archive.verify(self.path),
            lambda: archive.extract(self.path, self._out),
            lambda: self.engine.restore(self.engine.find(self.path), other_clinic=True, newer=True),
        ]
        refused = 0
        for attempt in tries:
            try:
                attempt()
            except ArchiveUnusable:
                refused += 1
            except Exception as error:  # noqa: BLE001 - whatever else is raised is what is looked for
                self.result.wrong.append(f"{where}: {type(error).__name__}: {error}")
        if refused == len(tries):
            self.result.refused += 1
        else:
            self.result.wrong.append(f"{where}: refused {refused} times of {len(tries)}")
        if self._live() != self._before:
            self.result.wrong.append(f"{where}: the data has changed")
        shutil.rmtree(self._out, ignore_errors=True)

    def _live(self) -> dict[str, bytes]:
        data = self.engine.data_dir
        names = ("clinic.db", "prescriptions/a.pdf", "chroma/chroma.sqlite3", *(f"chroma/{name}" for name in STORE))
        return {name: (data / name).read_bytes() for name in names}


def main() -> int:
    """Run the long form and return 1 if anything was accepted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--step", type=int, default=1, help="of the small archive, take every n-th bit and length")
    parser.add_argument("--size", type=int, default=SIZE, help="of the large archive, in bytes")
    share.add_to(parser)
    wanted = parser.parse_args()
    logging.disable()
    folder = Path(tempfile.mkdtemp(dir=MEMORY))
    wrong = 0
    for size in (SMALL, wanted.size):
        rot = Rot(folder / str(size), size)
        every = wanted.step if size == SMALL else rot.length // 100 + 1
        bits = range(0, rot.length * 8, every if size == SMALL else every * 8)
        rot.flip(share.of(bits, wanted.share))
        rot.cut(share.of(range(0, rot.length, every), wanted.share))
        rot.check_whole()
        found = rot.result
        sys.stdout.write(
            f"{rot.length} bytes: {found.flips} bits, {found.lengths} lengths, {found.refused} refused "
            f"by reading, unpacking and restoring, {len(found.wrong)} wrong\n"
        )
        sys.stdout.write("".join(f"  {line}\n" for line in found.wrong[:20]))
        wrong += len(found.wrong)
    shutil.rmtree(folder)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
