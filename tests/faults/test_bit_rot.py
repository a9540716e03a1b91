"""A short form of `python -m tests.faults.bit_rot`: what is damaged is refused by a restore too, the data untouched."""

from pathlib import Path

from .bit_rot import SMALL, Rot

#: Bits and lengths, spread over the archive.
FLIPS, CUTS = 30, 15


def test_a_damaged_archive_with_a_vector_store_is_refused_by_reading_unpacking_and_restoring(tmp_path: Path) -> None:
    rot = Rot(tmp_path, SMALL)
    # A step that goes through all eight bits of a byte in turn.
    rot.flip(range(0, rot.length * 8, (rot.length * 8 // FLIPS) | 1))
    rot.cut(range(0, rot.length, rot.length // CUTS))
    rot.check_whole()
    assert rot.result.refused >= FLIPS + CUTS
    assert not rot.result.wrong, "\n".join(rot.result.wrong)
