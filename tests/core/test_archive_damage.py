"""An archive that was cut off or has a wrong bit anywhere is refused, by a full reading and by unpacking it alike."""

import struct
import tracemalloc
from datetime import datetime
from pathlib import Path

import pytest

from backup_core import archive
from backup_core.errors import ArchiveUnusable
from backup_core.listing import look
from backup_core.manifest import Manifest

WHEN = datetime(2026, 1, 31, 18, 0)  # noqa: DTZ001 - a manifest tells local time
FILES = {"clinic.db": b"a row and another row, " * 9, "chroma/data_level0.bin": bytes(range(60)), "Zoë.pdf": b"%PDF"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a small archive."""
    folder = tmp_path_factory.mktemp("in")
    for name, data in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    path = tmp_path_factory.mktemp("made") / "a.zip"
    archive.pack(folder, path, lambda members: Manifest(WHEN, members=members))
    return path.read_bytes()


def is_refused(path: Path, out: Path) -> bool:
    """Return whether a full reading and unpacking refuse an archive; assert that all is right where they do not."""
    refusals = 0
    for unpacking in (False, True):
        try:
            if unpacking:
                archive.extract(path, out)
            else:
                archive.verify(path)
        except ArchiveUnusable as error:
            assert error.hint
            refusals += 1
    assert refusals in (0, 2)
    if not refusals:
        assert {name: (out / name).read_bytes() for name in FILES} == FILES
        assert sum(entry.is_file() for entry in out.rglob("*")) == len(FILES)
    return refusals == 2


def test_an_archive_cut_off_anywhere_is_refused(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert is_refused(path, tmp_path / f"out-{length}"), length
    path.write_bytes(whole)
    assert not is_refused(path, tmp_path / "out")


def test_an_archive_with_one_wrong_bit_anywhere_is_refused(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    for number in range(len(whole)):
        bit = 1 << number % 8
        path.write_bytes(whole[:number] + bytes([whole[number] ^ bit]) + whole[number + 1 :])
        assert is_refused(path, tmp_path / f"out-{number}"), number
        look(path)


def test_every_bit_of_the_seal_and_of_what_stands_around_it_counts(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    for number in range(len(whole) - 80, len(whole)):
        for bit in range(8):
            path.write_bytes(whole[:number] + bytes([whole[number] ^ 1 << bit]) + whole[number + 1 :])
            assert is_refused(path, tmp_path / f"out-{number}-{bit}"), (number, bit)


def test_an_archive_whose_seal_was_taken_off_is_no_archive_of_an_older_version(whole: bytes, tmp_path: Path) -> None:
    end = whole.rindex(b"PK\x05\x06")
    (tmp_path / "a.zip").write_bytes(whole[: end + 20] + b"\0\0")
    assert is_refused(tmp_path / "a.zip", tmp_path / "out")
    with pytest.raises(ArchiveUnusable, match="seal"):
        archive.read_manifest(tmp_path / "a.zip")


def test_bytes_lost_from_the_middle_are_noticed(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    for start in range(0, len(whole) - 40, 7):
        path.write_bytes(whole[:start] + whole[start + 40 :])
        assert is_refused(path, tmp_path / f"out-{start}"), start


def test_bytes_before_and_after_an_archive_are_noticed(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    for number, data in enumerate([b"x" * 100 + whole, whole + b"x" * 100, whole + whole]):
        path.write_bytes(data)
        assert is_refused(path, tmp_path / f"out-{number}"), number


def test_a_list_of_contents_as_long_as_a_huge_file_is_not_read_into_memory(tmp_path: Path) -> None:
    path, size = tmp_path / "a.zip", 3 << 30
    with path.open("wb") as file:
        # Takes no room on the disk, and would take all of it in memory.
        file.seek(size)
        file.write(b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, 1, 1, size, 0, 0))
    tracemalloc.start()
    with pytest.raises(ArchiveUnusable):
        archive.read_manifest(path)
    assert tracemalloc.get_traced_memory()[1] < 100 << 20
    tracemalloc.stop()
