"""Reading a ZIP that may be damaged or hostile: every way in which its bytes can be wrong is an ArchiveUnusable."""

import errno
import os
import stat
import struct
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from .codec import DamagedStream
from .errors import ArchiveUnusable, BackupError, RepositoryUnusable
from .files import translating_zip
from .manifest import MANIFEST_NAME, Manifest, Member, is_safe_name
from .text import _
from .zipreader import Bytes, Frugal, SealedBytes, member_chunks, overlapping, sealed_digits

#: Bytes; the manifest of 100,000 files has 14 MB.
_LARGEST_MANIFEST = 32 << 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
#: Encrypted in one way or another, or only the difference to another file.
_ENCRYPTED, _UNREADABLE = 0x1, 0x60
#: What the system says of a place that the file cannot have, of a disk that cannot read it, and of a folder.
_OF_THE_FILE = (None, errno.EINVAL, errno.EOVERFLOW, errno.EFBIG, errno.EIO, errno.EISDIR)
#: Whether this system takes two names for one file that differ in large and small letters only.
_IGNORES_CASE = os.name == "nt" or sys.platform == "darwin"


class Reader:
    """An open archive whose list of contents has been found sane and equal to its manifest."""

    def __init__(self, path: Path) -> None:
        self._stack = ExitStack()
        try:
            with _reading():
                self._file = self._stack.enter_context(path.open("rb"))
                self._zip = self._stack.enter_context(zipfile.ZipFile(Frugal(self._file)))
            self._infos = self._check_infos()
            self.manifest = self._read_manifest()
            self._members = self._check_members()
            self._seal = self._read_seal()
        except BackupError:
            self._stack.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    @property
    def names(self) -> list[str]:
        """The names of all members but the manifest."""
        return [name for name in self._infos if name != MANIFEST_NAME]

    def size(self, name: str) -> int:
        """Return the size in bytes that the member has when it is unpacked."""
        return self._infos[name].file_size

    def sha256(self, name: str) -> str | None:
        """Return what the manifest says of the member's bytes; None in an archive of the EMR's older code."""
        return self._members[name].sha256 if name in self._members else None

    def chunks(self, names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Yield the bytes of members, each with its name, an empty piece first and never more than the declared size.

        Raise ArchiveUnusable where one is damaged; where all are read, also where anything else in the file is.
        """
        whole = list(names) == self.names and self._seal
        source = SealedBytes(self._file) if whole else Bytes(self._file)
        for name in names:
            yield name, b""
            with _reading(name):
                for chunk in member_chunks(source, self._infos[name]):
                    yield name, chunk
        if isinstance(source, SealedBytes):
            self._compare(source)

    def check_seal(self) -> None:
        """Raise ArchiveUnusable unless the archive has a seal, and all of its bytes are as when it was sealed."""
        if not self._seal:
            raise _damaged(_("it has no seal"))
        with _reading():
            source = SealedBytes(self._file)
        self._compare(source)

    def _compare(self, source: SealedBytes) -> None:
        with _reading():
            if source.digits_of_all() != self._seal:
                raise _damaged(_("its seal does not fit"))

    def _check_infos(self) -> dict[str, zipfile.ZipInfo]:
        infos: dict[str, zipfile.ZipInfo] = {}
        seen: set[str] = set()
        for info in self._zip.infolist():
            name = info.filename
            if info.orig_filename != name or not is_safe_name(name) or stat.S_ISLNK(info.external_attr >> 16):
                raise _refused(_("it holds a name that must not be in a backup: %(name)s", name=repr(name[:80])))
            if info.flag_bits & _UNREADABLE:
                raise _refused(_("%(name)s is stored in a way that backups are not", name=name))
            if info.flag_bits & _ENCRYPTED:
                raise ArchiveUnusable(
                    _("This backup is locked with a password."), hint=_("Open it with DocAssist itself.")
                )
            if info.compress_type not in _METHODS:
                raise _refused(_("%(name)s is compressed in a way that backups are not", name=name))
            alike = (name.casefold() if _IGNORES_CASE else name).rstrip("/")
            if alike in seen:
                raise _refused(_("it holds %(name)s twice", name=name))
            seen.add(alike)
            infos[name] = info
        if overlapping(list(infos.values())):
            raise _refused(_("its members overlap"))
        return infos

    def _read_manifest(self) -> Manifest:
        info = self._infos.get(MANIFEST_NAME)
        if info is None:
            raise _refused(_("it has no list of contents"))
        if info.file_size > _LARGEST_MANIFEST:
            raise _refused(_("its list of contents is too long"))
        return Manifest.from_json(b"".join(chunk for _, chunk in self.chunks([MANIFEST_NAME])))

    def _read_seal(self) -> bytes:
        """Return the digits that the whole file should come to; nothing where a version made it that did not seal."""
        if not self.manifest.seal:
            return b""
        with _reading():
            digits = sealed_digits(self._file)
        if not digits:
            raise _damaged(_("its seal is missing"))
        return digits

    def _check_members(self) -> dict[str, Member]:
        """Compare names and sizes both ways; a ZIP's own checksums do not notice a dropped or renamed file."""
        listed = self.manifest.members
        if listed is None:
            # The EMR's older code also wrote an entry for each folder.
            self._infos = {name: info for name, info in self._infos.items() if not name.endswith("/")}
            return {}
        members = {member.name: member for member in listed}
        missing = [name for name in members if name not in self._infos]
        surplus = [name for name in self.names if name not in members]
        resized = [name for name, member in members.items() if name in self._infos and self.size(name) != member.size]
        if missing or surplus or resized or len(members) != len(listed):
            first = [*missing, *surplus, *resized, "a name"][0]
            raise _damaged(_("its contents are not as listed, beginning with %(first)s", first=first[:80]))
        return members


@contextmanager
def _reading(name: str = "") -> Iterator[None]:
    """Raise what the bytes of a damaged file lead to as ArchiveUnusable, and what passes as RepositoryUnusable."""
    sentence = (
        _("This backup is damaged: %(name)s cannot be read", name=name)
        if name
        else _("This file is no backup that can be read")
    )
    with translating_zip(sentence):
        try:
            yield
        except (OSError, MemoryError) as error:
            if isinstance(error, OSError) and error.errno in _OF_THE_FILE:
                raise ValueError(str(error)) from error
            # A program that has it open, a drive that is gone, too little memory: the file may be as good as ever.
            detail = getattr(error, "strerror", None) or error
            raise RepositoryUnusable(
                _("This backup cannot be read just now (%(detail)s).", detail=detail),
                hint=_("Is its drive connected, and does no other program hold the file? Then try again."),
            ) from error
        except (struct.error, OverflowError, DamagedStream) as error:
            raise ValueError(str(error)) from error


def _damaged(what: str) -> ArchiveUnusable:
    return ArchiveUnusable(_("This backup is damaged: %(what)s.", what=what), hint=_("Choose another backup."))


def _refused(why: str) -> ArchiveUnusable:
    return ArchiveUnusable(
        _("This file is not accepted as a backup: %(why)s.", why=why), hint=_("Choose another backup.")
    )
