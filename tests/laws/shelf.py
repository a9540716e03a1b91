"""The backup folder of a simulated clinic, its disk and its history: the product's own rules over what is only said."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from unittest import mock

from backup_core.history import KEPT_RUNS, Action, History, Outcome, Run, Trigger
from backup_core.leaps import clock_resets
from backup_core.listing import KEPT, Archive, State
from backup_core.manifest import Manifest, Member, archive_name
from backup_core.pruning import candidate, prune
from backup_core.repository import Repository, newest_manifest, next_sequence
from backup_core.retention import LAUNCHER_POLICY, plan, thinning_order
from tests.fakeclock import FakeClock

ORIGIN = "0" * 32
GIGABYTE = 1_000_000_000
#: No rule looks back further than to the last good run.
LOOKED_AT = 150


class Log(History):
    """The runs, newest first, in memory only."""

    def __init__(self) -> None:
        super().__init__(Path("history.jsonl"))
        self.newest_first: list[Run] = []
        #: The names that runs and records of tidying up tell of.
        self.told: set[str] = set()

    def runs(self, limit: int | None = None) -> list[Run]:
        return self.newest_first[: KEPT_RUNS if limit is None else limit]

    def append(self, run: Run) -> None:
        self.newest_first.insert(0, run)
        self.told |= {run.archive} if run.archive else set()

    def archive_names(self) -> set[str]:
        # Said anew for each of thousands of archives, this would take most of the time.
        return self.told


@dataclass(frozen=True)
class Usage:
    """What a disk says of itself, in bytes."""

    total: int
    free: int


@dataclass(frozen=True)
class Names:
    """What Repository.names returns, without making one set of many thousands each time."""

    there: set[str]
    told: set[str]

    def __contains__(self, name: object) -> bool:
        return name in self.there or name in self.told


class Shelf(Repository):
    """The archives that are there, oldest first; each takes a gigabyte of a disk on which others may write too."""

    def __init__(self, log: Log) -> None:
        super().__init__(Path("backups"), 0, (), log.archive_names)
        self._log = log
        self.made: list[Archive] = []
        #: Every name that was ever given, and the contents with all times at which they were archived, truly.
        self.given: set[str] = set()
        self.archived: dict[str, list[timedelta]] = {}
        self.total, self.of_others = 500 * GIGABYTE, 0
        self.thinnings = 0

    def archives(self) -> list[Archive]:
        return sorted(self.made, key=lambda archive: archive.order, reverse=True)

    def delete(self, archive: Archive) -> None:
        self.made.remove(next(one for one in self.made if one.name == archive.name))
        self._log.told.add(archive.name)

    def put_aside(self, archive: Archive) -> None:
        place = self.folder / KEPT / archive.name
        self.made = [
            Archive(place, one.size, 0, one.state, one.manifest, sequence=one.sequence) if one is archive else one
            for one in self.made
        ]

    @property
    def free(self) -> int:
        return self.total - self.of_others - sum(archive.size for archive in self.made)

    def add(self, now: datetime, local: datetime, contents: str, truly: timedelta, trigger: Trigger) -> Archive:
        """Publish an archive; see that its name was never given before."""
        taken = Names({archive.name for archive in self.made}, self._log.archive_names())
        name, sequence = archive_name(local, taken=taken), next_sequence(self.archives())
        assert name not in self.given, f"{name} was given before"
        self.given.add(name)
        manifest = Manifest(
            local,
            created_at_utc=now,
            sequence=sequence,
            clock_resets=clock_resets(newest_manifest(self.made, ORIGIN), self._log.runs(LOOKED_AT), trigger, now),
            origin=ORIGIN,
            members=(Member("clinic.db", 1, contents),),
        )
        made = Archive(self.folder / name, GIGABYTE, 0, State.VERIFIED, manifest, sequence=sequence)
        self.made.append(made)
        self.archived.setdefault(made.contents, []).append(truly)
        return made

    def prune(
        self,
        clock: FakeClock,
        trigger: Trigger,
        made: Archive,
        on_deleted: Callable[[str], None] = lambda name: None,
    ) -> None:
        """Tidy up as the product does after a run that made `made`; see that a full disk takes the right ones."""
        before = [candidate(one) for one in sorted(self.made, key=lambda one: one.order)]
        planned = plan(before, LAUNCHER_POLICY)
        with mock.patch("shutil.disk_usage", lambda folder: Usage(self.total, self.free)):
            result = prune(self, LAUNCHER_POLICY, ORIGIN, clock.local(), (), on_deleted)
        if result.deleted:
            # As Keeper does, with what called for it.
            tidied = Run(action=Action.PRUNE, trigger=trigger, outcome=Outcome.DONE, started_at=clock.now())
            self._log.append(tidied)
        there = {archive.name for archive in self.made}
        assert made.name in there, "a run pruned what it had made"
        thinned = result.deleted[len(planned.prune) :]
        self.thinnings += len(thinned)
        spare = thinning_order(before, planned)
        assert thinned == spare[: len(thinned)], "a full disk took another than the oldest of the longest tier"
        assert {name for name, why in planned.keep.items() if why == "newest"} <= there
        if len(thinned) < len(spare):
            assert self.free >= min(5 * GIGABYTE, self.total // 10), "there was more that a full disk might have taken"
