"""ZIPs that nobody means well with: made entry by entry, or a good archive of which some bytes were changed."""

import hashlib
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hypothesis import strategies as st

from backup_core import archive
from backup_core.manifest import MANIFEST_NAME, Manifest, Member

WHEN = datetime.fromisoformat("2026-01-31T18:00:00")
FILES = {"clinic.db": b"a row and another row, " * 9, "chroma/data_level0.bin": bytes(range(60)), "Zoë.pdf": b"%PDF"}
#: Where the two headers of a member keep flags, method, checksum, both sizes, lengths of name and extra, attributes.
_FIELDS = {b"PK\x03\x04": (4, 6, 8, 14, 18, 22, 26, 28), b"PK\x01\x02": (6, 8, 10, 16, 20, 24, 28, 30, 32, 38, 42)}
#: Number of entries, size and place of the list of contents, length of the comment.
_END_FIELDS = (8, 10, 12, 16, 20)


@dataclass(frozen=True)
class Entry:
    """One member as somebody writes it, and whether the manifest lists it."""

    name: str
    data: bytes
    method: int = zipfile.ZIP_DEFLATED
    attributes: int = 0
    listed: bool = True
    #: How long it says it is when it is unpacked; -1 for the truth.
    says: int = -1

    @property
    def size(self) -> int:
        return len(self.data) if self.says < 0 else self.says


def good_archive(folder: Path) -> bytes:
    """Return the bytes of an archive of FILES."""
    for name, data in FILES.items():
        (folder / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "in" / name).write_bytes(data)
    archive.pack(folder / "in", folder / "good.zip", lambda members: Manifest(WHEN, members=members))
    return (folder / "good.zip").read_bytes()


def member_of(name: str, data: bytes, *, size: int | None = None) -> Member:
    """Return what a manifest says of a file, of another `size` than it has if that is given."""
    return Member(name, len(data) if size is None else size, hashlib.sha256(data).hexdigest())


def zip_of(entries: Sequence[Entry], *, legacy: bool = False) -> bytes:
    """Return a ZIP of these entries and a manifest, one without `members` where it is to be the EMR's."""
    members = [member_of(entry.name, entry.data, size=entry.size) for entry in entries if entry.listed]
    document = json.loads(Manifest(WHEN, members=tuple(members)).to_json())
    if legacy:
        del document["members"]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", allowZip64=True) as file:
        for entry in entries:
            info = zipfile.ZipInfo(entry.name)
            info.compress_type, info.external_attr = entry.method, entry.attributes
            file.writestr(info, entry.data)
        file.writestr(MANIFEST_NAME, json.dumps(document))
    data = buffer.getvalue()
    for number, entry in enumerate(entries):
        if entry.says >= 0:
            size = entry.says.to_bytes(4, "little")
            data = patched(patched(data, b"PK\x03\x04", number, 22, size), b"PK\x01\x02", number, 24, size)
    return data


def patched(data: bytes, header: bytes, number: int, field: int, value: bytes) -> bytes:
    """Return the ZIP with the bytes at `field` of the n-th such header replaced, if there is one."""
    at = -1
    for _ in range(number + 1):
        at = data.find(header, at + 1)
        if at < 0:
            return data
    at += field
    return data[:at] + value + data[at + len(value) :]


names = st.one_of(
    st.sampled_from(
        ["clinic.db", "CLINIC.DB", "chroma/", "chroma/chroma.sqlite3", "../x", "/x", "a/../../x", "C:x", "\\\\pc\\x"]
        + ["a\\..\\x", "x\x00y", "con", "x.", "x ", "a//b", ".", "..", "\u202egpj.x", "x" * 300, MANIFEST_NAME]
    ),
    st.text(max_size=12),
    st.lists(st.sampled_from(["..", ".", "", "a", "chroma", "nul", "ä", "ä"]), max_size=5).map("/".join),
)
entries = st.lists(
    st.builds(
        Entry,
        name=names,
        data=st.binary(max_size=60),
        method=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]),
        attributes=st.sampled_from([0, 0o120777 << 16, 0o040700 << 16, 0o010600 << 16, 0x10]),
        listed=st.booleans() | st.just(True),
    ),
    max_size=6,
)
#: A change of one field: which header, which of its kind, which field, what is written there.
patches = st.tuples(
    st.sampled_from([(header, field) for header, fields in _FIELDS.items() for field in fields])
    | st.sampled_from([(b"PK\x05\x06", field) for field in _END_FIELDS]),
    st.integers(0, 4),
    st.binary(min_size=1, max_size=4) | st.sampled_from([b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\xff\xff"]),
)
#: A change anywhere: where (a share of the length), how many bytes go, what comes instead.
scratches = st.tuples(st.floats(0, 1), st.integers(0, 30), st.binary(max_size=30))
