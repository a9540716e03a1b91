"""What the benchmarks time of ours, each as a process: `python -m tests.benchmarks.ours VERB DATA_DIR`.

What did not come to what was asked for ends with an error: it must not pass for a fast one.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from backup_core import BackupEngine
from backup_core.runs import Outcome, Trigger


def create(engine: BackupEngine) -> object:
    """Make a backup and return its size in bytes."""
    return engine.create().size


def unchanged(engine: BackupEngine) -> object:
    """Make an interval run that must find nothing to do, and return what it came to."""
    outcome = engine.back_up(Trigger.INTERVAL).outcome
    return outcome if outcome is Outcome.UNCHANGED else sys.exit(f"this run was not over unchanged data: {outcome}")


def restore(engine: BackupEngine) -> object:
    """Restore the oldest backup, safety backup and all, and return the number of patients."""
    restored = engine.restore([one for one in engine.archives() if not one.safety][-1])
    return restored.patient_count if not restored.armed else sys.exit("the restore waits for a program to end")


def prove(engine: BackupEngine) -> object:
    """Open the newest backup and return how many entries of the index have answered."""
    newest = engine.last_good()
    proof = engine.prove(newest) if newest else sys.exit("there is no backup to open")
    return proof.asked if proof.ok and proof.asked else sys.exit(f"not proven: {proof.problem or proof.remark}")


def look(engine: BackupEngine) -> object:
    """Look at all backups and return the seconds that it took."""
    started = time.perf_counter()
    engine.archives()
    return time.perf_counter() - started


_VERBS: dict[str, Callable[[BackupEngine], object]] = {
    "create": create,
    "unchanged": unchanged,
    "restore": restore,
    "prove": prove,
    "look": look,
}

if __name__ == "__main__":
    sys.stdout.write(json.dumps(_VERBS[sys.argv[1]](BackupEngine(Path(sys.argv[2])))))
