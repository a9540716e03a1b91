"""One clinic's life as a state machine: what users, the EMR and the world do, and what must hold after each step."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from backup_core import BackupEngine, archive
from backup_core.errors import ArchiveUnusable, NothingToUndo
from backup_core.files import PRIVATE
from backup_core.listing import Archive
from backup_core.retention import Policy
from backup_core.runs import Outcome, Trigger
from tests.fakeclock import FakeClock

from .desk import EXTRA, FILES, Desk, State
from .killer import killed

#: A disk in memory, where there is one: on another each step would wait for its flushes.
MEMORY = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - each life has a folder of its own
choices = st.integers(0, 30)


class Life(RuleBasedStateMachine):
    """One clinic; `archived` is what each archive must bring back, `undo` the safety backups, the next one last."""

    steps = 0

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY))
        self.desk = Desk(self.folder / "data")
        self.desk.open_clinic()
        self.clock = FakeClock()
        self.archived: dict[str, State] = {}
        self.damaged: set[str] = set()
        self.undo: list[str] = []
        self.brought: set[str] = set()
        self.sound: set[tuple[str, int, int]] = set()
        self.runs = 0
        self.number = 1000
        self.start()

    def start(self) -> None:
        """Begin a new process of ours, as far as the engine can tell."""
        self.clock.restart()
        self.engine = BackupEngine(
            self.desk.data_dir, policy=Policy(newest=3, daily=2, states=2), extras=[EXTRA], clock=self.clock, patience=5
        )

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    # What the EMR and the world do.

    @rule(what=st.sampled_from([*FILES, "patient", "settings"]), hours=st.sampled_from([0, 0, 1, 30, 24 * 35]))
    def write(self, what: str, hours: int) -> None:
        self.clock.pass_time(timedelta(hours=hours))
        self.number += 1
        if what == "patient":
            self.desk.admit(self.number)
        elif what == "settings":
            self.desk.write_settings(None if self.number % 5 == 0 else f'{{"doctor": {self.number}}}'.encode())
        else:
            self.desk.write_file(what, f"file {self.number}".encode())

    @rule(what=st.sampled_from(["patients", "prescriptions", "chroma"]))
    def lose(self, what: str) -> None:
        if what == "patients":
            self.desk.lose_patients()
        else:
            self.desk.lose_folder(what)

    @precondition(lambda self: self.archived)
    @rule(choice=choices, place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
    def damage(self, choice: int, place: float, bit: int) -> None:
        """Change one bit on the disk, without a trace in the file's time."""
        wanted = self.choose(choice)
        status, data = wanted.path.stat(), bytearray(wanted.path.read_bytes())
        data[int(place * len(data))] ^= 1 << bit
        wanted.path.write_bytes(data)
        os.utime(wanted.path, ns=(status.st_atime_ns, status.st_mtime_ns))
        # A safety backup may be a second name of the newest backup: one place on the disk, damaged under both names.
        self.damaged |= {one.name for one in self.engine.archives() if one.path.samefile(wanted.path)}

    # What users and the launcher do.

    @rule(trigger=st.sampled_from([Trigger.MANUAL, Trigger.INTERVAL, Trigger.EXIT]))
    def back_up(self, trigger: Trigger) -> None:
        before = self.desk.state()
        with self.keeping():
            run = self.engine.back_up(trigger)
        assert run.archive is not None
        if run.outcome is Outcome.MADE:
            self.archived[run.archive] = before
        assert run.outcome in (Outcome.MADE, Outcome.UNCHANGED)
        assert run.archive in self.archived
        assert self.desk.state() == before
        self.forget_pruned()

    @precondition(lambda self: self.archived)
    @rule(choice=choices)
    def verify(self, choice: int) -> None:
        wanted = self.choose(choice)
        with self.refused_only_if_damaged(wanted):
            self.engine.verify(wanted)

    @precondition(lambda self: self.archived)
    @rule(choice=choices)
    def prove(self, choice: int) -> None:
        wanted = self.choose(choice)
        proof = self.engine.prove(wanted)
        assert proof.ok or wanted.name in self.damaged, proof
        if proof.ok:
            assert proof.patients == len(self.archived[wanted.name].patients)

    @rule(keep=st.none() | st.integers(1, 4))
    def prune(self, keep: int | None) -> None:
        listed = {one.name for one in self.engine.archives()}
        with self.keeping():
            gone = self.engine.prune(keep)
        assert listed - {one.name for one in self.engine.archives()} == set(gone)
        self.forget_pruned()

    @precondition(lambda self: self.archived)
    @rule(choice=choices, keep=st.booleans())
    def pin(self, choice: int, keep: bool) -> None:
        self.engine.keeper.keep_for_ever(self.choose(choice), keep=keep)

    @rule()
    def say_that_all_is_well(self) -> None:
        self.engine.keeper.all_is_well()
        assert self.engine.keeper.alarm() is None

    @precondition(lambda self: self.archived)
    @rule(choice=choices, with_settings=st.booleans())
    def restore(self, choice: int, with_settings: bool) -> None:
        wanted = self.choose(choice)
        before = self.desk.state()
        with self.refused_only_if_damaged(wanted), self.keeping():
            restored = self.engine.restore(wanted, with_settings=with_settings)
            assert restored.safety is not None
            self.archived[restored.safety] = before
            self.undo.append(restored.safety)
            self.note_settings(wanted.name, before, with_settings=with_settings)
            undoable = self.engine.undoable()
            assert undoable is not None
            assert undoable.name == restored.safety
            assert self.desk.state() == self.wanted_state(wanted.name, before, with_settings=with_settings)
            return
        assert self.desk.state() == before

    @rule()
    def take_back(self) -> None:
        before = self.desk.state()
        undoable = self.undoable()
        if undoable is None:
            with pytest.raises(NothingToUndo):
                self.engine.undo()
            return
        brought = undoable.name in self.brought
        with self.refused_only_if_damaged(undoable), self.keeping():
            restored = self.engine.undo()
            assert restored.safety is not None
            self.archived[restored.safety] = before
            self.undo.pop()
            assert self.desk.state() == self.wanted_state(undoable.name, before, with_settings=brought)
            return
        assert self.desk.state() == before

    @rule()
    def restart(self) -> None:
        self.start()
        assert self.engine.recover() is None

    @precondition(lambda self: hasattr(os, "fork"))
    @rule(what=st.sampled_from(["create", "prune", "restore", "undo"]), choice=choices, at=st.integers(1, 160))
    def be_killed(self, what: str, choice: int, at: int) -> None:
        """Die somewhere in an operation, and recover at the next start."""
        if not self.archived:
            return
        wanted, undoable, before = self.choose(choice), self.undoable(), self.desk.state()
        work: dict[str, Callable[[], object]] = {
            "create": self.engine.create,
            "prune": self.engine.prune,
            "restore": lambda: self.engine.restore(wanted),
            "undo": self.engine.undo,
        }
        with self.keeping():
            killed(work[what], at)
            self.start()
            self.engine.recover()
        self.sweep_and_adopt(before)
        self.settle_undo()
        if what == "restore" and self.desk.state() != before:
            self.note_settings(wanted.name, before, with_settings=False)
        after = {"restore": wanted.name, "undo": undoable.name if undoable else ""}.get(what, "")
        brought = what == "undo" and after in self.brought
        allowed = [before, *([self.wanted_state(after, before, with_settings=brought)] if after else [])]
        assert self.desk.state() in allowed

    # What holds after each step.

    @invariant()
    def every_archive_that_counts_is_whole(self) -> None:
        type(self).steps += 1
        for listed in self.engine.archives():
            known = (listed.name, listed.size, listed.modified_ns)
            if listed.name not in self.damaged and known not in self.sound:
                assert listed.is_good, listed
                archive.verify(listed.path)
                self.sound.add(known)

    @invariant()
    def nothing_unfinished_is_left(self) -> None:
        work, backups = self.desk.data_dir / PRIVATE, self.desk.data_dir / "backups" / PRIVATE
        patterns = ("staging/*", "swap/*", "journal.json*", "*.part")
        assert not [*backups.glob("*.part"), *(path for pattern in patterns for path in work.glob(pattern))]

    @invariant()
    def the_history_only_grows(self) -> None:
        before, self.runs = self.runs, len(self.engine.history.runs())
        assert self.runs >= before

    @invariant()
    def the_model_knows_every_archive(self) -> None:
        assert {one.name for one in self.engine.archives()} == set(self.archived)

    def choose(self, choice: int) -> Archive:
        archives = self.engine.archives()
        return archives[choice % len(archives)]

    def undoable(self) -> Archive | None:
        """Return what undo would put back, which is the model's as long as that is whole."""
        found = self.engine.undoable()
        if found is not None:
            assert self.undo[-1] == found.name
        elif self.undo and self.undo[-1] in self.archived:
            assert self.undo[-1] in self.damaged
        return found

    def wanted_state(self, name: str, before: State, *, with_settings: bool) -> State:
        """Return what a restore of that archive over `before` must lead to."""
        held = self.archived[name]
        brought = held.settings if with_settings or before.settings is None else None
        return replace(held, settings=before.settings if brought is None else brought)

    def note_settings(self, name: str, before: State, *, with_settings: bool) -> None:
        """Note whether the restore that undo would take back has brought settings, so that undo brings them back."""
        if self.archived[name].settings is not None and (with_settings or before.settings is None):
            self.brought.add(self.undo[-1])

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """See that no pinned archive, the newest good one and the one of undo does not go, whatever is done."""
        undoable, newest = self.engine.undoable(), self.engine.last_good()
        listed = {one.name for one in self.engine.archives()}
        never = {*self.engine.repository.rules.pins, *(one.name for one in (undoable, newest) if one)} & listed
        yield
        assert never <= {one.name for one in self.engine.archives()}

    @contextmanager
    def refused_only_if_damaged(self, wanted: Archive) -> Iterator[None]:
        try:
            yield
        except ArchiveUnusable:
            assert wanted.name in self.damaged

    def forget_pruned(self) -> None:
        self.archived = {one.name: self.archived[one.name] for one in self.engine.archives()}

    def sweep_and_adopt(self, before: State) -> None:
        """Let the next run clear up, and learn of what the killed one had published and deleted."""
        self.archived = dict.fromkeys((one.name for one in self.engine.archives()), before) | self.archived
        with self.keeping():
            made = self.engine.create()
        self.archived[made.name] = self.desk.state()
        self.forget_pruned()

    def settle_undo(self) -> None:
        """Learn how far the killed restore or undo had come: the next undo is the one noted last."""
        notes = self.desk.data_dir / PRIVATE / "undo.json"
        self.undo = [entry["safety"] for entry in json.loads(notes.read_bytes())] if notes.exists() else []
