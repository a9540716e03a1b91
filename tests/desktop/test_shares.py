"""The warning about network drives."""

from pathlib import Path, PureWindowsPath
from typing import cast

import pytest

from tray.shares import Mount, is_remote, mounts, warning

ROOT = Mount(Path("/"), "ext4")


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "CIFS", "smbfs", "fuse.sshfs"])
def test_a_folder_on_a_network_file_system_is_remote(kind: str) -> None:
    mounted = [ROOT, Mount(Path("/mnt/clinic"), kind)]
    assert is_remote(Path("/mnt/clinic/data"), mounted)
    assert is_remote(Path("/mnt/clinic"), mounted)
    assert not is_remote(Path("/mnt/clinics/data"), mounted)
    assert not is_remote(Path("/home/data"), mounted)


def test_the_innermost_mount_decides_whatever_the_order() -> None:
    mounted = [Mount(Path("/net/here"), "ext4"), ROOT, Mount(Path("/net"), "nfs")]
    assert is_remote(Path("/net/there"), mounted)
    assert not is_remote(Path("/net/here/data"), mounted)


def test_what_is_mounted_later_on_the_same_point_decides() -> None:
    mounted = [ROOT, Mount(Path("/net"), "autofs"), Mount(Path("/net"), "nfs4")]
    assert is_remote(Path("/net/data"), mounted)


def test_a_share_of_windows_is_remote_by_its_name_and_by_its_drive_letter() -> None:
    assert is_remote(cast(Path, PureWindowsPath(r"\\server\clinic\data")), [])
    letter = Mount(cast(Path, PureWindowsPath("Z:\\")), "NTFS", "rw,remote")
    assert is_remote(cast(Path, PureWindowsPath(r"Z:\data")), [letter])
    fixed = Mount(cast(Path, PureWindowsPath("C:\\")), "NTFS", "rw,fixed")
    assert not is_remote(cast(Path, PureWindowsPath(r"C:\data")), [fixed])


def test_this_computer_tells_what_it_has_mounted(tmp_path: Path) -> None:
    # A changed root hides the mount that its own folders lie on.
    assert mounts()
    assert not is_remote(tmp_path, mounts())


def test_each_folder_is_warned_of_once(tmp_path: Path) -> None:
    data_dir, backup_dir = tmp_path / "data", tmp_path / "backups"
    data_dir.mkdir()
    remote = [ROOT, Mount(tmp_path, "cifs")]
    first = warning(data_dir, backup_dir, remote)
    assert str(data_dir) in first
    assert str(backup_dir) in first
    assert warning(data_dir, backup_dir, remote) == ""
    assert "backup folder" in warning(data_dir, tmp_path / "others", remote)


def test_folders_on_this_pc_are_not_spoken_of_and_nothing_is_written(tmp_path: Path) -> None:
    assert warning(tmp_path, tmp_path / "backups", [ROOT]) == ""
    assert list(tmp_path.iterdir()) == []


def test_a_spoilt_note_brings_the_warning_again(tmp_path: Path) -> None:
    remote = [Mount(tmp_path, "nfs")]
    assert warning(tmp_path, tmp_path / "backups", remote)
    (tmp_path / ".docassist-backup" / "told.json").write_text("{")
    assert warning(tmp_path, tmp_path / "backups", remote)
