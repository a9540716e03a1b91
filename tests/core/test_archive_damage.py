"""An archive that was cut off or has a wrong bit is refused, or what comes out of it is right all the same."""

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


def comes_out_right(path: Path, out: Path) -> bool:
    """Return False where the archive is refused; assert that all is right where it is not."""
    try:
        archive.verify(path)
        archive.extract(path, out)
    except ArchiveUnusable:
        return False
    assert {name: (out / name).read_bytes() for name in FILES} == FILES
    assert sum(entry.is_file() for entry in out.rglob("*")) == len(FILES)
    return True


def test_an_archive_cut_off_anywhere_is_refused(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert not comes_out_right(path, tmp_path / "out"), length
    path.write_bytes(whole)
    assert comes_out_right(path, tmp_path / "out")


def test_an_archive_with_one_wrong_bit_anywhere_is_refused_or_right(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    refused = 0
    for number in range(len(whole)):
        bit = 1 << number % 8
        path.write_bytes(whole[:number] + bytes([whole[number] ^ bit]) + whole[number + 1 :])
        refused += not comes_out_right(path, tmp_path / f"out-{number}")
        look(path)
    # What may be wrong without harm: times, rights, and what the list of contents repeats.
    assert refused > len(whole) * 0.6


def test_bytes_lost_from_the_middle_are_noticed(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    for start in range(0, len(whole) - 40, 7):
        path.write_bytes(whole[:start] + whole[start + 40 :])
        assert not comes_out_right(path, tmp_path / f"out-{start}"), start


def test_bytes_before_and_after_an_archive_do_no_harm(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    for number, data in enumerate([b"x" * 100 + whole, whole + b"x" * 100, whole + whole]):
        path.write_bytes(data)
        comes_out_right(path, tmp_path / f"out-{number}")
