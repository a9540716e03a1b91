"""A desktop for the tests that ask for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .clinic import make_clinic
from .desk import Desk
from .parts import Launcher, make_small_clinic


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A desk of the test's own, without a screen and a bus as yet."""
    desk = Desk(tmp_path, monkeypatch)
    try:
        yield desk
    finally:
        desk.close()


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[Launcher]:
    """The parts of a launcher on a small clinic; what it has started is ended."""
    make_small_clinic(tmp_path / "data")
    launcher = Launcher(tmp_path / "data")
    yield launcher
    launcher.emr.close(1)
    launcher.jobs.close(30)


@pytest.fixture(scope="session")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample clinic to copy: making one takes seconds."""
    return make_clinic(tmp_path_factory.mktemp("sample") / "clinic")
