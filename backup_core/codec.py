"""Deflate and CRC-32 at the speed of Intel's ISA-L, which writes and reads the same format as zlib."""

import zlib
from typing import Any

from isal import isal_zlib

#: What a damaged deflate stream raises.
DamagedStream: type[Exception] = isal_zlib.IsalError  # type: ignore[assignment] # its stub takes it for one

crc32 = isal_zlib.crc32
#: The checksum of two pieces from the checksum of each, and the length of the second.
crc32_combine = isal_zlib.crc32_combine


def deflate(piece: bytes, *, last: bool) -> bytes:
    """Return one piece of a deflate stream, whole in itself: the pieces in their order, the last so marked, are it."""
    stream = isal_zlib.compressobj(level=1, wbits=-isal_zlib.MAX_WBITS)
    packed: bytes = stream.compress(piece) + stream.flush(isal_zlib.Z_FINISH if last else isal_zlib.Z_FULL_FLUSH)
    if len(packed) <= len(piece):
        return packed
    # Noise, as in a photograph: kept as it is, in blocks of the same format.
    plain = zlib.compressobj(level=0, wbits=-zlib.MAX_WBITS)
    return plain.compress(piece) + plain.flush(zlib.Z_FINISH if last else zlib.Z_FULL_FLUSH)


def inflate(piece: bytes, size: int, *, last: bool) -> bytes | None:
    """Return what one piece that `deflate` made unpacks to; None where it is no such piece of `size` bytes."""
    stream = inflater()
    try:
        unpacked: bytes = stream.decompress(piece, size + 1)
    except DamagedStream:
        return None
    return unpacked if stream.eof is last and not stream.unused_data else None


def inflater() -> Any:
    """Return a decompressor of a deflate stream, with the methods of zlib's."""
    return isal_zlib.decompressobj(wbits=-isal_zlib.MAX_WBITS)
