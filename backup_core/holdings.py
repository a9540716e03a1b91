"""What the live data holds now, to be shown beside what a backup holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from . import snapshot
from .datafolder import LOOK_PATIENCE, DataFolder
from .errors import BackupError
from .sources import Kind


@dataclass(frozen=True)
class Holdings:
    """The counts of clinic.db; `problem` is a sentence where it cannot be read."""

    counts: Mapping[str, int] = field(default_factory=dict)
    patient_count: int = 0
    visit_count: int = 0
    #: Whether there is a clinic.db at all.
    exists: bool = True
    problem: str = ""


def read_holdings(data: DataFolder) -> Holdings:
    """Return what a data folder holds, counted in a quick snapshot: long reads would stop the EMR's own writes.

    Raise SourceMissing where there is no data folder.
    """
    source = data.clinic()
    if source.kind is not Kind.DATABASE:
        return Holdings(exists=False)
    try:
        with data.lock(patience=LOOK_PATIENCE), data.staging() as folder:
            found = snapshot.take([source], folder).contents
    except BackupError as error:
        return Holdings(problem=str(error))
    return Holdings(found.counts, found.patient_count, found.visit_count)
