"""The world of the state machine: one clinic, its archives as they were made, and what befalls both."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from backup_core import BackupEngine
from backup_core.errors import ArchiveUnusable
from backup_core.listing import Archive
from backup_core.retention import Policy
from tests.fakeclock import FakeClock

from .desk import EXTRA, FILES, Desk, State
from .store import tiny_store

#: A disk in memory, where there is one: on another each step would wait for its flushes.
MEMORY = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - each life has a folder of its own
choices = st.integers(0, 30)


class World(RuleBasedStateMachine):
    """One clinic; `archived` is what each archive must bring back, `pristine` the digest of its bytes as made."""

    #: Whether there is a vector store of Chroma's own.
    real_store = False

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY))
        self.desk = Desk(self.folder / "data", tiny_store() if self.real_store else None)
        self.desk.open_clinic()
        self.clock = FakeClock()
        self.archived: dict[str, State] = {}
        self.pristine: dict[str, str] = {}
        #: The safety backups, the one that the next undo puts back last, and those that brought settings.
        self.undo: list[str] = []
        self.brought: set[str] = set()
        self.sound: set[tuple[str, str]] = set()
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

    def spoil(self, wanted: Archive, place: float, bit: int) -> None:
        """Change one bit, or for the 8th cut the file off there, without a trace in its time.

        A safety backup may be a second name of the newest backup: one place on the disk, damaged under both names.
        """
        status, data = wanted.path.stat(), bytearray(wanted.path.read_bytes())
        at = int(place * len(data))
        if bit == 8:
            del data[at:]
        else:
            data[at : at + 1] = bytes(byte ^ 1 << bit for byte in data[at : at + 1])
        wanted.path.write_bytes(data)
        os.utime(wanted.path, ns=(status.st_atime_ns, status.st_mtime_ns))

    def choose(self, choice: int) -> Archive:
        archives = self.engine.archives()
        return archives[choice % len(archives)]

    def is_whole(self, archive: Archive) -> bool:
        """Return whether an archive is, byte for byte, as it was when it was first seen."""
        digest = hashlib.sha256(archive.path.read_bytes()).hexdigest()
        return self.pristine.setdefault(archive.name, digest) == digest

    @contextmanager
    def refused_where_damaged(self, wanted: Archive) -> Iterator[None]:
        """See that what is done with an archive is refused if its bytes have changed, and only then."""
        whole = self.is_whole(wanted)
        try:
            yield
        except ArchiveUnusable as refusal:
            assert not whole, refusal
        else:
            assert whole, f"{wanted.name} is damaged, and was accepted"

    def wanted_state(self, name: str, before: State, *, with_settings: bool) -> State:
        """Return what a restore of that archive over `before` must lead to."""
        held = self.archived[name]
        brought = held.settings if with_settings or before.settings is None else None
        return replace(held, settings=before.settings if brought is None else brought)

    def forget_pruned(self) -> None:
        there = {one.name for one in self.engine.archives()}
        self.archived = {name: state for name, state in self.archived.items() if name in there}
        self.pristine = {name: digest for name, digest in self.pristine.items() if name in there}
