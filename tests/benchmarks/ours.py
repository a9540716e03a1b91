"""What the benchmarks time of ours, each as a process: `python -m tests.benchmarks.ours VERB DATA_DIR`."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

from backup_core import BackupEngine
from backup_core.runs import Trigger


def create(engine: BackupEngine) -> object:
    """Make a backup and return its size in bytes."""
    return engine.create().size


def unchanged(engine: BackupEngine) -> object:
    """Make an interval run and return what it came to."""
    return engine.back_up(Trigger.INTERVAL).outcome


def restore(engine: BackupEngine) -> object:
    """Restore the oldest backup, safety backup and all, and return the number of patients."""
    return engine.restore([one for one in engine.archives() if not one.safety][-1]).patient_count


def prove(engine: BackupEngine) -> object:
    """Open the newest backup and return what is wrong with it, or ""."""
    newest = engine.last_good()
    return engine.prove(newest).problem if newest else "no backup"


_VERBS: dict[str, Callable[[BackupEngine], object]] = {
    "create": create,
    "unchanged": unchanged,
    "restore": restore,
    "prove": prove,
}

if __name__ == "__main__":
    sys.stdout.write(json.dumps(_VERBS[sys.argv[1]](BackupEngine(Path(sys.argv[2])))))
