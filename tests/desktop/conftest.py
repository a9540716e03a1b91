"""A desktop for the tests that ask for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .desk import Desk


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A desk of the test's own, without a screen and a bus as yet."""
    desk = Desk(tmp_path, monkeypatch)
    try:
        yield desk
    finally:
        desk.close()
