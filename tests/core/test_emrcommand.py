"""What the command that starts DocAssist would start, found without starting it."""

import sys
from pathlib import Path

import pytest

from backup_core.emrcommand import find_program


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a DocAssist that would leave a trace if it were started."""
    folder = tmp_path / "Doc Assist"
    folder.mkdir()
    program = folder / "docassist"
    program.write_text(f"#!/bin/sh\ntouch '{tmp_path}/started'\n")
    program.chmod(0o755)
    (folder / "main.py").write_text("")
    return folder


def test_a_whole_path_is_found_and_not_started(folder: Path, tmp_path: Path) -> None:
    found = find_program(f'"{folder}/docassist" --quiet', "")
    assert (found.path, found.problem) == (str(folder / "docassist"), "")
    assert not (tmp_path / "started").exists()


def test_a_path_is_taken_from_the_folder_of_docassist(folder: Path) -> None:
    assert find_program("./docassist", str(folder)).path == str(folder / "docassist")


def test_a_bare_name_is_looked_for_where_the_system_would(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    assert find_program("docassist", "").path == str(folder / "docassist")


def test_an_interpreter_needs_its_script_too(folder: Path) -> None:
    assert find_program(f"{sys.executable} -u main.py", str(folder)).problem == ""
    assert find_program(f"{sys.executable} gone.py", str(folder)).problem == (
        f"There is no file gone.py in the folder {folder}."
    )


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("", "There is no command to look for."),
        ('"unmatched', "There is no command to look for."),
        ("no-such-program-at-all", "There is no program no-such-program-at-all that could be started."),
        ("./main.py", "There is no program ./main.py that could be started."),
    ],
)
def test_what_cannot_be_started_is_told(folder: Path, command: str, sentence: str) -> None:
    assert find_program(command, str(folder)).problem == sentence


def test_a_folder_that_is_not_there_is_told(folder: Path) -> None:
    assert find_program("python3", str(folder / "gone")).problem == f"The folder {folder / 'gone'} is not there."
