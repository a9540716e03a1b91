"""Whatever a ZIP holds, it is refused with a sentence or comes out right, and nothing is written beside the sandbox."""

import os
import pickle
import shutil
import tempfile
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backup_core import BackupEngine, archive
from backup_core.errors import ArchiveUnusable, BackupError, RepositoryFull
from backup_core.listing import look
from tests.audit import listening
from tests.clinic import Clinic

from .life import MEMORY
from .zips import FILES, Entry, entries, good_archive, patched, patches, scratches, zip_of

#: Seconds within which a small ZIP is read or refused, whatever it says of itself.
PROMPT = 5.0
#: The most that a member can say in the old form.
HUGE = 0xFFFFFFF0

fuzz = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return good_archive(tmp_path_factory.mktemp("good"))


def unpacked(data: bytes) -> dict[str, bytes] | None:
    """Return what comes out of a ZIP, or None where it is refused; see that nothing else is written and it is quick."""
    folder = Path(tempfile.mkdtemp(dir=MEMORY))
    path, out = folder / "deep" / "a.zip", folder / "deep" / "out"
    path.parent.mkdir()
    path.write_bytes(data)
    began = time.monotonic()
    try:
        with _watching_writes(out):
            look(path)
            archive.intact_sources(path)
            try:
                archive.verify(path)
            except ArchiveUnusable as refusal:
                assert str(refusal)
                assert refusal.hint
                return None
            try:
                archive.extract(path, out)
            except BackupError:
                # A name that is too long for this disk, or a file that would have to be a folder too.
                return None
        return {file.relative_to(out).as_posix(): file.read_bytes() for file in out.rglob("*") if file.is_file()}
    finally:
        assert time.monotonic() - began < PROMPT
        assert {file for file in folder.rglob("*") if not file.is_relative_to(out)} == {path.parent, path}
        assert not any(file.is_symlink() for file in out.rglob("*"))
        shutil.rmtree(folder)


def _watching_writes(sandbox: Path) -> Any:
    """Fail at any opening for writing, making of a folder, renaming or linking outside of the sandbox."""

    def see(event: str, values: tuple[Any, ...]) -> None:
        writes = event == "open" and isinstance(values[2], int) and values[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if writes or event in ("os.mkdir", "os.rename", "os.link", "os.symlink"):
            assert Path(os.fsdecode(values[0])).is_relative_to(sandbox), (event, values)

    return listening(see)


@given(st.lists(scratches, min_size=1, max_size=4))
@fuzz
def test_an_archive_with_any_bytes_changed_is_refused_or_comes_out_right(
    whole: bytes, changes: list[tuple[float, int, bytes]]
) -> None:
    data = whole
    for place, gone, instead in changes:
        at = int(place * len(data))
        data = data[:at] + instead + data[at + gone :]
    assert unpacked(data) in (None, FILES)


@given(st.lists(patches, min_size=1, max_size=4))
@fuzz
def test_an_archive_with_any_fields_of_its_headers_changed_is_refused_or_comes_out_right(
    whole: bytes, changes: list[tuple[tuple[bytes, int], int, bytes]]
) -> None:
    data = whole
    for (header, field), number, value in changes:
        data = patched(data, header, number, field, value)
    assert unpacked(data) in (None, FILES)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@given(entries, st.booleans(), st.lists(patches, max_size=2))
@fuzz
def test_a_zip_of_any_names_kinds_and_flags_is_refused_or_comes_out_as_it_says(
    made: list[Entry], legacy: bool, changes: list[tuple[tuple[bytes, int], int, bytes]]
) -> None:
    try:
        data = zip_of(made, legacy=legacy)
    except (ValueError, UnicodeEncodeError, zipfile.LargeZipFile):
        return
    for (header, field), number, value in changes:
        data = patched(data, header, number, field, value)
    found = unpacked(data)
    if found is not None and not changes and not legacy:
        assert found == {entry.name: entry.data for entry in made if not entry.name.endswith("/")}


@given(st.binary(max_size=400))
@fuzz
def test_any_bytes_at_all_are_refused(data: bytes) -> None:
    assert unpacked(data) is None


def test_sixty_five_thousand_files_are_no_trouble(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(
        zip_of([Entry(f"prescriptions/{number}.pdf", b"", zipfile.ZIP_STORED) for number in range(65_536)])
    )
    manifest = archive.verify(path)
    assert manifest.members is not None
    assert len(manifest.members) == 65_536


def test_a_bomb_that_says_how_large_it_is_finds_no_room_and_nothing_is_written(clinic: Clinic, tmp_path: Path) -> None:
    number = shutil.disk_usage(tmp_path).free // HUGE + 2
    path = tmp_path / "a.zip"
    files = [Entry("clinic.db", b"x"), *(Entry(f"prescriptions/{index}", b"x", says=HUGE) for index in range(number))]
    path.write_bytes(zip_of(files))
    engine = BackupEngine(clinic.data_dir)
    before = clinic.files()

    bomb = engine.find(path)
    assert bomb.is_good
    for use in (engine.prove, engine.restore):
        with pytest.raises(RepositoryFull):
            use(bomb)
    assert clinic.files() == before
    assert engine.archives() == []


@pytest.mark.parametrize("declared", [100, 60_000_000], ids=["undeclared", "declared"])
def test_a_bomb_is_never_held_in_memory(declared: int, tmp_path: Path) -> None:
    length = 60_000_000
    data = zip_of([Entry("clinic.db", bytes(length), says=declared)], legacy=True)
    path = tmp_path / "a.zip"
    path.write_bytes(data)
    tracemalloc.start()
    try:
        if declared == length:
            archive.extract(path, tmp_path / "out")
        else:
            with pytest.raises(ArchiveUnusable):
                archive.extract(path, tmp_path / "out")
        assert tracemalloc.get_traced_memory()[1] < 16_000_000
    finally:
        tracemalloc.stop()
    assert (tmp_path / "out" / "clinic.db").stat().st_size <= declared


class Payload:
    """What runs a command when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return os.mkdir, (str(self._mark),)


def test_a_pickle_that_runs_code_is_never_unpickled(engine: BackupEngine, clinic: Clinic, tmp_path: Path) -> None:
    """What Chroma itself does with this file: 1.5 reads it by a Rust parser that knows no code, and refuses this one.

    The proof's child asks Chroma; older versions of it would run the code there, as the EMR would when it opens it.
    """
    mark = tmp_path / "it has run"
    trap = pickle.dumps(Payload(mark))
    for index in clinic.chroma.glob("*/index_metadata.pickle"):
        index.write_bytes(trap)
    unpickled: list[str] = []
    with listening(lambda event, values: unpickled.append(event) if event == "pickle.find_class" else None):
        made = engine.create()
        engine.verify(made)
        proof = engine.prove(made)
        engine.compare(made)
        engine.restore(made)
    assert list(clinic.chroma.glob("*/index_metadata.pickle"))[0].read_bytes() == trap
    assert not unpickled
    assert not mark.exists()
    assert not proof.ok
