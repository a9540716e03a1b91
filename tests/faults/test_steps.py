"""A short form of `python -m tests.faults.step_matrix`, and a backup folder that goes away in mid-backup."""

import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from backup_core.errors import BackupError, RepositoryUnusable
from tests.audit import listening

from .spread import spread
from .step_matrix import ERRORS, MOVABLE, SCENES, StepMatrix, engine_of, make_scene, whole_state
from .steps import RENAMES

#: Steps that are refused in each operation with each error.
REFUSALS = 6


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is tried again is tried again at once."""
    monkeypatch.setattr("backup_core.files.time.sleep", lambda seconds: None)
    yield


@pytest.mark.parametrize("name", SCENES)
def test_nothing_is_lost_when_a_step_is_refused_or_held_or_the_folder_moves_away_in(name: str, tmp_path: Path) -> None:
    matrix = StepMatrix(make_scene(tmp_path, name), tmp_path)
    steps, moves = range(1, matrix.length() + 1), range(1, matrix.length(RENAMES) + 1)
    for offset, error in enumerate(ERRORS):
        matrix.refuse(error, spread(steps[offset:], REFUSALS))
    matrix.hold_thrice(spread(moves, REFUSALS))
    matrix.move_away(spread(range(1, matrix.length(MOVABLE) + 1), REFUSALS))
    assert not matrix.result.lost, "\n".join(matrix.result.lost)


@pytest.mark.parametrize(("step", "path"), [("sqlite3.connect", "staging"), ("open", ".part"), ("os.link", ".part")])
def test_a_backup_folder_that_goes_away_in_mid_backup_is_noticed_and_the_next_backup_works(
    step: str, path: str, tmp_path: Path
) -> None:
    scene = make_scene(tmp_path, "create")
    backups, pulled = scene.data / "backups", list[str]()

    def pull_the_plug(event: str, values: tuple[object, ...]) -> None:
        if event == step and path in str(values[0]) and not pulled:
            pulled.append(event)
            shutil.rmtree(backups)

    engine = engine_of(scene.data)
    with listening(pull_the_plug), pytest.raises(RepositoryUnusable):
        engine.create()
    assert pulled
    assert whole_state(scene.data) == scene.before
    made = engine.create()
    assert [one.name for one in engine.archives()] == [made.name]


@pytest.mark.parametrize("place", ["", "prescriptions", "chroma"])
def test_a_copy_of_the_data_that_may_not_be_listed_makes_no_backup_without_it(place: str, tmp_path: Path) -> None:
    scene = make_scene(tmp_path, "create")

    def refuse(event: str, values: tuple[object, ...]) -> None:
        _, staging, folder = str(values[0]).partition("/staging/") if event == "os.scandir" else ("", "", "")
        if staging and folder.partition("/")[2] == place:
            raise PermissionError(errno.EACCES, "refused")

    with listening(refuse), pytest.raises(BackupError):
        engine_of(scene.data).create()


def test_a_backup_folder_that_may_not_be_read_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    scene = make_scene(tmp_path, "create")
    folder = str(scene.data / "backups")

    def refuse(event: str, values: tuple[object, ...]) -> None:
        if event in ("os.listdir", "os.scandir") and str(values[0]) == folder:
            raise PermissionError(errno.EACCES, "refused")

    with listening(refuse), pytest.raises(RepositoryUnusable):
        engine_of(scene.data).archives()


def test_a_note_on_restores_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    scene = make_scene(tmp_path, "undo")

    def refuse(event: str, values: tuple[object, ...]) -> None:
        if event == "open" and str(values[0]).endswith("undo.json"):
            raise PermissionError(errno.EACCES, "refused")

    with listening(refuse), pytest.raises(BackupError, match="notes on past restores"):
        engine_of(scene.data).undo()
