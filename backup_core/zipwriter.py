"""An ordinary ZIP, written member by member, with a seal over all of its bytes at the end."""

import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from .codec import crc32, crc32_combine

#: What the ZIP's comment says before the eight hexadecimal digits of the checksum, which are its last bytes.
SEAL = b"DocAssist Backup, CRC-32 of all before it: "
SEAL_DIGITS = 8

STORED, DEFLATED = 0, 8
_FOR_OLD, _FOR_LARGE = 20, 45
_UNIX = 3 << 8
_UTF8 = 0x800
_IS_FOLDER = 0x10
_MOST_16, _MOST_32 = 0xFFFF, 0xFFFFFFFF
#: Bytes from which a member is written in the form for large ones: it may still grow a little by being packed.
_LARGE = 3 << 30
#: The seconds since 1970 that a ZIP can tell: a file's time may lie outside, as on a PC whose battery is empty.
_EARLIEST, _LATEST = 315_619_200, 2**31 - 1


@dataclass
class Entry:
    """One member: `mode` is its type and rights; `crc` and `packed` may be known only at its end."""

    name: str
    #: Seconds since 1970.
    modified: float
    mode: int
    method: int
    size: int
    crc: int = 0
    #: Bytes that it takes in the ZIP.
    packed: int = 0
    offset: int = 0

    def local_header(self) -> bytes:
        """Return what stands before the member's bytes: as long before they are known as afterwards."""
        extra = self._times() + _large_numbers(*self._sizes())
        lengths = struct.pack("<HH", len(self._name()), len(extra))
        return b"PK\x03\x04" + self._common(is_large=bool(self._sizes())) + lengths + self._name() + extra

    def directory_entry(self) -> bytes:
        """Return what stands for the member in the ZIP's list of contents."""
        is_far = self.offset >= _MOST_32
        extra = self._times() + _large_numbers(*self._sizes(), *([self.offset] if is_far else []))
        attributes = self.mode << 16 | (_IS_FOLDER if self.name.endswith("/") else 0)
        place = _MOST_32 if is_far else self.offset
        rest = struct.pack("<HHHHHLL", len(self._name()), len(extra), 0, 0, 0, attributes, place)
        common = self._common(is_large=bool(self._sizes()) or is_far)
        return b"PK\x01\x02" + struct.pack("<H", _UNIX | _FOR_LARGE) + common + rest + self._name() + extra

    def _common(self, *, is_large: bool) -> bytes:
        """Return the fields that both headers have; `is_large` says whether one of the numbers is in the long form."""
        at = time.localtime(self._seconds())
        day = (at.tm_year - 1980) << 9 | at.tm_mon << 5 | at.tm_mday
        clock = at.tm_hour << 11 | at.tm_min << 5 | at.tm_sec // 2
        packed, size = (_MOST_32, _MOST_32) if self._sizes() else (self.packed, self.size)
        needed = _FOR_LARGE if is_large else _FOR_OLD
        flags = 0 if self.name.isascii() else _UTF8
        return struct.pack("<HHHHHLLL", needed, flags, self.method, clock, day, self.crc, packed, size)

    def _name(self) -> bytes:
        return self.name.encode()

    def _seconds(self) -> int:
        return int(min(max(self.modified, _EARLIEST), _LATEST))

    def _times(self) -> bytes:
        """Return the time again, in seconds and whatever the time zone."""
        return struct.pack("<2sHBl", b"UT", 5, 1, self._seconds())

    def _sizes(self) -> Sequence[int]:
        return (self.size, self.packed) if self.size >= _LARGE else ()


class ZipWriter:
    """Writes members into a new file that can be sought in; nothing else writes to it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._entries: list[Entry] = []
        self._at = 0
        #: Checksum of all that stands before the member that is being written, and of that member's bytes.
        self._before = 0
        self._inside = 0
        self._header = b""

    @property
    def position(self) -> int:
        """Where in the file the next byte goes."""
        return self._at

    def begin(self, entry: Entry) -> None:
        """Begin a member with what is known of it."""
        entry.offset = self._at
        self._entries.append(entry)
        self._header = entry.local_header()
        self._put(self._header)
        self._inside = 0

    def write(self, packed: bytes) -> None:
        """Write the next of the member's bytes, packed by its method."""
        self._inside = crc32(packed, self._inside)
        self._put(packed)

    def end(self, crc: int) -> None:
        """End the member, whose unpacked bytes have this checksum."""
        entry = self._entries[-1]
        length = len(self._header)
        entry.crc, entry.packed = crc, self._at - entry.offset - length
        header = entry.local_header()
        if header != self._header:
            self._file.seek(entry.offset)
            self._file.write(header)
            self._file.seek(self._at)
        self._before = crc32_combine(crc32(header, self._before), self._inside, entry.packed)

    def finish(self) -> None:
        """Write the list of contents and the seal."""
        directory = b"".join(entry.directory_entry() for entry in self._entries)
        end = directory + _end_records(len(self._entries), len(directory), self._at) + SEAL
        self._put(end)
        self._put(b"%08x" % crc32(end, self._before))

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self._at += len(data)


def _large_numbers(*numbers: int) -> bytes:
    """Return the field for numbers that have no room in their usual place, or nothing."""
    return struct.pack(f"<HH{len(numbers)}Q", 1, 8 * len(numbers), *numbers) if numbers else b""


def _end_records(count: int, length: int, start: int) -> bytes:
    """Return what tells readers where the list of contents is, up to the comment."""
    large = b""
    if count >= _MOST_16 or start + length >= _MOST_32:
        large = b"PK\x06\x06" + struct.pack(
            "<QHHLLQQQQ", 44, _UNIX | _FOR_LARGE, _FOR_LARGE, 0, 0, count, count, length, start
        )
        large += b"PK\x06\x07" + struct.pack("<LQL", 0, start + length, 1)
    counts = min(count, _MOST_16)
    return (
        large
        + b"PK\x05\x06"
        + struct.pack(
            "<HHHHLLH",
            0,
            0,
            counts,
            counts,
            min(length, _MOST_32),
            min(start, _MOST_32),
            len(SEAL) + SEAL_DIGITS,
        )
    )
