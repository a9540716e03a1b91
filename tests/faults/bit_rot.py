"""Change one bit at a time of a 50 MB archive, and see that a full reading finds it and a restore refuses it.

`python -m tests.faults.bit_rot` prints the figures; every 100th part of the file has its bit, and so has each byte of
what holds it together: the members' headers and the list of contents. The short form is tests/core/test_archive_damage.
"""

import argparse
import hashlib
import os
import random
import shutil
import sys
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from backup_core import archive
from backup_core.errors import ArchiveUnusable
from backup_core.manifest import Manifest
from tests.fakeclock import FakeClock
from tests.laws.life import MEMORY

SIZE = 50_000_000
#: Bytes of a header of a member that are looked at one by one.
HEADER = 30


@dataclass
class Result:
    """How many bits were changed, how many of them were refused, how many made no difference, and what went wrong."""

    flips: int = 0
    refused: int = 0
    harmless: int = 0
    wrong: list[str] = field(default_factory=list)


def make_archive(folder: Path, size: int) -> Path:
    """Return an archive of about `size` bytes: a large file that cannot be made smaller, and small ones that can."""
    files = {"clinic.db": b"a row and another row, " * (size // 100), "prescriptions/a.pdf": b"%PDF " * 200}
    files["chroma/index/data_level0.bin"] = random.Random(1).randbytes(size)
    for name, data in files.items():
        (folder / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "in" / name).write_bytes(data)
    path = folder / "a.zip"
    archive.pack(folder / "in", path, lambda members: Manifest(FakeClock().local(), members=members))
    return path


def places(path: Path, share: float) -> list[int]:
    """Return where bits are changed: a grid of `share` of the length, and each byte that is not a member's data."""
    length = path.stat().st_size
    with zipfile.ZipFile(path) as file:
        headers = [info.header_offset for info in file.infolist()]
        contents = file.start_dir
    grid = range(0, length, max(1, int(length * share)))
    structure = [at + byte for at in headers for byte in range(HEADER)] + list(range(contents, length))
    return sorted({*grid, *structure})


def rot(path: Path, folder: Path, share: float = 0.01) -> Result:
    """Change one bit at each of the places, one at a time; what is not refused has to come out as it went in."""
    result = Result()
    archive.extract(path, folder / "right")
    right = _digests(folder / "right")
    with path.open("rb+") as file:
        for at in places(path, share):
            byte = os.pread(file.fileno(), 1, at)[0]
            os.pwrite(file.fileno(), bytes([byte ^ 1 << at % 8]), at)
            result.flips += 1
            _look(path, folder / "out", right, at, result)
            os.pwrite(file.fileno(), bytes([byte]), at)
    archive.verify(path)
    return result


def _look(path: Path, out: Path, right: dict[str, str], at: int, result: Result) -> None:
    try:
        archive.verify(path)
        archive.extract(path, out)
    except ArchiveUnusable:
        result.refused += 1
    except Exception as error:  # noqa: BLE001 - whatever else is raised is what is looked for
        result.wrong.append(f"byte {at}: {type(error).__name__}: {error}")
    else:
        result.harmless += 1
        if _digests(out) != right:
            result.wrong.append(f"byte {at}: accepted, and comes out wrong")
    shutil.rmtree(out, ignore_errors=True)


def _digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def main() -> int:
    """Run the long form and return 1 if anything was accepted wrongly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=SIZE, help="of the archive, in bytes")
    wanted = parser.parse_args()
    folder = Path(tempfile.mkdtemp(dir=MEMORY))
    result = rot(make_archive(folder, wanted.size), folder)
    shutil.rmtree(folder)
    sys.stdout.write("".join(f"  {line}\n" for line in result.wrong[:20]))
    sys.stdout.write(
        f"{result.flips} bits, {result.refused} refused, {result.harmless} made no difference, "
        f"{len(result.wrong)} wrong\n"
    )
    return 1 if result.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
