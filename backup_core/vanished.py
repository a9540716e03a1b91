"""Archives that were made and have gone although nobody of ours deleted them. Pure."""

from collections.abc import Container, Sequence
from pathlib import Path

from .runs import Action, Outcome, Run

#: The fact of a run that names archives which it has deleted or renamed, one on each line.
GONE = "gone"
#: The fact of a backup that names the folder in which its archive was put.
FOLDER = "folder"


def vanished(runs: Sequence[Run], present: Container[str], folders: Container[Path]) -> list[Run]:
    """Return the runs, newest first as `runs`, whose archives were put into one of `folders` and are not there.

    `present` are the names of the archives in those folders. What a run says that it deleted is not among them, nor
    what was made before runs told the folder.
    """
    ours: set[str] = set()
    found = []
    for run in runs:
        ours.update(str(run.facts.get(GONE, "")).splitlines())
        if run.archive is None:
            continue
        if run.action is Action.DELETE and run.outcome is Outcome.DONE:
            ours.add(run.archive)
        elif run.action is Action.BACKUP and run.outcome is Outcome.MADE and run.archive not in ours:
            folder = run.facts.get(FOLDER)
            if folder and Path(str(folder)) in folders and run.archive not in present:
                found.append(run)
    return found
