"""What the matrices of faults work on: processes that can be made to fail, and scenes to fail in."""

from collections.abc import Iterator

import pytest

from .puppet import Puppet
from .scenes import Scenery
from .shim import build


@pytest.fixture(scope="module")
def puppet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Puppet]:
    """Processes of ours whose calls to the system are counted, and fail or kill at a chosen one."""
    with Puppet(build(tmp_path_factory.mktemp("shim"))) as running:
        yield running


@pytest.fixture(scope="module")
def scenery(tmp_path_factory: pytest.TempPathFactory) -> Scenery:
    """The clinics before each operation, made once for a module."""
    return Scenery(tmp_path_factory.mktemp("scenes"))
