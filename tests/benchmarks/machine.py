"""The machine that the figures belong to, and the versions of what was timed on it."""

import os
import platform
import re
import shutil
import sqlite3
import subprocess
from pathlib import Path

#: What each program is asked for its version, and where it lies in the answer.
_PROGRAMS = {
    "borg": (["borg", "--version"], r"borg ([\d.]+)"),
    "restic": (["restic", "version"], r"restic ([\d.]+)"),
    "zip": (["zip", "-v"], r"This is Zip ([\d.]+)"),
    "unzip": (["unzip", "-v"], r"UnZip ([\d.]+)"),
    "7-Zip": (["7z"], r"7-Zip(?: \[\d+\])? ([\d.]+)"),
}


def machine(folder: Path) -> str:
    """Return a paragraph: processors, memory, the disk that `folder` lies on, and versions."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    usable = len(os.sched_getaffinity(0))
    return (
        f"The machine: {usable} processors ({_processor()}), {memory / 1e9:.0f} GB of memory, {_disk(folder)};"
        f" {platform.system()} {platform.release().partition('-')[0]} {platform.machine()}.\n"
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {_versions()}.\n"
    )


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _disk(folder: Path) -> str:
    """Return the file system of a folder, and the kind of disk that it is on as far as the kernel tells."""
    mounts = [line.split()[:3] for line in Path("/proc/self/mounts").read_text().splitlines()]
    inside = [mount for mount in mounts if folder.resolve().is_relative_to(mount[1])]
    device, _, kind = max(inside, key=lambda mount: len(mount[1]))
    number = folder.stat().st_dev
    block = Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}")
    whole = block.resolve().parent if (block / "partition").exists() else block
    spins = whole / "queue" / "rotational"
    if not spins.exists():
        return f"{kind} on {device}"
    if Path(device).name.startswith("vd"):
        # What it says of turning is said by whoever made the virtual machine.
        return f"{kind} on a virtual disk"
    return f"{kind} on a hard disk" if spins.read_text().strip() == "1" else f"{kind} on an SSD"


def _versions() -> str:
    found = []
    for name, (command, pattern) in _PROGRAMS.items():
        if shutil.which(command[0]) is None:
            found.append(f"{name} not installed")
            continue
        told = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        version = re.search(pattern, told)
        found.append(f"{name} {version[1] if version else 'of an unknown version'}")
    return ", ".join(found)
