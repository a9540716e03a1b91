"""A backup folder as it looks after a year: many small archives, no two alike, with proofs, some of them put aside."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from backup_core import BackupEngine
from backup_core.files import PRIVATE
from backup_core.proofs import Proof, ProofBook
from backup_core.sample import SCHEMA
from tests.fakeclock import FakeClock

_APART = timedelta(hours=8)
#: Of so many archives one is proven.
_PROVEN = 10
#: Of so many archives one, of the older half, was put aside.
_ASIDE = 20


def make_archives(data: Path, count: int) -> None:
    """Back up a clinic of a few rows `count` times in the new folder `data`, with a visit more each time."""
    data.mkdir(parents=True)
    clock = FakeClock()
    engine = BackupEngine(data, clock=clock)
    with closing(sqlite3.connect(data / "clinic.db")) as database:
        database.executescript(SCHEMA)
        database.execute("INSERT INTO patients (name) VALUES ('benchmark')")
        for _number in range(count):
            with database:
                database.execute("INSERT INTO visits (patient_id) VALUES (1)")
            engine.create()
            clock.pass_time(_APART)
    archives = engine.archives()
    assert len({archive.contents for archive in archives}) == count, "archives are alike"
    book = ProofBook(data / "backups" / PRIVATE / "proofs.json")
    named = {archive.name: archive for archive in archives}
    for archive in archives[::_PROVEN]:
        book.write(archive.name, archive.size, archive.modified_ns, Proof(clock.now(), patients=1), among=named)
    for archive in archives[count // 2 :: _ASIDE]:
        engine.repository.put_aside(archive)
