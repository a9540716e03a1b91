"""A ZIP written byte by byte, so that each of its headers can say what is not so."""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

#: The size or place that means: look into the extra field.
SEE_EXTRA = 0xFFFFFFFF
_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"


@dataclass(frozen=True)
class Piece:
    """One stored member; None stands for the truth."""

    name: bytes
    data: bytes
    #: What the list of contents says of both sizes, and where the member begins.
    size: int | None = None
    packed: int | None = None
    offset: int | None = None
    #: The extra fields of the list of contents, and of the member's own header.
    extra: bytes = b""
    local_extra: bytes = b""
    #: Whether the bytes are written; without them the member is a second name of what lies at `offset`.
    written: bool = True


def zip64_extra(*numbers: int, length: int | None = None) -> bytes:
    """Return the extra field of large members, which may say of itself that it is of another length."""
    body = struct.pack(f"<{len(numbers)}Q", *numbers)
    return struct.pack("<HH", 1, len(body) if length is None else length) + body


def assemble(pieces: Sequence[Piece], end: bytes | None = None) -> bytes:
    """Return the ZIP of these members; `end` comes in place of the usual end, after the list of contents."""
    body, contents = b"", b""
    for piece in pieces:
        crc, length = zlib.crc32(piece.data), len(piece.data)
        offset = len(body) if piece.offset is None else piece.offset
        size, packed = (length if said is None else said for said in (piece.size, piece.packed))
        if piece.written:
            head = struct.pack("<HHHHHLLLHH", 20, 0x800, 0, 0, 33, crc, length, length, len(piece.name), 0)
            head = head[:-2] + struct.pack("<H", len(piece.local_extra))
            body += _LOCAL + head + piece.name + piece.local_extra + piece.data
        lengths = (len(piece.name), len(piece.extra), 0, 0, 0, 0, offset)
        contents += _CENTRAL + struct.pack("<HHHHHHLLLHHHHHLL", 20, 20, 0x800, 0, 0, 33, crc, packed, size, *lengths)
        contents += piece.name + piece.extra
    ending = old_end(len(pieces), len(contents), len(body)) if end is None else end
    return body + contents + ending


def old_end(number: int, length: int, offset: int) -> bytes:
    """Return the end of a ZIP, which says how many members there are and where the list of contents is."""
    return _END + struct.pack("<HHHHLLH", 0, 0, min(number, 0xFFFF), min(number, 0xFFFF), length, offset, 0)


def new_end(number: int, length: int, offset: int, *, at: int, size: int = 44, disks: int = 1, disk: int = 0) -> bytes:
    """Return the end of a large ZIP: the record with the numbers, and the locator that says that it lies at `at`."""
    record = b"PK\x06\x06" + struct.pack("<QHHLLQQQQ", size, 45, 45, disk, 0, number, number, length, offset)
    locator = b"PK\x06\x07" + struct.pack("<LQL", disk, at, disks)
    return record + locator + _END + struct.pack("<HHHHLLH", 0, 0, 0xFFFF, 0xFFFF, SEE_EXTRA, SEE_EXTRA, 0)
