"""A restore that is cut off at any step, or finds a file held: today's data or the backup's, never a mixture."""

import contextlib
import itertools
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
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
    place.mkdir()
    for made in scene.engine.archives():
        if made.safety:
            archive.extract(made.path, place / made.name)
            names |= set(Clinic(place / made.name).names())
    return names


@dataclass(frozen=True)
class Disk:
    """A disk that numbers all files anew when it is connected, as FAT and some network drives do."""

    exchange: bool
    links: bool = True

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.exchange:
            no_exchange(event, arguments)
        if event == "os.link" and not self.links and f"/{PRIVATE}/swap/" in os.fsdecode(arguments[1]):
            raise PermissionError(1, "Operation not permitted")


DISKS = pytest.mark.parametrize(
    "disk",
    [Disk(exchange=True), Disk(exchange=False), Disk(exchange=False, links=False)],
    ids=["folders exchanged", "folders renamed", "no second names"],
)


def numbered_anew(scene: Scene, to: Path) -> Scene:
    """Return a copy, with every time as it was: as the disk is after the PC has been started again."""
    again = scene.copy(to)
    tops = [path for path in scene.clinic.data_dir.rglob("*") if path.exists()]
    assert not {path.lstat().st_ino for path in tops} & {
        path.lstat().st_ino for path in again.clinic.data_dir.rglob("*")
    }
    return again


def let_a_day_pass(scene: Scene) -> None:
    """Have the live folders been written to long before they are replaced."""
    for folder in (scene.clinic.chroma, scene.clinic.prescriptions):
        os.utime(folder, (folder.stat().st_atime - 86400, folder.stat().st_mtime - 86400))


@DISKS
def test_a_swap_cut_off_at_any_step_is_finished_where_all_numbers_have_changed_since(
    scene: Scene, folder: Path, disk: Disk
) -> None:
    if disk.exchange:
        # Else the names tell.
        let_a_day_pass(scene)
    mixed = 0
    for step in range(1, 100):
        one = scene.copy(folder / f"cut off at {step}")

        def work(one: Scene = one) -> None:
            with listening(disk):
                one.engine.restore(one.archive)

        cut_off = in_a_copy_of_this_process(work, STEPS, step)
        again = numbered_anew(one, folder / f"again after {step}")
        mixed += again.state() not in ("old", "new")
        with listening(disk):
            decided = again.engine.recover()
        begun = (one.clinic.data_dir / PRIVATE / "journal.json").exists()
        assert (decided is not None) is begun, step
        assert again.state() == ("new" if begun or not cut_off else "old"), step
        assert_tidy(again)
        if not cut_off:
            break
    assert mixed >= 3


@DISKS
def test_a_swap_cut_off_while_it_is_taken_back_is_taken_back_where_all_numbers_have_changed_since(
    scene: Scene, folder: Path, disk: Disk
) -> None:
    if disk.exchange:
        let_a_day_pass(scene)
    taken_back = 0
    for step in range(1, 100):
        one = scene.copy(folder / f"cut off at {step}")
        seen = 0

        def refuse_the_second_folder(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal seen
            seen += event == "ctypes.dlsym"
            if event == "ctypes.dlsym" and seen == 2:
                raise PermissionError(13, "The file is in use by another program")
            disk(event, arguments)

        def work(one: Scene = one) -> None:
            with listening(refuse_the_second_folder), contextlib.suppress(RestoreFailed):
                one.engine.restore(one.archive)

        cut_off = in_a_copy_of_this_process(work, STEPS, step)
        again = numbered_anew(one, folder / f"again after {step}")
        with listening(disk):
            decided = again.engine.recover()
        taken_back += decided is not None and "taken back" in decided
        assert again.state() == ("new" if decided and "finished" in decided else "old"), step
        assert_tidy(again)
        if not cut_off:
            break
    assert taken_back > 3


def test_a_swap_is_finished_on_a_disk_that_notes_in_folders_that_they_have_changed_places(
    scene: Scene, folder: Path
) -> None:
    inside = [path for name in (scene.clinic.chroma, scene.clinic.prescriptions) for path in name.iterdir()]
    for path in inside:
        os.utime(path, (path.stat().st_atime - 86400, path.stat().st_mtime - 86400))
    finished = 0
    for step in range(1, 100):
        one = scene.copy(folder / f"cut off at {step}")
        cut_off = in_a_copy_of_this_process(partial(one.engine.restore, one.archive), STEPS, step)
        again = numbered_anew(one, folder / f"again after {step}")
        if journal_of(again).exists():
            changes = json.loads(journal_of(again).read_bytes())["changes"]
            for path in (again.clinic.data_dir, *(again.clinic.data_dir / PRIVATE / "swap").glob("*/*")):
                for change in changes:
                    if (path / change["name"]).is_dir():
                        os.utime(path / change["name"], ns=(change["new_time"], change["new_time"]))
            again.engine.recover()
            assert again.state() == "new", step
            assert_tidy(again)
            finished += 1
        if not cut_off:
            break
    assert finished >= 3


def test_where_nothing_would_tell_how_far_a_swap_came_none_is_begun(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No drive that gives other numbers at each look, and keeps no times, can be had here.
    look, numbers = Path.lstat, itertools.count(1)

    def look_at_such_a_drive(path: Path) -> SimpleNamespace:
        found = look(path)
        return SimpleNamespace(st_ino=next(numbers), st_mtime_ns=0, st_mode=found.st_mode, st_size=found.st_size)

    monkeypatch.setattr(Path, "lstat", look_at_such_a_drive)
    before = scene.clinic.files()
    with pytest.raises(RestoreFailed, match="would not tell after a power cut") as raised:
        scene.engine.restore(scene.archive)
    assert raised.value.rolled_back
    monkeypatch.undo()
    assert scene.clinic.files() == before
    assert not journal_of(scene).exists()
    assert scene.engine.recover() is None


def cut_off_before_the_folders(scene: Scene, folder: Path) -> Scene:
    """Return a copy whose clinic.db is the backup's, and whose folders are as they were."""
    for at in range(1, 100):
        one = scene.copy(folder / f"tried {at}")
        if cut_off_half_way(one, at):
            assert one.state() == "mixed: ['clinic.db']"
            return one
    raise AssertionError("no mixture was left")


def journal_of(scene: Scene) -> Path:
    return scene.clinic.data_dir / PRIVATE / "journal.json"


def test_a_swap_of_which_nothing_tells_how_far_it_came_is_left_as_it_is_until_the_box_is_moved_away(
    scene: Scene, folder: Path
) -> None:
    again = numbered_anew(cut_off_before_the_folders(scene, folder), folder / "again")
    # As after a copy of the whole data folder that did not keep the times.
    for path in (again.clinic.data_dir / PRIVATE / "swap").rglob("*"):
        os.utime(path, (0, 0))
    before, safeties = again.clinic.files(), len(again.engine.archives())
    box = next((again.clinic.data_dir / PRIVATE / "swap").iterdir())
    boxed = sorted(box.rglob("*"))

    for _attempt in range(2):
        with pytest.raises(RestoreFailed, match="cannot be told whether chroma was replaced") as raised:
            again.engine.recover()
        assert again.archive.name in raised.value.hint
        assert not raised.value.rolled_back
    assert again.clinic.files() == before
    assert sorted(box.rglob("*")) == boxed
    assert journal_of(again).exists()
    assert len(again.engine.archives()) == safeties

    # By hand, as OPEN-ME.txt says.
    shutil.rmtree(again.clinic.chroma)
    archive.extract(again.archive.path, folder / "by hand")
    for name in ("chroma", "prescriptions"):
        shutil.copytree(folder / "by hand" / name, again.clinic.data_dir / name, dirs_exist_ok=True)
    box.rename(folder / "elsewhere")
    assert again.engine.recover() is not None
    assert_tidy(again)


def test_a_swap_is_not_told_as_finished_where_what_was_to_come_is_gone(scene: Scene, folder: Path) -> None:
    one = cut_off_before_the_folders(scene, folder)
    shutil.rmtree(one.clinic.chroma)
    shutil.rmtree(next((one.clinic.data_dir / PRIVATE / "swap").glob("*/new/chroma")))
    with pytest.raises(RestoreFailed, match="chroma is gone"):
        one.engine.recover()
    assert journal_of(one).exists()


def test_a_number_that_another_file_has_got_since_is_not_taken_for_the_wanted_one(scene: Scene, folder: Path) -> None:
    let_a_day_pass(scene)
    again = numbered_anew(cut_off_before_the_folders(scene, folder), folder / "again")
    journal = json.loads(journal_of(again).read_bytes())
    for change in journal["changes"]:
        change["new"] = (again.clinic.data_dir / change["name"]).stat().st_ino
    written = journal_of(again).stat()
    journal_of(again).write_text(json.dumps(journal))
    os.utime(journal_of(again), ns=(written.st_atime_ns, written.st_mtime_ns))
    again.engine.recover()
    assert again.state() == "new"


def test_a_swap_that_an_older_version_has_begun_is_finished(scene: Scene, folder: Path) -> None:
    one = cut_off_before_the_folders(scene, folder)
    journal = json.loads(journal_of(one).read_bytes())
    journal.pop("box", None)
    for change in journal["changes"]:
        for added in ("new_time", "old_time", "new_inside", "old_inside"):
            change.pop(added, None)
    journal_of(one).write_text(json.dumps(journal))
    one.engine.recover()
    assert one.state() == "new"
    assert_tidy(one)


@pytest.mark.parametrize("lacking", ["the backup", "today's data"])
def test_folders_that_only_one_side_has_come_and_go_where_all_numbers_have_changed_since(
    scene: Scene, folder: Path, lacking: str
) -> None:
    clinic, engine = Clinic(scene.clinic.data_dir), scene.engine
    folders = (clinic.chroma, clinic.prescriptions)
    if lacking == "the backup":
        for path in folders:
            path.rename(folder / path.name)
    made = engine.create()
    archive.extract(made.path, folder / "made")
    for path in folders:
        if lacking == "the backup":
            (folder / path.name).rename(path)
        else:
            shutil.rmtree(path)
    clinic.admit("Later")
    one_sided = Scene(clinic, engine, made, data_of(clinic), data_of(Clinic(folder / "made")))
    recovered = 0
    for step in range(1, 100):
        one = one_sided.copy(folder / f"cut off at {step}")
        cut_off = in_a_copy_of_this_process(lambda one=one: one.engine.restore(one.archive), STEPS, step)  # type: ignore[misc]
        again = numbered_anew(one, folder / f"again after {step}")
        decided = again.engine.recover()
        recovered += decided is not None
        assert again.state() == ("new" if decided or not cut_off else "old"), step
        assert_tidy(again)
        if not cut_off:
            break
    assert recovered > 3
