"""Copies of archives on another drive: re-read there, remembered, and nothing that lies there is touched."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from backup_core import BackupEngine
from backup_core.copier import FOLDER
from backup_core.errors import ArchiveUnusable, CopyFailed, RepositoryFull
from backup_core.files import free_space
from backup_core.listing import Archive
from backup_core.progress import OnProgress, Progress, Stage, ignore
from backup_core.runs import Action, Outcome, Trigger
from tests.clinic import Clinic
from tests.fakeclock import FakeClock


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """A folder outside of the clinic's, as a stick is."""
    stick = tmp_path / "media" / "STICK"
    stick.mkdir(parents=True)
    return stick


def save(engine: BackupEngine, archive: Archive, place: Path, on_progress: OnProgress = ignore) -> Path:
    return engine.copier.save(archive, place, Trigger.MANUAL, on_progress).path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def at_first(stage: Stage, act: Callable[[], object]) -> OnProgress:
    """Return a listener that does something once, when a stage begins."""
    seen: set[Stage] = set()

    def listen(progress: Progress) -> None:
        if progress.stage not in seen:
            seen.add(progress.stage)
            if progress.stage is stage:
                act()

    return listen


def spoil(path: Path) -> None:
    """Change a byte near the end of the last large member."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)


def test_a_copy_is_the_archive_byte_for_byte_and_is_remembered(
    engine: BackupEngine, stick: Path, clock: FakeClock
) -> None:
    archive = engine.create()
    stages: list[Stage] = []
    path = save(engine, archive, stick, lambda progress: stages.append(progress.stage))
    assert path == stick / FOLDER / archive.name
    assert path.read_bytes() == archive.path.read_bytes()
    assert names(stick / FOLDER) == [archive.name]
    assert list(dict.fromkeys(stages)) == [Stage.COPY, Stage.VERIFY]
    remembered = engine.copier.copies()[0]
    assert (remembered.archive, remembered.path, remembered.at) == (archive.name, path, clock.now())
    run = engine.history.runs()[0]
    assert run.action is Action.COPY
    assert (run.outcome, run.archive, run.facts["place"]) == (Outcome.DONE, archive.name, str(stick / FOLDER))


def test_a_copy_that_is_there_is_read_again_and_not_made_twice(engine: BackupEngine, stick: Path) -> None:
    archive = engine.create()
    first = save(engine, archive, stick)
    assert save(engine, archive, stick / FOLDER) == first
    assert names(stick / FOLDER) == [archive.name]
    assert len(engine.copier.copies()) == 1


def test_a_spoilt_copy_gets_a_good_one_beside_it(engine: BackupEngine, stick: Path) -> None:
    archive = engine.create()
    spoil(save(engine, archive, stick))
    again = save(engine, archive, stick)
    assert again.name == f"{Path(archive.name).stem}_2.zip"
    assert again.read_bytes() == archive.path.read_bytes()


def test_a_file_of_the_same_name_is_left_alone(engine: BackupEngine, stick: Path) -> None:
    archive = engine.create()
    (stick / FOLDER).mkdir()
    (stick / FOLDER / archive.name).write_text("another clinic's")
    assert save(engine, archive, stick).name != archive.name
    assert (stick / FOLDER / archive.name).read_text() == "another clinic's"


def test_a_drive_that_keeps_other_bytes_is_found_out(engine: BackupEngine, stick: Path) -> None:
    archive = engine.create()

    def wear_out() -> None:
        spoil(next((stick / FOLDER).glob("*.part")))

    with pytest.raises(CopyFailed, match="did not keep"):
        save(engine, archive, stick, at_first(Stage.VERIFY, wear_out))
    assert names(stick / FOLDER) == []
    assert engine.copier.copies() == []


def test_an_archive_that_rotted_since_is_said_to_be_damaged(engine: BackupEngine, stick: Path) -> None:
    archive = engine.create()
    spoil(archive.path)
    with pytest.raises(ArchiveUnusable):
        save(engine, archive, stick)
    assert names(stick / FOLDER) == []


def test_a_drive_that_is_pulled_out_leaves_one_sentence(engine: BackupEngine, stick: Path) -> None:
    archive = engine.create()
    with pytest.raises(CopyFailed, match="could not be put on") as raised:
        save(engine, archive, stick, at_first(Stage.COPY, lambda: shutil.rmtree(stick)))
    assert "still connected" in raised.value.hint
    assert not stick.exists()
    with pytest.raises(CopyFailed, match="is not there"):
        save(engine, archive, stick)


def test_what_a_cut_off_copy_has_left_goes_with_the_next(engine: BackupEngine, stick: Path) -> None:
    archive = engine.create()
    (stick / FOLDER).mkdir()
    left = stick / FOLDER / f"backup_2026-01-01_10-00-00.zip.{engine.origin}.part"
    foreign = stick / FOLDER / "thesis.part"
    left.write_bytes(b"half")
    foreign.write_bytes(b"all of it")
    save(engine, archive, stick)
    assert names(stick / FOLDER) == sorted([archive.name, "thesis.part"])


@pytest.mark.parametrize("inside", [".", "backups", "chroma"])
def test_a_copy_beside_the_backups_is_no_copy(engine: BackupEngine, clinic: Clinic, inside: str) -> None:
    archive = engine.create()
    with pytest.raises(CopyFailed, match="lost together"):
        save(engine, archive, clinic.data_dir / inside)


def test_a_full_drive_is_seen_before_anything_is_written(
    engine: BackupEngine, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = engine.create()
    room = free_space(stick)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(room, room, 1000))
    with pytest.raises(RepositoryFull, match="room for the copy"):
        save(engine, archive, stick)
    assert names(stick / FOLDER) == []


def test_spoilt_notes_of_copies_are_no_notes(engine: BackupEngine, clinic: Clinic, stick: Path) -> None:
    archive = engine.create()
    save(engine, archive, stick)
    (clinic.data_dir / ".docassist-backup" / "copies.json").write_text('[{"archive": 1}]')
    assert engine.copier.copies() == []
    assert save(engine, archive, stick).exists()
