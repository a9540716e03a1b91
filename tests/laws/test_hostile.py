"""Whatever a ZIP holds, it is refused with a sentence or comes out right, and nothing is written beside the sandbox."""

import json
import os
import pickle
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from backup_core import BackupEngine
from backup_core.errors import RepositoryFull
from tests.audit import listening
from tests.clinic import Clinic

from .hostile import FUZZERS, fuzz
from .zips import Entry, zip_of

#: The most that a member can say in the old form.
HUGE = 0xFFFFFFF0
#: Bytes of real memory by which a process may grow that reads a small ZIP, and one of 65,536 names.
GROWTH, GROWTH_BY_NAMES = 20 << 20, 150 << 20

counted = pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell the most memory that was used")


@pytest.mark.parametrize("fuzzer", FUZZERS)
def test_a_zip_of_which_anything_is_changed_is_refused_or_comes_out_as_it_was_packed(fuzzer: str) -> None:
    fuzz(fuzzer, 250)


def read_apart(path: Path, *out: Path) -> tuple[bool, int]:
    """Let a process of its own read a ZIP; return whether it was refused, and the bytes by which the process grew."""
    command = [sys.executable, "-m", "tests.laws.eater", str(path), *map(str, out)]
    told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return told["refused"], told["grown"]


@counted
def test_sixty_five_thousand_files_are_no_trouble(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(
        zip_of([Entry(f"prescriptions/{number}.pdf", b"", zipfile.ZIP_STORED) for number in range(65_536)])
    )
    refused, grown = read_apart(path)
    assert not refused
    assert grown < GROWTH_BY_NAMES


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


@counted
@pytest.mark.parametrize("legacy", [False, True], ids=["ours", "docassist"])
@pytest.mark.parametrize("declared", [100, 150 << 20], ids=["undeclared", "declared"])
def test_a_bomb_is_never_held_in_memory(declared: int, legacy: bool, tmp_path: Path) -> None:
    path, out = tmp_path / "a.zip", tmp_path / "out"
    path.write_bytes(zip_of([Entry("clinic.db", bytes(150 << 20), says=declared)], legacy=legacy))
    refused, grown = read_apart(path, out)
    assert refused is (declared == 100)
    assert (out / "clinic.db").stat().st_size <= declared
    assert read_apart(path)[0] is refused
    assert grown < GROWTH


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
