"""A restore that is cut off at any step, or finds a file held: today's data or the backup's, never a mixture."""

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from backup_core import BackupEngine, archive
from backup_core.errors import RestoreFailed
from backup_core.files import PRIVATE
from backup_core.listing import Archive
from tests.audit import listening
from tests.clinic import Clinic

#: The steps that can be seen from outside: renames, second names, and the look for the call that exchanges folders.
STEPS = ("os.rename", "os.link", "ctypes.dlsym")

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="cut off in a copy of this process")


@dataclass
class Scene:
    """A clinic whose data has changed since its backup."""

    clinic: Clinic
    engine: BackupEngine
    archive: Archive
    old: dict[str, bytes]
    new: dict[str, bytes]

    def copy(self, to: Path) -> "Scene":
        shutil.copytree(self.clinic.data_dir, to)
        engine = BackupEngine(to)
        return Scene(Clinic(to), engine, engine.find(self.archive.name), self.old, self.new)

    def state(self) -> str:
        """Return "old", "new", or what is neither."""
        files = data_of(self.clinic)
        differs = sorted(name for name in {*files, *self.old} if files.get(name) != self.old.get(name))
        return "old" if files == self.old else "new" if files == self.new else f"mixed: {differs}"


def data_of(clinic: Clinic) -> dict[str, bytes]:
    return {name: data for name, data in clinic.files().items() if name not in ("settings.json", "OPEN-ME.txt")}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: nothing in this module asks what a disk keeps."""
    memory = Path("/dev/shm")
    if os.access(memory, os.W_OK):
        with tempfile.TemporaryDirectory(dir=memory) as name:
            yield Path(name)
    else:
        yield tmp_path


@pytest.fixture
def scene(made_clinic: Clinic, folder: Path) -> Scene:
    clinic = Clinic(folder / "clinic – Zoë")
    shutil.copytree(made_clinic.data_dir, clinic.data_dir)
    # Each file costs time at every step, and a real vector store has eleven.
    shutil.rmtree(clinic.chroma)
    clinic.chroma.mkdir()
    (clinic.chroma / "vectors").write_bytes(b"as backed up")
    engine = BackupEngine(clinic.data_dir)
    made = engine.create()
    archive.extract(made.path, folder / "as backed up")
    new = data_of(Clinic(folder / "as backed up"))
    clinic.admit("Since then")
    (clinic.chroma / "since then").write_bytes(b"a file of the vector store")
    (clinic.prescriptions / "since then.pdf").write_bytes(b"%PDF")
    return Scene(clinic, engine, made, data_of(clinic), new)


def in_a_copy_of_this_process(work: Callable[[], object], events: tuple[str, ...], cut_off_at: int) -> bool:
    """Do `work` and die at the n-th of `events` as a power cut would have it; return whether it came so far."""
    child = os.fork()
    if child == 0:
        seen = 0

        def listen(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal seen
            if event in events:
                seen += 1
                if seen == cut_off_at:
                    os._exit(9)

        try:
            with listening(listen):
                work()
            os._exit(0)
        finally:
            os._exit(1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, 9)
    return status == 9


def no_exchange(event: str, arguments: tuple[Any, ...]) -> None:
    """Be a system that cannot let two folders change places."""
    if event == "ctypes.dlsym":
        raise AttributeError(arguments)


def assert_clinic_db_is_whole(scene: Scene) -> None:
    with closing(sqlite3.connect(f"{scene.clinic.db.as_uri()}?mode=ro", uri=True)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def assert_tidy(scene: Scene) -> None:
    private = scene.clinic.data_dir / PRIVATE
    assert not (private / "journal.json").exists()
    assert list((private / "swap").glob("*")) == []
    assert [path.name for path in scene.clinic.data_dir.iterdir() if path.name.startswith("clinic.db-")] == []
    for made in scene.engine.archives():
        scene.engine.verify(made)


@pytest.mark.parametrize("exchange", [True, False], ids=["folders exchanged", "folders renamed"])
def test_a_restore_cut_off_at_any_step_is_wholly_old_or_wholly_new_after_recover(
    scene: Scene, folder: Path, exchange: bool
) -> None:
    step, states = 0, []
    while True:
        step += 1
        one = scene.copy(folder / f"cut off at {step}")

        def work(one: Scene = one) -> None:
            if exchange:
                one.engine.restore(one.archive)
            else:
                with listening(no_exchange):
                    one.engine.restore(one.archive)

        cut_off = in_a_copy_of_this_process(work, STEPS, step)
        assert_clinic_db_is_whole(one)
        decided = one.engine.recover()
        states.append(one.state())
        assert states[-1] in ("old", "new"), (step, states[-1])
        assert decided is None or states[-1] == "new"
        assert_tidy(one)
        if not cut_off:
            break
        if states[-1] == "new":
            one.engine.undo()
            assert one.clinic.names()[-1] == "Since then", step
            assert one.clinic.plain_files().items() >= {"prescriptions/since then.pdf": b"%PDF"}.items()

    # First nothing had happened, then all of it: a decision is not taken back.
    assert states == sorted(states, reverse=True)
    assert states.count("new") > 5


def test_a_recovery_cut_off_at_any_step_is_finished_by_the_next(scene: Scene, folder: Path) -> None:
    half_way = next(at for at in range(1, 100) if cut_off_half_way(scene.copy(folder / f"tried {at}"), at))
    for step in range(1, 100):
        one = scene.copy(folder / f"cut off at {step}")
        assert cut_off_half_way(one, half_way)
        cut_off = in_a_copy_of_this_process(one.engine.recover, STEPS, step)
        assert_clinic_db_is_whole(one)
        one.engine.recover()
        assert one.state() == "new", step
        assert_tidy(one)
        if not cut_off:
            break
    assert 3 < step < 99


def test_a_backup_of_half_restored_data_is_made_after_the_restore_was_brought_to_its_end(
    scene: Scene, folder: Path
) -> None:
    half_way = next(at for at in range(1, 100) if cut_off_half_way(scene.copy(folder / f"tried {at}"), at))
    one = scene.copy(folder / "half restored")
    assert cut_off_half_way(one, half_way)
    made = one.engine.create()
    assert one.state() == "new"
    assert made.manifest is not None
    assert made.manifest.patient_count == len(one.clinic.names())
    assert_tidy(one)


def cut_off_half_way(scene: Scene, at: int) -> bool:
    """Begin a restore and cut it off at that step; return whether that left a mixture."""
    in_a_copy_of_this_process(lambda: scene.engine.restore(scene.archive), STEPS, at)
    return scene.state() not in ("old", "new")


@pytest.mark.parametrize("exchange", [True, False], ids=["folders exchanged", "folders renamed"])
def test_a_restore_that_finds_a_file_held_at_any_step_leaves_the_data_as_it_was(
    scene: Scene, folder: Path, exchange: bool
) -> None:
    refused = 0
    for at in range(1, 100):
        one = scene.copy(folder / f"refused at {at}")
        seen = 0

        def refuse(event: str, arguments: tuple[Any, ...], one: Scene = one, at: int = at) -> None:
            nonlocal seen
            if event == "ctypes.dlsym" and not exchange:
                raise AttributeError(arguments)
            if event == "ctypes.dlsym" or touches_live_data(one.clinic, event, arguments):
                seen += 1
                if seen == at:
                    raise PermissionError(13, "The file is in use by another program")

        with listening(refuse):
            try:
                one.engine.restore(one.archive)
            except RestoreFailed as error:
                refused += 1
                assert error.rolled_back
                assert "as it was before" in str(error)
                assert one.state() == "old", at
                assert_tidy(one)
                assert one.engine.undoable() is None
                continue
        assert one.state() == "new", at
        if seen < at:
            break
    assert refused >= 3


def test_a_restore_that_is_cut_off_while_it_is_taken_back_is_taken_back_by_recover(scene: Scene, folder: Path) -> None:
    taken_back = 0
    for step in range(1, 100):
        one = scene.copy(folder / f"cut off at {step}")
        seen = 0

        def refuse_the_second_folder(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal seen
            seen += event == "ctypes.dlsym"
            if event == "ctypes.dlsym" and seen == 2:
                raise PermissionError(13, "The file is in use by another program")

        def work(one: Scene = one) -> None:
            with listening(refuse_the_second_folder), contextlib.suppress(RestoreFailed):
                one.engine.restore(one.archive)

        cut_off = in_a_copy_of_this_process(work, STEPS, step)
        assert_clinic_db_is_whole(one)
        decided = one.engine.recover()
        taken_back += decided is not None and "taken back" in decided
        assert one.state() == ("new" if decided and "finished" in decided else "old"), step
        assert_tidy(one)
        if not cut_off:
            break
    assert one.state() == "old"
    assert taken_back > 3


def touches_live_data(clinic: Clinic, event: str, arguments: tuple[Any, ...]) -> bool:
    """Return whether an event renames something of the EMR's, or gives it a second name."""
    if event not in ("os.rename", "os.link"):
        return False
    paths = [Path(os.fsdecode(argument)) for argument in arguments[:2]]
    return any(
        path.is_relative_to(clinic.data_dir) and path.relative_to(clinic.data_dir).parts[0] not in (PRIVATE, "backups")
        for path in paths
    )


def test_what_was_entered_between_the_crash_and_the_recovery_is_never_lost(scene: Scene, folder: Path) -> None:
    for step in range(1, 100):
        one = scene.copy(folder / f"cut off at {step}")
        cut_off = in_a_copy_of_this_process(lambda one=one: one.engine.restore(one.archive), STEPS, step)  # type: ignore[misc]
        one.clinic.admit("Entered meanwhile")

        one.engine.recover()

        assert "Entered meanwhile" in everything_kept(one, folder / f"looked at {step}"), step
        if not cut_off:
            break


def everything_kept(scene: Scene, place: Path) -> set[str]:
    """Return the names of all patients in the data and in the safety backups."""
    names = set(scene.clinic.names())
    for made in scene.engine.archives():
        if made.safety:
            archive.extract(made.path, place / made.name)
            names |= set(Clinic(place / made.name).names())
    return names
