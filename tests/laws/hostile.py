"""Four fuzzers of ZIPs that nobody means well with: `python -m tests.laws.hostile` tries 6,000 of each.

A short form runs with all tests.
"""

import argparse
import logging
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.faults import share

from .sandbox import Tally, unpacked
from .zips import FILES, Entry, entries, good_archive, patched, patches, scratches, zip_of

EXAMPLES = 6_000
Patch = tuple[tuple[bytes, int], int, bytes]


@cache
def whole() -> bytes:
    """Return the archive of FILES that the fuzzers change."""
    with tempfile.TemporaryDirectory() as folder:
        return good_archive(Path(folder))


def with_any_bytes_changed(changes: list[tuple[float, int, bytes]]) -> None:
    """Change an archive anywhere: it is refused, or comes out as it was packed."""
    data = whole()
    for place, gone, instead in changes:
        at = int(place * len(data))
        data = data[:at] + instead + data[at + gone :]
    assert unpacked(data) in (None, FILES)


def with_any_fields_changed(changes: list[Patch]) -> None:
    """Change the headers of an archive: it is refused, or comes out as it was packed."""
    assert unpacked(_patched(whole(), changes)) in (None, FILES)


def of_any_names_kinds_and_flags(made: list[Entry], legacy: bool, changes: list[Patch]) -> None:
    """Write any ZIP with a manifest: it is refused, or just what was packed comes out.

    One of the EMR's older code lists nothing, so with changed headers a member may be missing or have another name.
    """
    try:
        data = zip_of(made, legacy=legacy)
    except (ValueError, UnicodeEncodeError, zipfile.LargeZipFile):
        return
    found = unpacked(_patched(data, changes))
    if found is None:
        return
    # Whoever writes a ZIP by `zipfile` has a name cut off at its first zero byte.
    packed = {zipfile.ZipInfo(entry.name).filename: entry.data for entry in made if not entry.name.endswith("/")}
    if legacy and changes:
        assert set(found.values()) <= set(packed.values())
    else:
        assert found == packed


def of_any_bytes(data: bytes) -> None:
    """Take bytes that are no ZIP: they are refused."""
    assert unpacked(data) is None


def _patched(data: bytes, changes: list[Patch]) -> bytes:
    for (header, field), number, value in changes:
        data = patched(data, header, number, field, value)
    return data


FUZZERS: dict[str, tuple[Callable[..., None], tuple[st.SearchStrategy[object], ...]]] = {
    "bytes": (with_any_bytes_changed, (st.lists(scratches, min_size=1, max_size=4),)),
    "fields": (with_any_fields_changed, (st.lists(patches, min_size=1, max_size=4),)),
    "kinds": (of_any_names_kinds_and_flags, (entries, st.booleans(), st.lists(patches, max_size=2))),
    "noise": (of_any_bytes, (st.binary(max_size=400),)),
}


def fuzz(name: str, examples: int) -> None:
    """Let Hypothesis invent so many ZIPs for one of FUZZERS; raise AssertionError with the simplest that goes wrong."""
    law, strategies = FUZZERS[name]

    @settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.tuples(*strategies))
    def tried(values: tuple[object, ...]) -> None:
        law(*values)

    with warnings.catch_warnings():
        # Two members of one name are wanted here.
        warnings.filterwarnings("ignore", "Duplicate name")
        tried()


def main() -> int:
    """Run the long form, or a share of it; what goes wrong ends it with the simplest ZIP that does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=EXAMPLES, help="ZIPs for each of the fuzzers, in all shares")
    share.add_to(parser)
    wanted = parser.parse_args()
    logging.disable()
    for name in FUZZERS:
        before = Tally.tried, Tally.refused
        fuzz(name, -(-wanted.examples // wanted.share[1]))
        tried, refused = Tally.tried - before[0], Tally.refused - before[1]
        sys.stdout.write(f"{tried} ZIPs of {name}, {refused} refused, {tried - refused} came out as packed, 0 wrong\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
