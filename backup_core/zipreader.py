"""The bytes of a ZIP's members, from a file that may be damaged or hostile: what does not fit is a ValueError."""

import os
import re
import struct
import zipfile
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from .codec import crc32, inflater
from .files import CHUNK
from .zipwriter import SEAL, SEAL_DIGITS

_HEADER = struct.Struct("<4sHHHHHLLLHH")
_SIGNATURE = b"PK\x03\x04"
_ENCRYPTED = 0x1
_UTF8 = 0x800
#: Bytes; the list of contents of 500,000 files has less.
_MOST_AT_ONCE = 64 << 20
_SEALED = re.compile(re.escape(SEAL) + b"([0-9a-f]{%d})" % SEAL_DIGITS)


class Frugal:
    """The file as `zipfile` may read it: not so much at once that memory runs out, whatever the file says of itself."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        """Return so many bytes, of the last ones all; raise ValueError where that is too much."""
        if size > _MOST_AT_ONCE:
            raise ValueError("too long a list of contents")
        return self._file.read(size if size >= 0 else CHUNK)


class Bytes:
    """The file, read wherever a member lies."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def go_to(self, offset: int) -> None:
        """Read from there on."""
        self._file.seek(offset)

    def read(self, size: int) -> bytes:
        """Return so many bytes; raise ValueError where the file ends before."""
        data = self._file.read(size)
        if len(data) != size:
            raise ValueError("cut short")
        return data


class SealedBytes(Bytes):
    """The file, read from its first byte to its last, each once, with the checksum of them all."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self._at = self._crc = 0
        super().go_to(0)

    def go_to(self, offset: int) -> None:
        """Read on to there; raise ValueError where that would be a way back."""
        if offset < self._at:
            raise ValueError("out of order")
        while self._at < offset:
            self.read(min(CHUNK, offset - self._at))

    def read(self, size: int) -> bytes:
        """Return so many bytes; raise ValueError where the file ends before."""
        data = super().read(size)
        self._at += size
        self._crc = crc32(data, self._crc)
        return data

    def digits_of_all(self) -> bytes:
        """Return the checksum of all bytes but its own digits, as these should be."""
        self.go_to(os.fstat(self._file.fileno()).st_size - SEAL_DIGITS)
        return b"%08x" % self._crc


def sealed_digits(file: BinaryIO) -> bytes:
    """Return the digits at the very end of a sealed file; nothing where its seal is not there or not whole."""
    file.seek(max(os.fstat(file.fileno()).st_size - len(SEAL) - SEAL_DIGITS, 0))
    match = _SEALED.fullmatch(file.read())
    return match[1] if match else b""


def overlapping(infos: Sequence[zipfile.ZipInfo]) -> bool:
    """Return whether two members share bytes, by which a small file could hold far more than its size."""
    places = sorted((info.header_offset, info.header_offset + _HEADER.size + info.compress_size) for info in infos)
    return any(end > start for (_, end), (start, _) in zip(places, places[1:], strict=False))


def member_chunks(source: Bytes, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield a member's bytes, never more than its declared size; raise ValueError where they are not as they should."""
    source.go_to(info.header_offset)
    signature, _, flags, method, *_, name_length, extra_length = _HEADER.unpack(source.read(_HEADER.size))
    name = info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8 else "cp437")
    if signature != _SIGNATURE or flags & _ENCRYPTED or method != info.compress_type:
        raise ValueError("no such member here")
    if source.read(name_length) != name:
        raise ValueError("another member")
    source.read(extra_length)
    pieces = _read(source, info.compress_size)
    size = crc = 0
    for chunk in pieces if method == zipfile.ZIP_STORED else _inflate(pieces):
        size += len(chunk)
        if size > info.file_size:
            raise ValueError("longer than declared")
        crc = crc32(chunk, crc)
        yield chunk
    if size != info.file_size or crc != info.CRC:
        raise ValueError("not as it was written")


def _read(source: Bytes, size: int) -> Iterator[bytes]:
    while size > 0:
        piece = source.read(min(CHUNK, size))
        size -= len(piece)
        yield piece


def _inflate(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what a deflate stream unpacks to, some at a time; raise where it ends too early or too late."""
    stream = inflater()
    for piece in pieces:
        while piece:
            if stream.eof:
                raise ValueError("bytes after its end")
            yield stream.decompress(piece, CHUNK)
            piece = stream.unconsumed_tail or stream.unused_data
    while not stream.eof and (chunk := stream.decompress(b"", CHUNK)):
        yield chunk
    if not stream.eof:
        raise ValueError("cut short")
