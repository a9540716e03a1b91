"""A backup beside today's data: the same counts of both, and what would be removed. Pure."""

from dataclasses import dataclass

from backup_core.holdings import Holdings
from backup_core.listing import Archive

from .words import RECORDS, count, joined

_HOUSEKEEPING = frozenset({"schema_versions", "sqlite_sequence"})


@dataclass(frozen=True)
class Line:
    """One kind of record; None where a side does not know its number."""

    records: str
    backup: int | None
    today: int | None

    @property
    def fewer(self) -> int:
        """How many fewer there are after the restore; 0 if as many or more, or not known."""
        return max(0, (self.today or 0) - self.backup) if self.backup is not None else 0

    @property
    def more(self) -> int:
        """How many more there are after the restore."""
        return max(0, self.backup - self.today) if self.backup is not None and self.today is not None else 0


@dataclass(frozen=True)
class Comparison:
    """The lines to show, and the words of the tick."""

    lines: tuple[Line, ...]
    exists: bool
    problem: str

    @property
    def loss(self) -> str:
        """What would be removed, by count, "2 patients and 3 visits"; "" if nothing does."""
        fewer = {line.records: line.fewer for line in self.lines}
        lost = [(fewer.get("patients", 0), "patient"), (fewer.get("visits", 0), "visit")]
        return joined([count(number, word) for number, word in lost if number])


def compare(archive: Archive, today: Holdings) -> Comparison:
    """Return what the archive holds beside what the data holds today: known records first.

    What only DocAssist itself reads, the entries of its search for one, is left out.
    """
    manifest = archive.manifest
    held = dict(manifest.counts) if manifest else {}
    if manifest:
        held |= {"patients": manifest.patient_count, "visits": manifest.visit_count}
    now = dict(today.counts)
    if today.exists and not today.problem:
        now |= {"patients": today.patient_count, "visits": today.visit_count}
    others = sorted(name for name in (held.keys() | now.keys()) - RECORDS.keys() if name not in _HOUSEKEEPING)
    names = [*(name for name in RECORDS if name in held or name in now), *others]
    lines = tuple(Line(name, held.get(name), now.get(name)) for name in names if not name.startswith("chroma:"))
    return Comparison(lines, today.exists, today.problem)
