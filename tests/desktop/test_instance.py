"""One launcher for each data folder: real processes claim the same one."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backup_core.errors import SourceMissing
from tray.instance import Instance, LauncherRunning

CLAIMS_AND_WAITS = """
import sys, pathlib
from tray.instance import Instance
instance = Instance(pathlib.Path(sys.argv[1]))
instance.claim()
instance.serves_on(4711)
print("claimed", flush=True)
sys.stdin.readline()
instance.release(cleanly=True)
"""


@contextmanager
def another_launcher(data_dir: Path) -> Iterator["subprocess.Popen[str]"]:
    """Have another process claim the folder; it lets go in order at the end, unless it was killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", CLAIMS_AND_WAITS, str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        assert process.stdout.readline() == "claimed\n"
        yield process
        if process.poll() is None:
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.wait(20) == 0


def test_a_second_launcher_is_told_who_the_first_one_is(tmp_path: Path) -> None:
    with another_launcher(tmp_path) as first, pytest.raises(LauncherRunning, match="already running") as caught:
        Instance(tmp_path).claim()
    assert caught.value.is_ours
    life = Instance(tmp_path).previous()
    assert life is not None
    assert life.pid == first.pid


def test_the_folder_is_free_again_when_the_first_one_has_ended(tmp_path: Path) -> None:
    with another_launcher(tmp_path):
        pass
    instance = Instance(tmp_path)
    life = instance.claim()
    assert life is not None
    assert life.ended_cleanly
    assert life.port == 4711
    instance.release(cleanly=True)


def test_a_launcher_that_was_killed_leaves_the_folder_free_and_its_ending_unclean(tmp_path: Path) -> None:
    with another_launcher(tmp_path) as first:
        first.kill()
        first.wait(20)
    instance = Instance(tmp_path)
    life = instance.claim()
    assert life is not None
    assert not life.ended_cleanly
    instance.release(cleanly=True)


def test_an_ending_without_its_last_backup_is_unclean(tmp_path: Path) -> None:
    instance = Instance(tmp_path)
    instance.claim()
    instance.release(cleanly=False)
    life = Instance(tmp_path).previous()
    assert life is not None
    assert not life.ended_cleanly


def test_the_first_launcher_of_a_folder_has_nobody_before_it(tmp_path: Path) -> None:
    instance = Instance(tmp_path)
    assert instance.claim() is None
    assert instance.is_claimed
    instance.release(cleanly=True)
    assert not instance.is_claimed


def test_a_data_folder_that_is_not_there_is_never_made(tmp_path: Path) -> None:
    instance = Instance(tmp_path / "network drive")
    instance.serves_on(4711)
    with pytest.raises(SourceMissing):
        instance.claim()
    instance.release(cleanly=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pc": 1}', "\0"])
def test_a_torn_note_of_the_last_life_counts_as_none(tmp_path: Path, text: str) -> None:
    instance = Instance(tmp_path)
    instance.claim()
    instance.release(cleanly=True)
    (tmp_path / ".docassist-backup" / "launcher.json").write_text(text)
    assert instance.previous() is None
    assert instance.claim() is None
    instance.release(cleanly=True)


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such permissions")
def test_other_users_cannot_read_what_a_launcher_leaves(tmp_path: Path) -> None:
    instance = Instance(tmp_path)
    instance.claim()
    private = tmp_path / ".docassist-backup"
    assert private.stat().st_mode & 0o077 == 0
    assert (private / "launcher.json").stat().st_mode & 0o077 == 0
    instance.release(cleanly=True)
