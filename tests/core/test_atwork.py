"""What another process does is told while it does it, and no longer."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from backup_core.atwork import AtWork, announced, look
from backup_core.files import PRIVATE
from backup_core.progress import Progress, Stage

_OTHER = """
import sys
from pathlib import Path
from backup_core.atwork import announced
from backup_core.progress import Progress, Stage
with announced(Path(sys.argv[1]), "create", "cli") as report:
    report(Progress(Stage.PACK, 3, 10))
    print("told", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "Praxis Müller"
    folder.mkdir()
    return folder


def started(data_dir: Path) -> subprocess.Popen[bytes]:
    """Return another process that is at work."""
    command = [sys.executable, "-c", _OTHER, str(data_dir)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"told\n"
    return process


def test_the_work_of_another_process_is_seen_while_it_lasts(data_dir: Path) -> None:
    assert look(data_dir) is None
    with started(data_dir) as other:
        assert look(data_dir) == AtWork("create", "cli", Stage.PACK, 3, 10)
        other.communicate(b"\n")

    assert look(data_dir) is None


def test_a_process_that_died_is_not_at_work(data_dir: Path) -> None:
    with started(data_dir) as other:
        other.kill()
        other.wait()

    assert (data_dir / PRIVATE / "at-work.json").exists()
    assert look(data_dir) is None


def test_ones_own_work_is_not_that_of_another(data_dir: Path) -> None:
    with announced(data_dir, "create", "api") as report:
        report(Progress(Stage.SNAPSHOT))
        assert look(data_dir) is None


@pytest.mark.parametrize("note", [b"", b"{}", b"[]", json.dumps({"pid": "x", "born": 1}).encode(), b"\xff"])
def test_a_spoilt_note_tells_nothing(data_dir: Path, note: bytes) -> None:
    (data_dir / PRIVATE).mkdir()
    (data_dir / PRIVATE / "at-work.json").write_bytes(note)

    assert look(data_dir) is None


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with announced(tmp_path / "nowhere", "create", "cli") as report:
        report(Progress(Stage.SNAPSHOT))

    assert not (tmp_path / "nowhere").exists()
