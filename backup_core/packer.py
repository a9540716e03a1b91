"""A staging folder into a ZIP, piece by piece on several threads, the manifest last.

A piece is read and compressed on two threads, written on the caller's, and at once read back from the file, unpacked,
compared byte by byte and hashed on a fourth: what was hashed is what can be unpacked.
"""

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from stat import S_IFDIR, S_IFREG
from typing import BinaryIO

from .codec import crc32, crc32_combine, deflate, inflate
from .errors import ArchiveUnusable
from .files import CHUNK, WriteBehind, walk
from .manifest import MANIFEST_NAME, SEALED, Manifest, Member
from .pipeline import side_by_side, trailing
from .progress import OnProgress, Progress, Stage
from .sources import is_database
from .stages import Stages, Step
from .text import _
from .zipwriter import DEFLATED, STORED, Entry, ZipWriter

#: Files that deflate makes 10 % smaller at 400 MB/s, and reads at 450: kept as they are.
_INCOMPRESSIBLE = ("data_level0.bin",)


@dataclass(frozen=True)
class _Piece:
    """As much of one file as is read at a time; a folder and an empty file have one piece too."""

    path: Path
    entry: Entry
    offset: int

    @property
    def is_last(self) -> bool:
        return self.offset + CHUNK >= self.entry.size

    @property
    def is_whole(self) -> bool:
        return self.offset == 0 and self.is_last


@dataclass(frozen=True)
class _Written:
    """One piece as it should be found in the archive: so many bytes at a place, and what they unpack to."""

    piece: _Piece
    at: int
    length: int
    data: bytes


class Packer:
    """Packs one staging folder, whose files nobody changes meanwhile, into the new file `part`."""

    def __init__(
        self,
        folder: Path,
        part: Path,
        describe: Callable[[tuple[Member, ...]], Manifest],
        on_progress: OnProgress,
        stages: Stages,
    ) -> None:
        self._folder = folder
        self._part = part
        self._describe = describe
        self._on_progress = on_progress
        self._stages = stages
        #: The files that were found in the archive as they should be, and the digest of as much of the next.
        self._members: list[Member] = []
        self._digest = hashlib.sha256()

    def write(self, file: BinaryIO) -> Manifest:
        """Write the archive into `file`, which is `part` open, and return its manifest.

        Raise ArchiveUnusable where what was written cannot be read back as it was.
        """
        writer = ZipWriter(file)
        self._write_members(writer, file)
        manifest = replace(self._describe(tuple(self._members)), seal=SEALED)
        text = manifest.to_json()
        packed = deflate(text, last=True)
        entry = Entry(
            MANIFEST_NAME, time.time(), S_IFREG | 0o600, DEFLATED, len(text), crc=crc32(text), packed=len(packed)
        )
        writer.begin(entry)
        writer.write(packed)
        writer.end(entry.crc)
        writer.finish()
        return manifest

    def _write_members(self, writer: ZipWriter, file: BinaryIO) -> None:
        entries = list(self._entries())
        total = sum(entry.size for _, entry in entries)
        done = crc = 0
        disk = WriteBehind()
        pieces = (piece for path, entry in entries for piece in _pieces(path, entry))
        with trailing(self._check) as check, side_by_side(self._pack, pieces) as all_packed:
            for piece, data, data_crc, packed in all_packed:
                crc = crc32_combine(crc, data_crc, len(data)) if piece.offset else data_crc
                with self._stages.measure(Step.WRITE):
                    at = _write(writer, piece, packed, crc)
                    file.flush()
                    disk.reached(file.fileno(), writer.position)
                check(_Written(piece, at, len(packed), data))
                done += len(data)
                self._on_progress(Progress(Stage.PACK, done, total))

    def _entries(self) -> Iterator[tuple[Path, Entry]]:
        """Yield each file and each empty folder: databases first, which take longest to check when they come back."""
        paths = (folder / name for folder, folders, names in walk(self._folder) for name in [*folders, *names])
        found = ((path, path.relative_to(self._folder).as_posix()) for path in paths)
        for path, name in sorted(found, key=lambda item: (not is_database(item[1]), item[1])):
            status = path.stat()
            if path.is_file():
                plain = not status.st_size or name.endswith(_INCOMPRESSIBLE)
                method = STORED if plain else DEFLATED
                yield path, Entry(name, status.st_mtime, S_IFREG | 0o600, method, status.st_size)
            elif not any(path.iterdir()):
                yield path, Entry(f"{name}/", status.st_mtime, S_IFDIR | 0o700, STORED, 0)

    def _pack(self, piece: _Piece) -> tuple[_Piece, bytes, int, bytes]:
        """Return the piece, its bytes, their checksum, and the bytes as they are stored."""
        with self._stages.measure(Step.COMPRESS):
            data = b""
            if piece.entry.size:
                with piece.path.open("rb") as file:
                    file.seek(piece.offset)
                    data = file.read(CHUNK)
            packed = data if piece.entry.method == STORED else deflate(data, last=piece.is_last)
            return piece, data, crc32(data), packed

    def _check(self, written: _Written) -> None:
        """Read a piece back; raise ArchiveUnusable unless it unpacks to the very bytes that went in. Hash these."""
        piece, entry, data = written.piece, written.piece.entry, written.data
        with self._stages.measure(Step.VERIFY):
            with self._part.open("rb") as file:
                file.seek(written.at)
                found = file.read(written.length)
            unpacked = found if entry.method == STORED else inflate(found, len(data), last=piece.is_last)
            if unpacked != data:
                raise ArchiveUnusable(
                    _("This backup is damaged: %(name)s is not as it was written.", name=entry.name), member=entry.name
                )
        with self._stages.measure(Step.HASH):
            self._digest.update(data)
            if piece.is_last:
                self._members.append(Member(entry.name, entry.size, self._digest.hexdigest()))
                self._digest = hashlib.sha256()


def _pieces(path: Path, entry: Entry) -> Iterator[_Piece]:
    for offset in range(0, max(entry.size, 1), CHUNK):
        yield _Piece(path, entry, offset)


def _write(writer: ZipWriter, piece: _Piece, packed: bytes, crc: int) -> int:
    """Write one piece, with what stands before and after a member's pieces; return where it begins in the file.

    `crc` is the checksum of the member up to the end of this piece.
    """
    if piece.is_whole:
        # Known before it is written, so nothing needs to be written twice.
        piece.entry.crc, piece.entry.packed = crc, len(packed)
    if piece.offset == 0:
        writer.begin(piece.entry)
    at = writer.position
    writer.write(packed)
    if piece.is_last:
        writer.end(crc)
    return at
