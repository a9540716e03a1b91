"""ZIPs whose headers lie: about places, sizes, numbers of members, and the names that members have."""

from dataclasses import replace

import pytest

from backup_core import unpack
from backup_core.manifest import MANIFEST_NAME, Manifest, Member

from .craft import SEE_EXTRA, Piece, assemble, new_end, old_end, zip64_extra
from .sandbox import unpacked
from .zips import WHEN, Entry, member_of, zip_of

DATA = b"a row and another row"
HELD = {"clinic.db": DATA}
TOO_LARGE = 1 << 40
#: As many as no number of the older kind can say, and as no machine has memory for.
FAR = (1 << 63) + 7


def manifest(*members: Member) -> Piece:
    """Return the list of contents, as a member."""
    return Piece(MANIFEST_NAME.encode(), Manifest(WHEN, members=members).to_json())


CLINIC = Piece(b"clinic.db", DATA)
MANIFEST = manifest(member_of("clinic.db", DATA))


def test_a_zip_that_is_written_byte_by_byte_is_read_as_any_other() -> None:
    assert unpacked(assemble([CLINIC, MANIFEST])) == HELD


def test_members_that_share_bytes_are_refused() -> None:
    other = member_of("other.db", DATA)
    inner = assemble([Piece(b"other.db", DATA)])
    outer = Piece(b"clinic.db", inner)
    at = inner.index(b"PK\x03\x04") + 30 + len(outer.name)
    shared = [
        [CLINIC, Piece(b"other.db", DATA, offset=0, written=False), manifest(MEMBER, other)],
        [CLINIC, Piece(b"clinic.db", DATA, offset=0, written=False), MANIFEST],
        # One lies whole and sound inside of another.
        [
            outer,
            Piece(b"other.db", DATA, offset=at, written=False),
            manifest(member_of("clinic.db", inner), other),
        ],
    ]
    for pieces in shared:
        assert unpacked(assemble(pieces)) is None
    assert unpacked(assemble([outer, manifest(member_of("clinic.db", inner))])) == {"clinic.db": inner}


MEMBER = member_of("clinic.db", DATA)
LARGE = Piece(b"clinic.db", DATA, size=SEE_EXTRA, packed=SEE_EXTRA, offset=SEE_EXTRA)


@pytest.mark.parametrize(
    "extra",
    [
        zip64_extra(TOO_LARGE, len(DATA), 0),
        zip64_extra(len(DATA), TOO_LARGE, 0),
        zip64_extra(len(DATA), len(DATA), TOO_LARGE),
        zip64_extra(FAR, FAR, FAR),
        zip64_extra(len(DATA) - 1, len(DATA), 0),
        zip64_extra(len(DATA), len(DATA), 5),
        zip64_extra(len(DATA)),
        zip64_extra(),
        b"",
        zip64_extra(len(DATA), len(DATA), 0, length=8),
        zip64_extra(len(DATA), len(DATA), 0, length=0xFFFF),
    ],
)
def test_a_member_whose_extra_field_for_large_ones_lies_is_refused(extra: bytes) -> None:
    assert unpacked(assemble([replace(LARGE, extra=extra), MANIFEST])) is None


def test_a_member_whose_extra_field_for_large_ones_is_true_is_unpacked() -> None:
    extra = zip64_extra(len(DATA), len(DATA), 0)
    assert unpacked(assemble([replace(LARGE, extra=extra), MANIFEST])) == HELD


@pytest.mark.parametrize(
    "piece", [replace(CLINIC, local_extra=zip64_extra(TOO_LARGE, TOO_LARGE)), replace(CLINIC, extra=b"\x01")]
)
def test_extra_fields_that_nobody_needs_do_no_harm(piece: Piece) -> None:
    assert unpacked(assemble([piece, MANIFEST])) in (None, HELD)


def ends() -> dict[str, bytes]:
    """Return ends of the ZIP of CLINIC and MANIFEST in the form for large ones: the true one, and those that lie."""
    plain = assemble([CLINIC, MANIFEST])
    length, offset = (int.from_bytes(plain[place:][:4], "little") for place in (-10, -6))
    at = offset + length
    return {
        "true": new_end(2, length, offset, at=at),
        "list beyond": new_end(2, length, FAR, at=at),
        "list before": new_end(2, length, 0, at=at),
        "list too long": new_end(2, FAR, offset, at=at),
        "list longer than the file": new_end(2, TOO_LARGE, offset, at=at),
        "list empty": new_end(2, 0, offset, at=at),
        "many disks": new_end(2, length, offset, at=at, disks=9),
        "another disk": new_end(2, length, offset, at=at, disk=7),
        "no record": new_end(2, length, offset, at=at)[56:],
        "half a record": new_end(2, length, offset, at=at)[20:],
        "old, list beyond": old_end(2, length, SEE_EXTRA - 1),
        "old, list too long": old_end(2, SEE_EXTRA - 1, offset),
        "old, nothing": old_end(0, 0, 0),
    }


@pytest.mark.parametrize("lie", sorted(ends().keys() - {"true"}))
def test_an_end_for_large_zips_that_lies_is_refused(lie: str) -> None:
    assert unpacked(assemble([CLINIC, MANIFEST], ends()[lie])) is None


def test_an_end_for_large_zips_that_is_true_is_read() -> None:
    assert unpacked(assemble([CLINIC, MANIFEST], ends()["true"])) == HELD


@pytest.mark.parametrize("at", [0, 77, FAR])
def test_a_locator_that_names_another_place_does_no_harm(at: int) -> None:
    """Python up to 3.13 takes the record that lies before the locator, wherever that says that it is."""
    plain = assemble([CLINIC, MANIFEST])
    length, offset = (int.from_bytes(plain[place:][:4], "little") for place in (-10, -6))
    assert unpacked(assemble([CLINIC, MANIFEST], new_end(2, length, offset, at=at))) in (None, HELD)


@pytest.mark.parametrize(
    "name",
    [
        r"\\server\share\x",
        r"\\?\C:\x",
        r"\\.\pipe\x",
        r"\\?\UNC\server\share\x",
        r"chroma\..\..\x",
        r"chroma\x",
        "//server/share/x",
        r"\x",
        "C:\\x",
        "c:/x",
        "C:x",
        "x\\",
    ],
)
@pytest.mark.parametrize("legacy", [False, True])
def test_a_name_of_another_pc_or_drive_is_refused(name: str, legacy: bool) -> None:
    assert unpacked(zip_of([Entry("clinic.db", DATA), Entry(name, b"x")], legacy=legacy)) is None
    assert unpacked(assemble([Piece(name.encode(), b"x"), manifest(member_of(name, b"x"))])) is None


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("clinic.db", "CLINIC.DB"),
        ("prescriptions/straße.pdf", "prescriptions/STRASSE.pdf"),
        ("Chroma", "chroma"),
        ("chroma/", "CHROMA"),
        ("prescriptions/ÅSA.pdf", "prescriptions/åsa.pdf"),
        (MANIFEST_NAME.upper(), "clinic.db"),
    ],
)
def test_names_that_differ_in_large_and_small_letters_are_one_file_where_the_system_takes_them_so(
    one: str, two: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [Entry(one, b"" if one.endswith("/") else b"one"), Entry(two, b"two")]
    monkeypatch.setattr(unpack, "_IGNORES_CASE", True)
    assert unpacked(zip_of(made)) is None
    monkeypatch.setattr(unpack, "_IGNORES_CASE", False)
    assert unpacked(zip_of(made)) == {entry.name: entry.data for entry in made if not entry.name.endswith("/")}
