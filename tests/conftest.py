"""What all tests may ask for: a clinic with both stores, the engine over it, and a clock to turn."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from backup_core import BackupEngine
from backup_core.places import DATA_DIR_VARIABLE
from tests.clinic import FOLDER_NAME, Clinic, make_clinic
from tests.fakeclock import FakeClock

# The gate tries the same examples each time, so that what it says is of the change that is tried.
settings.register_profile("gate", derandomize=True, deadline=None)
# Others each time, and more of them where a law names no number, with `pytest --hypothesis-profile=search`.
settings.register_profile("search", max_examples=2000, deadline=None)
settings.load_profile("gate")


@pytest.fixture(autouse=True)
def no_data_folder_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have chosen a data folder; it is none of theirs."""
    monkeypatch.delenv(DATA_DIR_VARIABLE, raising=False)


@pytest.fixture(scope="session", autouse=True)
def no_log_of_this_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Whoever runs the tests has a log of their own; ours write to another."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def made_clinic(tmp_path_factory: pytest.TempPathFactory) -> Clinic:
    """The clinic that all others are copies of; nobody changes it."""
    return make_clinic(tmp_path_factory.mktemp("made") / FOLDER_NAME)


@pytest.fixture
def clinic(made_clinic: Clinic, tmp_path: Path) -> Clinic:
    """A clinic of the test's own: 60 patients, a vector store, prescriptions and settings."""
    shutil.copytree(made_clinic.data_dir, tmp_path / FOLDER_NAME)
    return Clinic(tmp_path / FOLDER_NAME)


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still until it is turned."""
    return FakeClock()


@pytest.fixture
def engine(clinic: Clinic, clock: FakeClock) -> BackupEngine:
    """The engine over the clinic, with the clock."""
    return BackupEngine(clinic.data_dir, clock=clock, patience=30)
