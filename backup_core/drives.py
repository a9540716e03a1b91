"""The drives of this PC on which a copy could be kept: sticks, other disks, network folders."""

import ctypes
import shutil
import sys
import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import psutil

#: Seconds for which all drives together are waited for: a network drive that is away may not answer for minutes.
PATIENCE = 3.0

_NETWORK = {"cifs", "smb3", "smbfs", "nfs", "nfs4", "afpfs", "webdav", "davfs", "fuse.sshfs", "fuse.davfs2", "9p"}
#: Where Linux and macOS put what is plugged in.
_PLUGGED_IN = ("/media/", "/run/media/", "/Volumes/")
#: Where the system itself lies: no place for a clinic's backups.
_SYSTEM = ("/boot", "/snap", "/var/lib", "/usr", "/etc", "/proc", "/sys", "/dev", "/run/user", "/System", "/private")


class Kind(StrEnum):
    """What sort of drive it is."""

    STICK = "stick"
    DISK = "disk"
    NETWORK = "network"


class Partition(NamedTuple):
    """What psutil tells of one mounted file system."""

    device: str
    mountpoint: str
    fstype: str
    opts: str


@dataclass(frozen=True)
class Drive:
    """One drive; `total` is 0 where it has not answered in time. Sizes are bytes."""

    path: Path
    kind: Kind
    #: The name that was given to it, "" where it has none.
    label: str = ""
    free: int = 0
    total: int = 0
    #: The number by which the system tells this volume from others; 0 where it has not answered.
    volume: int = 0


def drives(*, apart_from: Iterable[Path]) -> list[Drive]:
    """Return the drives found, those that can be unplugged first; those on which the given folders lie are left out."""
    local = {partition.mountpoint for partition in psutil.disk_partitions()}
    candidates = [drive for one in psutil.disk_partitions(all=True) if (drive := drive_of(Partition(*one[:4]), local))]
    occupied = {folder.stat().st_dev for folder in apart_from if folder.exists()}
    found = {drive.path: drive for drive in _asked(candidates) if drive.volume not in occupied}
    return sorted(found.values(), key=lambda drive: (list(Kind).index(drive.kind), str(drive.path)))


def drive_of(partition: Partition, local: set[str]) -> Drive | None:
    """Return the drive that a partition is, or None for what belongs to the system; `local` are the real disks."""
    options = partition.opts.split(",")
    mount = partition.mountpoint
    if "cdrom" in options or ("ro" in options and mount != "/") or mount == "/" or mount.startswith(_SYSTEM):
        return None
    if partition.fstype in _NETWORK or "remote" in options:
        kind = Kind.NETWORK
    elif mount in local:
        kind = Kind.STICK if "removable" in options or mount.startswith(_PLUGGED_IN) else Kind.DISK
    else:
        return None
    return Drive(Path(mount), kind, Path(mount).name)


def _asked(candidates: list[Drive]) -> list[Drive]:
    """Return the drives with what they answer, each asked on a thread of its own that nobody waits for at the end."""
    answers: dict[Path, Drive] = {}

    def ask(drive: Drive) -> None:
        try:
            usage = shutil.disk_usage(drive.path)
            volume = drive.path.stat().st_dev
        except OSError:
            answers[drive.path] = drive  # a card reader without a card, say
        else:
            label = drive.label or _label(drive.path)
            answers[drive.path] = replace(drive, label=label, free=usage.free, total=usage.total, volume=volume)

    threads = [threading.Thread(target=ask, args=(drive,), name="drive", daemon=True) for drive in candidates]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE / len(threads))
    found = dict(answers)
    return [found.get(drive.path, drive) for drive in candidates if found.get(drive.path, drive).total]


def _label(path: Path) -> str:
    """Return the name of a Windows drive, "" where it has none."""
    if sys.platform != "win32":
        return ""
    name = ctypes.create_unicode_buffer(261)
    known = ctypes.windll.kernel32.GetVolumeInformationW(str(path), name, len(name), None, None, None, None, 0)
    return name.value if known else ""
