"""A process of its own that reads one ZIP, or with a folder unpacks it: `python -m tests.laws.eater ZIP [FOLDER]`.

It answers by one JSON document: whether the ZIP was refused, and by how many bytes of real memory the process grew.
"""

import json
import sys
from pathlib import Path

from backup_core import archive
from backup_core.errors import ArchiveUnusable

#: Where Linux tells it of this program alone: by the other way, a child begins with what its parent had.
_STATUS = Path("/proc/self/status")


def most_memory() -> int:
    """Return the most bytes of real memory that this process has had."""
    if _STATUS.exists():
        return int(next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM")).split()[1]) << 10
    import resource

    # In bytes, as macOS tells it.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> int:
    """Read or unpack it."""
    path, *out = map(Path, sys.argv[1:])
    before, refused = most_memory(), False
    try:
        if out:
            archive.extract(path, out[0])
        else:
            archive.verify(path)
    except ArchiveUnusable:
        refused = True
    sys.stdout.write(json.dumps({"refused": refused, "grown": most_memory() - before}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
