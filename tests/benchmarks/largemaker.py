"""Makes a clinic of about 5 GB out of a small one, as a process: `python -m tests.benchmarks.largemaker SMALL DIR`.

Its rows are those of the small one again and again, further apart than what deflate can see. Its index has the outer
form of one, and vectors that nothing could look up: what copies it reads no more of it than that form.
"""

import random
import shutil
import sqlite3
import struct
import sys
from contextlib import closing
from pathlib import Path

_DATABASE_BYTES = 3_500_000_000
_INDEX_BYTES = 1_500_000_000
_PIECE = 1_000_000
#: As Chroma's index begins: version, offset, room, elements, bytes for each, and what is left as it is.
_HEADER = struct.Struct("<I6Q")


def _grow_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA synchronous = OFF")
        database.execute("PRAGMA journal_mode = OFF")
        columns = "patient_id, visit_date, chief_complaint, clinical_notes, diagnosis"
        (rows,) = database.execute("SELECT count(*) FROM visits").fetchone()
        times = _DATABASE_BYTES // path.stat().st_size
        for _time in range(times - 1):
            database.execute(
                f"INSERT INTO visits ({columns}) SELECT {columns} FROM visits WHERE id <= ? ORDER BY id", (rows,)
            )
            database.commit()


def _grow_index(store: Path) -> None:
    header = max(store.glob("*/header.bin"), key=lambda path: (path.parent / "data_level0.bin").stat().st_size)
    whole = header.read_bytes()
    version, offset, _room, _elements, stride, *rest = _HEADER.unpack_from(whole)
    elements = _INDEX_BYTES // stride
    header.write_bytes(_HEADER.pack(version, offset, elements, elements, stride, *rest) + whole[_HEADER.size :])
    (header.parent / "length.bin").write_bytes(bytes(4 * elements))
    piece, left = random.Random(1).randbytes(_PIECE), elements * stride
    with (header.parent / "data_level0.bin").open("wb") as vectors:
        while left:
            left -= vectors.write(piece[:left])


if __name__ == "__main__":
    shutil.copytree(sys.argv[1], sys.argv[2])
    _grow_database(Path(sys.argv[2]) / "clinic.db")
    _grow_index(Path(sys.argv[2]) / "chroma")
