"""Which of the mounted file systems are drives for copies."""

from pathlib import Path

import pytest

from backup_core.drives import Drive, Kind, Partition, drive_of, drives


@pytest.mark.parametrize(
    ("partition", "is_disk", "kind"),
    [
        (Partition("/dev/sdb1", "/media/anna/KINGSTON", "vfat", "rw,nosuid"), True, Kind.STICK),
        (Partition("/dev/sdb1", "/run/media/anna/B", "exfat", "rw"), True, Kind.STICK),
        (Partition("/dev/disk4s1", "/Volumes/STICK", "msdos", "rw"), True, Kind.STICK),
        (Partition("E:\\", "E:\\", "FAT32", "rw,removable"), True, Kind.STICK),
        (Partition("D:\\", "D:\\", "NTFS", "rw,fixed"), True, Kind.DISK),
        (Partition("Z:\\", "Z:\\", "NTFS", "rw,remote"), True, Kind.NETWORK),
        (Partition("/dev/sdc1", "/mnt/archive", "ext4", "rw"), True, Kind.DISK),
        (Partition("//nas/backups", "/mnt/nas", "cifs", "rw"), False, Kind.NETWORK),
        (Partition("/dev/sda1", "/", "ext4", "rw"), True, None),
        (Partition("/dev/sda2", "/boot/efi", "vfat", "rw"), True, None),
        (Partition("F:\\", "F:\\", "CDFS", "ro,cdrom"), True, None),
        (Partition("/dev/sdd1", "/media/anna/LOCKED", "vfat", "ro"), True, None),
        (Partition("tmpfs", "/tmp", "tmpfs", "rw"), False, None),
        (Partition("proc", "/proc", "proc", "rw"), False, None),
    ],
)
def test_what_is_a_drive(partition: Partition, is_disk: bool, kind: Kind | None) -> None:
    found = drive_of(partition, {partition.mountpoint} if is_disk else set())
    assert (found and found.kind) == kind


def test_the_drive_of_the_data_is_no_place_for_its_copies(tmp_path: Path) -> None:
    here = tmp_path.stat().st_dev
    found = drives(apart_from=[tmp_path])
    assert all(isinstance(drive, Drive) and drive.total and drive.volume != here for drive in found)
