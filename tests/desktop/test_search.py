"""Looking for clinics on a PC, and for the way to start DocAssist there."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.desktop.parts import make_small_clinic
from tray import demo, search
from tray.openemr import is_docassist, open_programs
from tray.programs import programs_beside, programs_in
from tray.search import Search

EMR = "import time\nwhile True:\n    time.sleep(1)\n"


def found_below(root: Path, depth: int = 4) -> list[Path]:
    """Return the folders with clinics that a search of `root` finds, but those of programs that are open elsewhere."""
    one = Search(lambda: [(root, depth)])
    one.run()
    assert not one.findings().searching
    return [found.clinic.folder for found in one.findings().found if found.clinic.folder.is_relative_to(root)]


def clinic_in(folder: Path) -> Path:
    """Make a clinic and return its folder."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    make_small_clinic(folder)
    return folder


def test_clinics_are_found_down_to_the_depth_and_not_below(tmp_path: Path) -> None:
    near = clinic_in(tmp_path / "a" / "b")
    deep = clinic_in(tmp_path / "a" / "c" / "d" / "e")

    assert found_below(tmp_path, 3) == [near]
    assert set(found_below(tmp_path, 4)) == {near, deep}


def test_backups_hidden_folders_links_and_other_programs_data_are_left_out(tmp_path: Path) -> None:
    real = clinic_in(tmp_path / "data")
    for name in ("backups", ".hidden", "node_modules", "Windows"):
        clinic_in(tmp_path / name / "x")
    (tmp_path / "link").symlink_to(real, target_is_directory=True)
    (tmp_path / "horses").mkdir()
    subprocess.run(
        [sys.executable, "-c", "import sqlite3; sqlite3.connect('clinic.db').execute('CREATE TABLE horses (a)')"],
        cwd=tmp_path / "horses",
        check=True,
    )
    sample = clinic_in(tmp_path / "sample")
    (sample / demo.NOTE).parent.mkdir()
    (sample / demo.NOTE).touch()

    assert found_below(tmp_path) == [real]


def test_the_clinic_that_changed_last_comes_first(tmp_path: Path) -> None:
    old, new = clinic_in(tmp_path / "a"), clinic_in(tmp_path / "b")
    os.utime(old / "clinic.db", (1, 1))

    assert found_below(tmp_path) == [new, old]


def test_a_search_ends_in_time_whatever_it_meets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clinic_in(tmp_path / "data")
    monkeypatch.setattr(search, "open_programs", list)
    one = Search(lambda: [(tmp_path, 9)], patience=0.0)

    one.run()

    assert one.findings().found == ()
    assert not one.findings().searching


def test_a_search_that_fails_says_that_it_is_over(tmp_path: Path) -> None:
    def no_roots() -> list[tuple[Path, int]]:
        raise RuntimeError

    one = Search(no_roots)
    with pytest.raises(RuntimeError):
        one.run()
    assert not one.findings().searching


def test_a_network_drive_is_not_looked_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clinic_in(tmp_path / "data")
    monkeypatch.setattr(search, "is_remote", lambda path, mounted: True)

    assert found_below(tmp_path) == []


def test_what_was_found_can_be_asked_for_while_it_goes_on(tmp_path: Path) -> None:
    first, may_go_on = clinic_in(tmp_path / "first"), threading.Event()

    def roots() -> Iterator[tuple[Path, int]]:
        yield tmp_path, 1
        may_go_on.wait(30)

    one = Search(roots)
    one.start()
    while first not in [found.clinic.folder for found in one.findings().found]:
        assert one.findings().searching
    may_go_on.set()


@contextmanager
def running(folder: Path, *words: str, **environment: str) -> Iterator[None]:
    """Run a program in a folder."""
    with subprocess.Popen([sys.executable, *words], cwd=folder, env={**os.environ, **environment}) as process:
        try:
            yield
        finally:
            process.kill()


def open_on(data_dir: Path) -> list[tuple[str, bool]]:
    """Return the programs that are open on a clinic: where each is, and whether it is said to be open."""
    return [(one.program.folder, one.program.is_open) for one in open_programs() if one.data_dir == data_dir]


def test_a_program_that_is_open_on_a_clinic_is_found_with_its_folder(tmp_path: Path) -> None:
    data_dir = clinic_in(tmp_path / "DocAssist" / "data")
    (tmp_path / "DocAssist" / "main.py").write_text(EMR, encoding="utf-8")
    with running(tmp_path / "DocAssist", "main.py"):
        assert open_on(data_dir) == [(str(tmp_path / "DocAssist"), True)]
    assert open_on(data_dir) == []


def test_a_program_is_asked_where_its_data_is_and_strangers_are_left_out(tmp_path: Path) -> None:
    elsewhere, beside = clinic_in(tmp_path / "elsewhere"), clinic_in(tmp_path / "here" / "data")
    for name in ("main.py", "other.py"):
        (tmp_path / "here" / name).write_text(EMR, encoding="utf-8")
    with (
        running(tmp_path / "here", "main.py", DOCASSIST_DATA_DIR="../elsewhere"),
        running(tmp_path / "here", "other.py"),
    ):
        assert [folder for folder, _ in open_on(tmp_path / "here" / ".." / "elsewhere")] == [str(tmp_path / "here")]
        assert open_on(beside) == []
    assert elsewhere.is_dir()


@pytest.mark.parametrize(
    ("words", "is_one"),
    [
        (["C:/DocAssist/DocAssist.exe"], True),
        (["/opt/docassist-emr/DocAssist"], True),
        (["/usr/bin/python3", "main.py"], True),
        (["python", "-u", "/srv/emr/main.py", "--quiet"], True),
        (["/usr/bin/python3", "/x/.venv/bin/docassist-tray", "--no-icon"], False),
        (["/x/docassist-backup", "create"], False),
        (["python", "-m", "backup_core.standin"], False),
        (["bash"], False),
        (["less", "a", "b", "main.py"], False),
        ([], False),
    ],
)
def test_docassist_is_told_from_ourselves_and_from_others(words: list[str], is_one: bool) -> None:
    assert is_docassist(words) is is_one


def test_the_ways_to_start_docassist_lie_beside_its_data(tmp_path: Path) -> None:
    program_dir = tmp_path / "Doc Assist"
    data_dir = clinic_in(program_dir / "data")
    assert programs_beside(data_dir) == []
    (program_dir / "main.py").touch()
    ours = program_dir / "docassist-tray"
    ours.touch(0o755)
    (program_dir / "DocAssist.txt").touch(0o755)
    (script,) = programs_beside(data_dir)
    assert (script.command.partition(" ")[2], script.folder, script.is_open) == ("main.py", str(program_dir), False)

    python = program_dir / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch(0o755)
    (program_dir / "DocAssist").touch(0o755)
    commands = [program.command for program in programs_beside(data_dir)]
    assert commands == [f"'{program_dir}/DocAssist'", f"'{python}' main.py"]


def test_a_folder_that_cannot_be_read_has_no_program(tmp_path: Path) -> None:
    assert programs_in(tmp_path / "nowhere") == []


def test_the_usual_places_hold_the_home_and_the_drives() -> None:
    roots = dict(search.usual_roots())
    assert Path.home() in roots
    assert Path("/") in roots
    assert max(roots.values()) <= 4
