"""Writing a ZIP by hand: what is large, far or strangely named is told in the forms that every program reads."""

import subprocess
import zipfile
from pathlib import Path
from stat import S_IFREG

import pytest

from backup_core import zipwriter
from backup_core.codec import crc32, crc32_combine, deflate, inflater
from backup_core.zipreader import SealedBytes, member_chunks, sealed_digits
from backup_core.zipwriter import DEFLATED, SEAL, SEAL_DIGITS, STORED, Entry, ZipWriter

FILES = {"a.txt": b"some text, " * 500, "Zoë/नोट.bin": bytes(range(256)) * 9, "empty": b""}


def write(path: Path, files: dict[str, bytes], pieces: int = 3) -> Path:
    """Write a ZIP, each member in some pieces, so that its header is written twice."""
    with path.open("wb") as file:
        writer = ZipWriter(file)
        for name, data in files.items():
            method = DEFLATED if name.endswith(".txt") else STORED
            writer.begin(Entry(name, 1_700_000_000, S_IFREG | 0o600, method, len(data)))
            step = len(data) // pieces + 1
            parts = [data[at : at + step] for at in range(0, len(data), step)]
            for number, part in enumerate(parts, 1):
                writer.write(deflate(part, last=number == len(parts)) if method == DEFLATED else part)
            writer.end(crc32(data))
        writer.finish()
    return path


def assert_others_read(path: Path) -> None:
    for check in (["unzip", "-tq"], ["7z", "t"], ["bsdtar", "-tf"]):
        done = subprocess.run([*check, path], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "warning" not in (done.stdout + done.stderr).lower()


@pytest.mark.parametrize("large", [False, True], ids=["usual", "large"])
def test_any_program_reads_members_in_the_usual_form_and_in_that_for_large_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, large: bool
) -> None:
    if large:
        monkeypatch.setattr(zipwriter, "_LARGE", 0)
    path = write(tmp_path / "a.zip", FILES)
    with zipfile.ZipFile(path) as file:
        assert {info.filename: file.read(info) for info in file.infolist()} == FILES
        assert all((info.extract_version == 45) is large for info in file.infolist())
    assert_others_read(path)


def test_any_program_reads_more_members_than_the_usual_end_can_count(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip", {f"{number:x}": b"" for number in range(66_000)})
    with zipfile.ZipFile(path) as file:
        assert len(file.infolist()) == 66_000
    assert_others_read(path)


def test_a_place_beyond_four_gigabytes_is_told_in_the_list_of_contents(tmp_path: Path) -> None:
    entry = Entry("a", 1_700_000_000, S_IFREG | 0o600, STORED, 5 << 30, packed=5 << 30, offset=6 << 30)
    end = zipwriter._end_records(1, len(entry.directory_entry()), 0)
    (tmp_path / "a.zip").write_bytes(entry.directory_entry() + end + bytes(60))
    with zipfile.ZipFile(tmp_path / "a.zip") as file:
        (info,) = file.infolist()
    assert (info.file_size, info.compress_size, info.header_offset) == (5 << 30, 5 << 30, 6 << 30)


def test_the_seal_is_the_checksum_of_every_byte_before_its_digits(tmp_path: Path) -> None:
    data = write(tmp_path / "a.zip", FILES).read_bytes()
    assert data[:-SEAL_DIGITS].endswith(SEAL)
    assert b"%08x" % crc32(data[:-SEAL_DIGITS]) == data[-SEAL_DIGITS:]
    with (tmp_path / "a.zip").open("rb") as file, zipfile.ZipFile(file) as opened:
        source = SealedBytes(file)
        for info in opened.infolist():
            assert b"".join(member_chunks(source, info)) == FILES[info.filename]
        assert source.digits_of_all() == sealed_digits(file)


@pytest.mark.parametrize("data", [b"", b"x", b"text " * 9_999, bytes(range(256)) * 40], ids=len)
def test_pieces_that_were_packed_apart_are_one_stream(data: bytes) -> None:
    stream = deflate(data, last=False) + deflate(data[::-1], last=False) + deflate(b"", last=True)
    unpacker = inflater()
    assert unpacker.decompress(stream) == data + data[::-1]
    assert unpacker.eof
    assert crc32_combine(crc32(data), crc32(data[::-1]), len(data)) == crc32(data + data[::-1])
