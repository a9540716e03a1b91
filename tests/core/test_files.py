"""What differs from one system to another: full disks, held files, private folders, and folders that change places."""

import errno
import os
import shutil
import sqlite3
import stat
from pathlib import Path

import pytest

from backup_core import files
from backup_core.errors import BackupError, RepositoryFull, SnapshotFailed
from backup_core.exchange import exchange
from tests.audit import listening


def held(number: int) -> OSError:
    """Return what Windows raises, with its own number for the reason."""
    error = PermissionError(errno.EACCES, "in use")
    error.winerror = number  # type: ignore[attr-defined, unused-ignore]
    return error


def sqlite_error(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code
    return error


FULL = [
    OSError(errno.ENOSPC, "full"),
    OSError(errno.EDQUOT, "over the quota"),
    held(112),
    sqlite_error(sqlite3.SQLITE_FULL),
]


@pytest.mark.parametrize("error", FULL, ids=repr)
def test_a_full_disk_is_called_so_whoever_finds_it(error: Exception) -> None:
    with pytest.raises(RepositoryFull) as raised, files.translating(SnapshotFailed, "The data could not be copied"):
        raise error

    assert raised.value.__cause__ is error


@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), sqlite_error(10)], ids=repr)
def test_any_other_trouble_is_what_the_step_says(error: Exception) -> None:
    with pytest.raises(SnapshotFailed, match="The data could not be copied") as raised:
        with files.translating(SnapshotFailed, "The data could not be copied", hint="Try again."):
            raise error

    assert raised.value.hint == "Try again."


@pytest.mark.parametrize("error", [TypeError("a mistake of ours"), BackupError("known already")])
def test_what_is_no_trouble_of_the_system_passes(error: Exception) -> None:
    with pytest.raises(type(error)), files.translating(SnapshotFailed, "The data could not be copied"):
        raise error


def test_a_file_that_another_program_holds_for_a_moment_is_waited_for() -> None:
    tries = [held(32), held(5)]

    def step() -> None:
        if tries:
            raise tries.pop()

    files.patiently(step)
    assert tries == []


def test_a_file_that_stays_held_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "SHARING_PATIENCE", 0.0)

    def step() -> None:
        raise held(32)

    with pytest.raises(PermissionError):
        files.patiently(step)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
def test_every_folder_on_the_way_is_private(tmp_path: Path) -> None:
    files.private_folder(tmp_path / "one" / "two" / "three")

    made = [tmp_path / "one", tmp_path / "one" / "two", tmp_path / "one" / "two" / "three"]
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in made} == {0o700}


def test_the_folder_of_ours_is_made_only_where_the_one_around_it_is(tmp_path: Path) -> None:
    assert files.own_folder(tmp_path) == files.own_folder(tmp_path) == tmp_path / files.PRIVATE
    with pytest.raises(FileNotFoundError):
        files.own_folder(tmp_path / "unplugged")
    assert [path.name for path in tmp_path.iterdir()] == [files.PRIVATE]


@pytest.mark.skipif(os.name == "nt", reason="Windows syncs no folders")
def test_a_disk_that_syncs_no_folders_is_none_the_worse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(number: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    code = errno.EINVAL
    files.sync_folder(tmp_path)
    code = errno.EIO
    with pytest.raises(OSError, match="Input/output"):
        files.sync_folder(tmp_path)


def test_a_folder_that_may_not_be_listed_is_not_called_flushed(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()

    def refuse(event: str, values: tuple[object, ...]) -> None:
        if event == "os.scandir" and str(values[0]) == str(inner):
            raise PermissionError(errno.EACCES, "refused")

    with listening(refuse), pytest.raises(PermissionError):
        files.sync_tree(tmp_path)


def test_folders_change_places_in_one_step_where_the_system_can(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()

    if exchange(tmp_path / "one", tmp_path / "other"):
        assert (tmp_path / "one" / "other").exists()
        assert (tmp_path / "other" / "one").exists()
        with pytest.raises(FileNotFoundError):
            exchange(tmp_path / "one", tmp_path / "nothing there")


def test_a_system_without_such_a_call_says_so(tmp_path: Path) -> None:
    def be_older(event: str, arguments: object) -> None:
        if event == "ctypes.dlsym":
            raise AttributeError(arguments)

    with listening(be_older):
        assert not exchange(tmp_path, tmp_path)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    files.write_atomically(tmp_path / "notes", b"old")

    def cut_off(event: str, arguments: object) -> None:
        if event == "os.rename":
            raise OSError(errno.EIO, "cut off")

    with listening(cut_off), pytest.raises(OSError, match="cut off"):
        files.write_atomically(tmp_path / "notes", b"new")
    assert (tmp_path / "notes").read_bytes() == b"old"

    files.write_atomically(tmp_path / "notes", b"new")
    assert (tmp_path / "notes").read_bytes() == b"new"


def test_whatever_is_there_is_removed_and_a_link_leads_to_nobodys_loss(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").touch()
    (tmp_path / "folder").mkdir()
    if os.name != "nt":
        (tmp_path / "folder" / "link").symlink_to(tmp_path / "precious")
        (tmp_path / "link").symlink_to(tmp_path / "precious")
    for name in ("folder", "link", "nothing there"):
        files.remove(tmp_path / name)

    assert [path.name for path in tmp_path.iterdir()] == ["precious"]
    assert (tmp_path / "precious" / "file").exists()


def test_room_is_asked_of_the_nearest_folder_that_is_there(tmp_path: Path) -> None:
    assert files.free_space(tmp_path / "not" / "yet") == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.2)
    with pytest.raises(RepositoryFull, match="not enough room for a trip to the moon: 1,000,000,000,000 MB needed"):
        files.need_space(tmp_path, 10**18, "a trip to the moon")


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="this system has no such way to open a file")
def test_what_we_write_for_us_alone_never_goes_where_a_link_leads(tmp_path: Path) -> None:
    theirs = tmp_path / "clinic.db"
    theirs.write_bytes(b"records")
    (tmp_path / "new.part").symlink_to(theirs)

    with pytest.raises(OSError, match="symbolic"):
        files.create_private(tmp_path / "new.part")
    with pytest.raises(OSError, match="symbolic"):
        files.write_atomically(tmp_path / "new", b"x")

    assert theirs.read_bytes() == b"records"
