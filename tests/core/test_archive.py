"""An archive: what goes in comes out, and what is damaged or hostile is refused before it touches anything."""

import errno
import hashlib
import io
import json
import os
import stat
import sys
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from backup_core import archive, packer, unpack
from backup_core.codec import deflate
from backup_core.errors import ArchiveUnusable, BackupError, RepositoryUnusable
from backup_core.files import CHUNK
from backup_core.manifest import MANIFEST_NAME, Manifest, Member
from backup_core.progress import Progress, Stage
from tests.clinic import Clinic

WHEN = datetime(2026, 1, 31, 18, 0)  # noqa: DTZ001 - a manifest tells local time
EMPTY = hashlib.sha256().hexdigest()


def pack(folder: Path, path: Path) -> Manifest:
    return archive.pack(folder, path, lambda members: Manifest(WHEN, members=members))


def member(name: str, data: bytes) -> Member:
    return Member(name, len(data), hashlib.sha256(data).hexdigest())


def zip_of(path: Path, entries: list[tuple[str | zipfile.ZipInfo, bytes]], *members: Member, **more: object) -> Path:
    """Write a ZIP with these entries and a manifest that lists `members`."""
    document = json.loads(Manifest(WHEN, members=members).to_json()) | more
    with zipfile.ZipFile(path, "w") as file:
        for name, data in entries:
            file.writestr(name, data)
        file.writestr(MANIFEST_NAME, json.dumps(document))
    return path


def refusal(path: Path) -> str:
    """Return the sentence with which both a look and a full reading refuse an archive."""
    with pytest.raises(ArchiveUnusable) as raised:
        archive.read_manifest(path)
    with pytest.raises(ArchiveUnusable):
        archive.verify(path)
    assert raised.value.hint
    return str(raised.value)


def test_what_goes_in_comes_out(clinic: Clinic, tmp_path: Path) -> None:
    (clinic.prescriptions / "nothing.pdf").touch()
    (clinic.prescriptions / "large.bin").write_bytes(os.urandom(3_000_000))

    made = pack(clinic.data_dir, tmp_path / "a.zip")
    out = tmp_path / "out"
    assert archive.extract(tmp_path / "a.zip", out) == made == archive.verify(tmp_path / "a.zip")

    assert Clinic(out).files() == clinic.files()
    assert (out / "prescriptions" / "empty year").is_dir()
    assert archive.unpacked_size(tmp_path / "a.zip") == sum(map(len, clinic.files().values()))


def test_a_list_of_contents_longer_than_what_is_written_at_a_time_is_kept_whole(tmp_path: Path) -> None:
    letters = tmp_path / "in" / "prescriptions"
    letters.mkdir(parents=True)
    for number in range(9_000):
        (letters / f"a letter of which the name is rather long, number {number}.txt").write_text(str(number))

    made = archive.pack(tmp_path / "in", tmp_path / "a.zip", lambda members: Manifest(WHEN, members=members))

    assert len(made.to_json()) > CHUNK
    assert archive.verify(tmp_path / "a.zip") == made == archive.read_manifest(tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as opened:
        assert opened.testzip() is None


def test_a_piece_that_is_not_read_back_as_it_was_written_ends_the_packing(
    clinic: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoiled(piece: bytes, *, last: bool) -> bytes:
        packed = bytearray(deflate(piece, last=last))
        packed[len(packed) // 2] ^= 1
        return bytes(packed)

    monkeypatch.setattr(packer, "deflate", spoiled)
    with pytest.raises(ArchiveUnusable, match="is not as it was written"):
        pack(clinic.data_dir, tmp_path / "a.zip")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
def test_archives_and_what_comes_out_of_them_can_be_read_by_this_user_only(clinic: Clinic, tmp_path: Path) -> None:
    pack(clinic.data_dir, tmp_path / "a.zip")
    archive.extract(tmp_path / "a.zip", tmp_path / "out")

    assert stat.S_IMODE((tmp_path / "a.zip").stat().st_mode) == 0o600
    for path in (tmp_path / "out").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


@pytest.mark.parametrize("year", [1971, 1979, 2040, 2107, 2200])
def test_a_file_of_any_date_is_packed(tmp_path: Path, year: int) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "scan.pdf").write_bytes(b"%PDF")
    when = (year - 1970) * 31557600 + 86400
    os.utime(tmp_path / "in" / "scan.pdf", (when, when))

    pack(tmp_path / "in", tmp_path / "a.zip")

    archive.extract(tmp_path / "a.zip", tmp_path / "out")
    assert (tmp_path / "out" / "scan.pdf").read_bytes() == b"%PDF"


def test_progress_is_told_in_bytes_up_to_the_whole(clinic: Clinic, tmp_path: Path) -> None:
    reports: list[Progress] = []
    archive.pack(clinic.data_dir, tmp_path / "a.zip", lambda members: Manifest(WHEN, members=members), reports.append)
    archive.verify(tmp_path / "a.zip", reports.append)
    archive.extract(tmp_path / "a.zip", tmp_path / "out", reports.append)

    for stage in (Stage.PACK, Stage.VERIFY, Stage.EXTRACT):
        done = [report.done for report in reports if report.stage is stage]
        assert done == sorted(done)
        assert done[-1] == reports[-1].total


@pytest.mark.parametrize(
    "name",
    [
        "../clinic.db",
        "chroma/../../clinic.db",
        "/etc/passwd",
        "c:/windows/clinic.db",
        "C:clinic.db",
        "chroma\\..\\clinic.db",
        "//server/share/clinic.db",
        "chroma//clinic.db",
        "./clinic.db",
        "a\nb",
        "..",
    ],
)
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    path = zip_of(tmp_path / "a.zip", [(name, b"x")], member(name, b"x"))

    assert "name that must not be in a backup" in refusal(path)

    with pytest.raises(ArchiveUnusable):
        archive.extract(path, tmp_path / "deep" / "out")
    assert sorted(entry.name for entry in tmp_path.rglob("*")) == ["a.zip"]


def test_a_link_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("chroma")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16

    assert "name that must not be in a backup" in refusal(
        zip_of(tmp_path / "a.zip", [(link, b"/etc")], member("chroma", b"/etc"))
    )


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("second", ["clinic.db", "CLINIC.DB", "clinic.db/"])
def test_two_members_that_would_be_one_file_are_refused(
    tmp_path: Path, second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpack, "_IGNORES_CASE", second == "CLINIC.DB")
    entries: list[tuple[str | zipfile.ZipInfo, bytes]] = [("clinic.db", b"one"), (second, b"")]

    assert "twice" in refusal(zip_of(tmp_path / "a.zip", entries, member("clinic.db", b"one"), member(second, b"")))


@pytest.mark.skipif(sys.platform != "linux", reason="two such names are one file elsewhere")
def test_two_names_that_differ_only_in_large_and_small_letters_are_two_files(clinic: Clinic, tmp_path: Path) -> None:
    for name in ("scan.pdf", "Scan.PDF"):
        (clinic.prescriptions / name).write_text(name)

    pack(clinic.data_dir, tmp_path / "a.zip")
    archive.extract(tmp_path / "a.zip", tmp_path / "out")

    assert Clinic(tmp_path / "out").files() == clinic.files()


def test_nothing_is_unpacked_over_a_file_that_is_there(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", [("clinic.db", b"x")], member("clinic.db", b"x"))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "clinic.db").write_text("precious")

    with pytest.raises(BackupError):
        archive.extract(path, tmp_path / "out")

    assert (tmp_path / "out" / "clinic.db").read_text() == "precious"


def test_a_member_below_another_that_is_a_file_is_refused(tmp_path: Path) -> None:
    path = zip_of(
        tmp_path / "a.zip", [("chroma", b"x"), ("chroma/y", b"y")], member("chroma", b"x"), member("chroma/y", b"y")
    )

    with pytest.raises(BackupError):
        archive.extract(path, tmp_path / "out")


def test_an_encrypted_archive_is_refused_by_saying_so(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", [("clinic.db", b"x" * 50)], member("clinic.db", b"x" * 50))
    data = bytearray(path.read_bytes())
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(header) + flags] |= 1
    path.write_bytes(data)

    assert "locked with a password" in refusal(path)


def test_a_compression_that_backups_do_not_have_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("clinic.db")
    info.compress_type = zipfile.ZIP_BZIP2

    assert "compressed in a way" in refusal(zip_of(tmp_path / "a.zip", [(info, b"x")], member("clinic.db", b"x")))


@pytest.mark.parametrize(
    ("listed", "there"),
    [
        ([("clinic.db", b"x")], [("clinic.db", b"x"), ("more", b"")]),
        ([("clinic.db", b"x"), ("more", b"")], [("clinic.db", b"x")]),
        ([("clinic.db", b"xy")], [("clinic.db", b"x")]),
        ([("clinic.db", b"x"), ("clinic.db", b"x")], [("clinic.db", b"x")]),
    ],
    ids=["undeclared", "missing", "of another size", "listed twice"],
)
def test_contents_that_are_not_as_listed_are_refused(
    tmp_path: Path, listed: list[tuple[str, bytes]], there: list[tuple[str | zipfile.ZipInfo, bytes]]
) -> None:
    assert "not as listed" in refusal(zip_of(tmp_path / "a.zip", there, *(member(*one) for one in listed)))


def test_bytes_that_are_not_as_listed_are_found_by_a_full_reading(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", [("clinic.db", b"x")], member("clinic.db", b"y"))
    archive.read_manifest(path)

    with pytest.raises(ArchiveUnusable, match="not as it was written") as raised:
        archive.verify(path)
    assert raised.value.facts == {"member": "clinic.db"}
    with pytest.raises(ArchiveUnusable):
        archive.extract(path, tmp_path / "out")


@pytest.mark.parametrize(
    "more",
    [
        {"format": 2},
        {"created_at": "yesterday"},
        {"created_at": None},
        {"members": [{"name": "clinic.db"}]},
        {"members": "all"},
        {"patient_count": "many"},
        {"patient_count": 1e999},
        {"sources": ["clinic.db"]},
        {"counts": {"patients": {}}},
        {"created_at_utc": "0001-01-01T00:00:00+23:00"},
    ],
    ids=str,
)
def test_a_manifest_that_says_what_cannot_be_is_refused(tmp_path: Path, more: dict[str, Any]) -> None:
    refusal(zip_of(tmp_path / "a.zip", [], **more))


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"null", b"\xff\xfe", b"[" * 100_000], ids=len)
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, text: bytes) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr(MANIFEST_NAME, text)

    assert "cannot be read" in refusal(tmp_path / "a.zip")


def test_a_zip_without_a_manifest_and_files_that_are_no_zip_are_refused(tmp_path: Path) -> None:
    foreign = tmp_path / "photos.zip"
    with zipfile.ZipFile(foreign, "w") as file:
        file.writestr("holiday.jpg", b"")
    assert "no list of contents" in refusal(foreign)

    for content in (b"", b"hello", b"PK\x05\x06" + bytes(18), b"SQLite format 3\0" + bytes(4096)):
        foreign.write_bytes(content)
        refusal(foreign)
    assert "no backup that can be read" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (PermissionError(errno.EACCES, "held by another program"), RepositoryUnusable),
        (OSError(errno.EMFILE, "too many open files"), RepositoryUnusable),
        (MemoryError(), RepositoryUnusable),
        (OSError(errno.EIO, "input/output error"), ArchiveUnusable),
    ],
    ids=["held", "too many", "no memory", "broken disk"],
)
def test_what_passes_is_not_taken_for_damage(
    clinic: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[BackupError]
) -> None:
    path = tmp_path / "a.zip"
    pack(clinic.data_dir, path)

    def fail(_source: object, _info: object) -> Iterator[bytes]:
        raise error
        yield b""

    with monkeypatch.context() as patched:
        patched.setattr(unpack, "member_chunks", fail)
        with pytest.raises(kind) as raised:
            archive.verify(path)
    assert raised.value.hint
    assert archive.verify(path)


def test_a_manifest_that_unpacks_to_gigabytes_is_not_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(MANIFEST_NAME, bytes(33 << 20))

    assert "too long" in refusal(tmp_path / "a.zip")


def test_a_member_that_is_longer_than_declared_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("clinic.db", bytes(10_000))
        file.writestr(MANIFEST_NAME, Manifest(WHEN, members=(member("clinic.db", bytes(100)),)).to_json())
    data = buffer.getvalue()
    for header, size in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(header) + size
        data = data[:at] + (100).to_bytes(4, "little") + data[at + 4 :]
    (tmp_path / "a.zip").write_bytes(data)
    archive.read_manifest(tmp_path / "a.zip")

    with pytest.raises(ArchiveUnusable):
        archive.extract(tmp_path / "a.zip", tmp_path / "out")
    assert sum(path.stat().st_size for path in (tmp_path / "out").rglob("*")) <= 100


def test_a_name_that_is_too_long_for_the_disk_makes_the_archive_unusable_here(tmp_path: Path) -> None:
    name, data = f"prescriptions/{'x' * 300}.pdf", b"%PDF"
    path = zip_of(tmp_path / "a.zip", [(name, data)], member(name, data))
    archive.verify(path)
    with pytest.raises(ArchiveUnusable, match="too long for this disk"):
        archive.extract(path, tmp_path / "out")
