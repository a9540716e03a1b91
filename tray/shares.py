"""A warning, once, about a folder on a network drive: databases are safer on a disk of this PC."""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from backup_core.files import PRIVATE, write_own
from backup_core.text import _

_REMOTE_KINDS = frozenset(
    {"9p", "afpfs", "ceph", "cifs", "davfs", "glusterfs", "ncpfs", "nfs", "nfs4", "smb3", "smbfs", "webdav"}
    | {f"fuse.{name}" for name in ("davfs2", "gvfsd-fuse", "rclone", "sshfs")}
)
#: How psutil marks a drive letter of Windows that stands for a share.
_REMOTE_OPTION = "remote"


@dataclass(frozen=True)
class Mount:
    """One place where a file system hangs: its kind and options are the system's own words."""

    point: Path
    kind: str
    options: str = ""


def mounts() -> list[Mount]:
    """Return what this computer has mounted."""
    return [Mount(Path(one.mountpoint), one.fstype, one.opts) for one in psutil.disk_partitions(all=True)]


def is_remote(path: Path, mounted: Sequence[Mount]) -> bool:
    """Return whether an absolute path lies on a network drive: the innermost mount decides."""
    if str(path).startswith("\\\\"):
        return True
    around = [mount for mount in mounted if path.is_relative_to(mount.point)]
    if not around:
        return False
    # Of two on the same point the later one hides the other.
    innermost = max(enumerate(around), key=lambda item: (len(item[1].point.parts), item[0]))[1]
    return innermost.kind.lower() in _REMOTE_KINDS or _REMOTE_OPTION in innermost.options.split(",")


def warning(data_dir: Path, backup_dir: Path, mounted: Sequence[Mount]) -> str:
    """Return what to tell about the two folders, or ""; each folder is spoken of once, and that is remembered."""
    note = data_dir / PRIVATE / "told.json"
    told = _read(note)
    sentences = []
    if is_remote(data_dir, mounted) and str(data_dir) not in told:
        sentences.append(
            _(
                "The data folder %(data_dir)s is on a network drive: its databases are safer on this PC.",
                data_dir=data_dir,
            )
        )
    if is_remote(backup_dir, mounted) and str(backup_dir) not in told:
        sentences.append(
            _(
                "The backup folder %(backup_dir)s is on a network drive: without it no backup can be made.",
                backup_dir=backup_dir,
            )
        )
    if sentences:
        # Where this cannot be written the warning comes again, which harms nobody.
        with contextlib.suppress(OSError):
            write_own(note, json.dumps(sorted({*told, str(data_dir), str(backup_dir)})).encode())
    return " ".join(sentences)


def _read(note: Path) -> set[str]:
    try:
        return {str(folder) for folder in json.loads(note.read_bytes())}
    except (OSError, ValueError, TypeError):
        return set()
