"""One launcher for each data folder: real processes claim the same one."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from backup_core.errors import SourceMissing
from tests.fakeclock import FakeClock
from tray.instance import BEAT, SILENCE, Instance, LauncherRunning

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


def note_of_another_pc(data_dir: Path, **facts: object) -> Path:
    """Leave the note of a launcher on another PC whose lock cannot be seen from here, as on some network drives."""
    path = data_dir / ".docassist-backup" / "launcher.json"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    life = {"pc": "RECEPTION", "user": "Dr Rao", "pid": 1, "started_at": "2026-01-05T08:00:00+00:00"}
    path.write_text(json.dumps({**life, **facts}), encoding="utf-8")
    return path


def give_sign(note: Path, number: int) -> None:
    """Give the number-th sign of life, by a clock of its own that is years behind."""
    os.utime(note, ns=(number * 10**9, number * 10**9))


def test_signs_of_life_from_another_pc_keep_the_folder_although_its_lock_cannot_be_seen(tmp_path: Path) -> None:
    note, clock = note_of_another_pc(tmp_path), FakeClock()
    instance = Instance(tmp_path, clock=clock)
    for number in range(10):
        give_sign(note, number)
        with pytest.raises(LauncherRunning, match="^Dr Rao's account on RECEPTION looks after this data") as caught:
            instance.claim()
        assert not caught.value.is_ours
        assert caught.value.facts == {"pc": "RECEPTION", "user": "Dr Rao"}
        clock.pass_time(timedelta(seconds=BEAT))
    assert not instance.is_claimed
    assert json.loads(note.read_bytes())["pc"] == "RECEPTION", "who looks on writes nothing"


def test_the_silence_of_another_pc_frees_the_folder(tmp_path: Path) -> None:
    note, clock = note_of_another_pc(tmp_path), FakeClock()
    instance = Instance(tmp_path, clock=clock)
    give_sign(note, 1)
    for _ in range(2):
        with pytest.raises(LauncherRunning):
            instance.claim()
        clock.pass_time(timedelta(seconds=SILENCE / 2 - 1))
    clock.pass_time(timedelta(seconds=3))
    life = instance.claim()
    assert life is not None
    assert not life.ended_cleanly
    assert instance.is_claimed
    instance.release(cleanly=True)


def test_the_end_of_another_pcs_launcher_frees_the_folder_at_once(tmp_path: Path) -> None:
    note_of_another_pc(tmp_path, has_ended=True)
    instance = Instance(tmp_path, clock=FakeClock())
    assert instance.claim() is not None
    instance.release(cleanly=True)


def test_a_launcher_gives_signs_of_life_and_not_at_every_tick(tmp_path: Path) -> None:
    clock = FakeClock()
    instance = Instance(tmp_path, clock=clock)
    instance.claim()
    note = tmp_path / ".docassist-backup" / "launcher.json"
    give_sign(note, 1)
    clock.pass_time(timedelta(seconds=BEAT - 1))
    assert instance.beat()
    assert note.stat().st_mtime_ns == 10**9
    clock.pass_time(timedelta(seconds=1))
    assert instance.beat()
    assert note.stat().st_mtime_ns > 10**9
    note.unlink()
    clock.pass_time(timedelta(seconds=BEAT))
    assert instance.beat()
    assert note.exists()
    instance.release(cleanly=True)


def test_a_launcher_that_was_asleep_gives_way_to_the_one_that_has_taken_over(tmp_path: Path) -> None:
    clock = FakeClock()
    instance = Instance(tmp_path, clock=clock)
    instance.claim()
    note_of_another_pc(tmp_path)
    clock.pass_time(timedelta(seconds=BEAT))
    assert not instance.beat()
    assert not instance.is_claimed
    with pytest.raises(LauncherRunning):
        instance.claim()
    instance.release(cleanly=True)
    assert json.loads((tmp_path / ".docassist-backup" / "launcher.json").read_bytes())["pc"] == "RECEPTION"
