"""Operations killed at some of the calls that change the disk: a short form of `python -m tests.faults.kill_matrix`.

After each kill and recover() the data is wholly old or wholly new, nothing was touched before it was kept, clinic.db
was never absent, and every archive in the list is whole.
"""

from pathlib import Path

import pytest

from .kill_matrix import KillMatrix
from .puppet import Puppet
from .scenes import NAMES, Scenery
from .spread import spread

#: Of the calls of each operation so many-th is a point, and a few more where files change places.
EVERY = 5
PLACES = ("rename", "link", "unlink\t")
MORE = 4


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_lost_when_the_power_goes_during(
    name: str, scenery: Scenery, puppet: Puppet, tmp_path: Path
) -> None:
    matrix = KillMatrix(scenery.scene(name), puppet, tmp_path)
    calls = matrix.calls()
    # Not the same calls in every scene: much of what they do is alike.
    first = 1 + NAMES.index(name) % EVERY
    swapping = [number for number, call in enumerate(calls, 1) if call.startswith(PLACES)]
    points = sorted({*range(first, len(calls) + 1, EVERY), *spread(swapping, MORE)})
    matrix.kill(points)
    # Threads take turns as they like, so that an operation may have ended before the last points.
    assert matrix.result.points >= len(points) - 2
    assert not matrix.result.lost, "\n".join(matrix.result.lost)


def test_nothing_is_lost_when_the_power_goes_again_while_a_restore_is_finished(
    scenery: Scenery, puppet: Puppet, tmp_path: Path
) -> None:
    matrix = KillMatrix(scenery.scene("restore-good"), puppet, tmp_path)
    links = [number for number, call in enumerate(matrix.calls(), 1) if call.startswith("link\t")]
    # The one before is the safety backup's, as it gets its name.
    matrix.kill([links[-1] + 1])
    assert matrix.result.pending, "the swap was to be interrupted"
    matrix.kill_twice(matrix.result.pending, step=8)
    assert matrix.result.points > MORE
    assert not matrix.result.lost, "\n".join(matrix.result.lost)
