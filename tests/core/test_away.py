"""The data folder goes away, as with its drive, while a backup that lies elsewhere is read: nothing is made up."""

from collections.abc import Callable
from pathlib import Path

import pytest

from backup_core import BackupEngine
from backup_core.errors import ArchiveUnusable, BackupError
from backup_core.listing import Archive, State
from backup_core.progress import Progress, Stage
from tests.audit import listening
from tests.clinic import Clinic


@pytest.fixture
def engine(clinic: Clinic, tmp_path: Path) -> BackupEngine:
    """An engine whose backups lie on another drive than the data."""
    return BackupEngine(clinic.data_dir, tmp_path / "backups", patience=1)


#: How often each opens the ZIP at least, before it has all it needs.
READERS: list[tuple[Callable[[BackupEngine, Archive], object], int]] = [
    (lambda engine, made: engine.restore(made), 3),
    (lambda engine, made: engine.prove(made), 3),
    (lambda engine, made: engine.verify(made), 3),
    (lambda engine, made: engine.compare(made), 2),
]


@pytest.mark.parametrize(("read", "opens"), READERS, ids=["restore", "prove", "verify", "compare"])
def test_what_is_read_of_a_backup_makes_no_data_folder_up(
    engine: BackupEngine, clinic: Clinic, tmp_path: Path, read: Callable[[BackupEngine, Archive], object], opens: int
) -> None:
    made = engine.create()
    aside = tmp_path / "unplugged"
    for turn in range(1, opens + 1):
        left = [turn]

        def unplug(event: str, values: tuple[object, ...], left: list[int] = left) -> None:
            if event == "open" and str(values[0]) == str(made.path):
                left[0] -= 1
                if left[0] == 0:
                    clinic.data_dir.rename(aside)

        with listening(unplug), pytest.raises(BackupError) as raised:
            read(engine, made)

        assert not isinstance(raised.value, ArchiveUnusable)
        assert not clinic.data_dir.exists()
        aside.rename(clinic.data_dir)
        engine.recover()
        assert engine.find(made.name).state is State.VERIFIED


@pytest.mark.parametrize(("look", "words"), [(1, "went away"), (2, "could not be opened just now")])
def test_a_drive_that_goes_while_a_backup_is_opened_proves_nothing_and_damages_nothing(
    engine: BackupEngine, clinic: Clinic, tmp_path: Path, look: int, words: str
) -> None:
    made = engine.create()
    aside = tmp_path / "unplugged"
    left = [look]

    def unplug(progress: Progress) -> None:
        # At the second look the child is at work: it takes more than a second before it opens the store.
        if progress.stage is Stage.PROVE:
            left[0] -= 1
            if left[0] == 0:
                clinic.data_dir.rename(aside)

    with pytest.raises(BackupError, match=words):
        engine.prove(made, on_progress=unplug)

    assert not clinic.data_dir.exists()
    assert engine.find(made.name).state is State.VERIFIED
