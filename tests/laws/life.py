"""One clinic's life as a state machine: what users, the EMR and the world do, and what must hold after each step."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from backup_core import archive
from backup_core.errors import NothingToUndo
from backup_core.files import PRIVATE
from backup_core.listing import Archive
from backup_core.runs import Outcome, Trigger

from .desk import State
from .killer import killed
from .store import ENTRIES
from .world import MEMORY, World, choices

__all__ = ["MEMORY", "Life", "LifeWithVectors"]


#: About as many steps as Python tells of in each operation, so that a kill may come anywhere in it.
STEPS = {"create": 140, "prune": 12, "restore": 600, "undo": 520}
RECOVERY = 60
shares = st.floats(0, 1)


class Life(World):
    """What users and the launcher do in that world, and what holds after each step; counted over all lives."""

    steps = 0
    #: Deaths in mid-operation, and of those the ones after which recovery died as well.
    kills = kills_in_recovery = 0
    #: Archives whose damage was noticed, and vector stores that were really opened.
    refusals = stores_opened = 0

    @rule(trigger=st.sampled_from([Trigger.MANUAL, Trigger.INTERVAL, Trigger.EXIT]))
    def back_up(self, trigger: Trigger) -> None:
        before = self.desk.state()
        with self.keeping():
            run = self.engine.back_up(trigger)
        assert run.archive is not None
        if run.outcome is Outcome.MADE:
            assert run.archive not in self.archived
            self.archived[run.archive] = before
        assert run.outcome in (Outcome.MADE, Outcome.UNCHANGED)
        assert self.archived[run.archive] == before
        assert self.desk.state() == before
        self.forget_pruned()

    @precondition(lambda self: self.archived)
    @rule(
        choice=choices,
        place=st.floats(0, 1, exclude_max=True),
        bit=st.integers(0, 8),
        then=st.sampled_from(["verify", "prove", "restore", "nothing"]),
    )
    def damage(self, choice: int, place: float, bit: int, then: str) -> None:
        """Change one bit on the disk, or cut the file off, and perhaps use that archive at once."""
        wanted = self.choose(choice)
        self.spoil(wanted, place, bit)
        uses = {"verify": self.verify_it, "prove": self.prove_it, "restore": self.restore_it}
        if then in uses:
            uses[then](wanted)

    @precondition(lambda self: self.archived)
    @rule(choice=choices)
    def verify(self, choice: int) -> None:
        self.verify_it(self.choose(choice))

    def verify_it(self, wanted: Archive) -> None:
        Life.refusals += not self.is_whole(wanted)
        with self.refused_where_damaged(wanted):
            self.engine.verify(wanted)

    @precondition(lambda self: self.archived)
    @rule(choice=choices)
    def prove(self, choice: int) -> None:
        self.prove_it(self.choose(choice))

    def prove_it(self, wanted: Archive) -> None:
        proof, held = self.engine.prove(wanted), self.archived[wanted.name]
        assert proof.ok == self.is_whole(wanted), proof
        Life.refusals += not proof.ok
        if proof.ok:
            vectors = ENTRIES if held.vectors else 0
            Life.stores_opened += bool(vectors)
            assert (proof.patients, proof.visits) == (len(held.patients), len(held.visits))
            assert (proof.entries, proof.asked) == (vectors, vectors), proof

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
        self.restore_it(self.choose(choice), with_settings=with_settings)

    def restore_it(self, wanted: Archive, *, with_settings: bool = False) -> None:
        before = self.desk.state()
        with self.refused_where_damaged(wanted), self.keeping():
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
        undoable, before = self.undoable(), self.desk.state()
        if undoable is None:
            with pytest.raises(NothingToUndo):
                self.engine.undo()
            return
        brought = undoable.name in self.brought
        with self.refused_where_damaged(undoable), self.keeping():
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

    @precondition(lambda self: hasattr(os, "fork") and self.archived)
    @rule(
        what=st.sampled_from(["restore", "undo", "create", "prune"]),
        choice=choices,
        at=shares,
        again=st.none() | shares,
    )
    def be_killed(self, what: str, choice: int, at: float, again: float | None) -> None:
        """Die somewhere in an operation, at the next start perhaps in its recovery too, and recover."""
        wanted, undoable, before = self.choose(choice), self.undoable(), self.desk.state()
        work: dict[str, Callable[[], object]] = {
            "create": self.engine.create,
            "prune": self.engine.prune,
            "restore": lambda: self.engine.restore(wanted),
            "undo": self.engine.undo,
        }
        with self.keeping():
            died = killed(work[what], 1 + int(at * STEPS[what]))
            Life.kills += died
            self.start()
            if died and again is not None:
                Life.kills_in_recovery += killed(self.engine.recover, 1 + int(again * RECOVERY))
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
        Life.steps += 1
        for listed in self.engine.archives():
            known = (listed.name, self.pristine.get(listed.name, ""))
            if self.is_whole(listed) and known not in self.sound:
                assert listed.is_good, listed
                archive.verify(listed.path)
                self.sound.add((listed.name, self.pristine[listed.name]))

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

    def undoable(self) -> Archive | None:
        """Return what undo would put back, which is the model's as long as that is whole."""
        found = self.engine.undoable()
        if found is not None:
            assert self.undo[-1] == found.name
        elif self.undo:
            assert not any(one.name == self.undo[-1] and self.is_whole(one) for one in self.engine.archives())
        return found

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


class LifeWithVectors(Life):
    """The same with a vector store of Chroma's own, which takes a second to open at each proof."""

    real_store = True
