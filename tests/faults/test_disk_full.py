"""A disk that is full, or fails, at some call of each operation: a short form of `python -m tests.faults.disk_matrix`.

Nothing is lost, the error says so, and the next run is fine.
"""

import errno
from pathlib import Path

import pytest

from .disk_matrix import FAULTS, DiskMatrix
from .puppet import Order, Puppet
from .scenes import NAMES, Scenery
from .shim import Mode
from .spread import spread

#: Calls that fail in each operation.
FAILURES = 2
#: Reads of live data that fail.
READS = 8


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_lost_when_the_disk_is_full_or_fails_during(
    name: str, scenery: Scenery, puppet: Puppet, tmp_path: Path
) -> None:
    matrix = DiskMatrix(scenery.scene(name), puppet, tmp_path)
    calls = matrix.calls()
    room = ("write", "pwrite", "mkdir", "rename")
    growing = [number for number, call in enumerate(calls, 1) if call.startswith(room)]
    faults = [fault for fault in FAULTS if fault != "unreadable"]
    for offset, fault in enumerate(faults):
        matrix.fail(fault, spread(growing[offset % len(growing) :], FAILURES), calls)
    assert matrix.result.points >= len(faults)
    assert not matrix.result.lost, "\n".join(matrix.result.lost)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_lost_when_the_last_call_of_each_kind_fails_once_in(
    name: str, scenery: Scenery, puppet: Puppet, tmp_path: Path
) -> None:
    matrix = DiskMatrix(scenery.scene(name), puppet, tmp_path)
    calls = matrix.calls()
    last = {call.partition("\t")[0]: number for number, call in enumerate(calls, 1)}
    assert {"fsync", "unlink"} & set(last)
    matrix.fail("broken-once", sorted(last.values()), calls)
    assert matrix.result.points == len(last)
    assert not matrix.result.lost, "\n".join(matrix.result.lost)


@pytest.mark.parametrize("name", ["create", "run", "restore-good"])
def test_no_backup_lacks_what_the_disk_would_not_read_during(
    name: str, scenery: Scenery, puppet: Puppet, tmp_path: Path
) -> None:
    scene = scenery.scene(name)
    matrix = DiskMatrix(scene, puppet, tmp_path)
    reads = matrix.points_of("unreadable")
    # Plain files are handed on by sendfile, which the other faults meet.
    assert {Path(read.split("\t")[1]).name for read in reads} >= {"clinic.db", "chroma.sqlite3"}
    matrix.fail("unreadable", spread(range(1, len(reads) + 1), READS), reads)
    assert matrix.result.points >= READS
    assert not matrix.result.lost, "\n".join(matrix.result.lost)


def test_a_disk_without_room_for_the_index_of_a_write_ahead_log_is_called_full(
    scenery: Scenery, puppet: Puppet, tmp_path: Path
) -> None:
    matrix = DiskMatrix(scenery.scene("restore-write-ahead"), puppet, tmp_path)
    calls = matrix.calls()
    index = [number for number, call in enumerate(calls, 1) if call.startswith("pwrite") and call.endswith("-shm")]
    assert index
    matrix.fail("full", spread(index, 4), calls)
    assert matrix.result.points >= 4
    assert not matrix.result.lost, "\n".join(matrix.result.lost)


def test_the_interface_of_the_emr_answers_that_no_backup_was_made_when_the_disk_is_full(
    scenery: Scenery, puppet: Puppet, tmp_path: Path
) -> None:
    scene = scenery.scene("create")
    data = tmp_path / "data"
    scene.copy(data)
    for point in (1, 40, 80, 120):
        end = puppet.obey(Order("auto_backup", str(data), mode=Mode.FAIL_FROM, at=point, error=errno.ENOSPC))
        assert (end.result, end.crash) == (False, "")
    assert puppet.obey(Order("auto_backup", str(data))).result is True


@pytest.mark.parametrize("name", ["restore-good", "armed"])
def test_a_restore_whose_journal_is_gone_is_not_called_failed(
    name: str, scenery: Scenery, puppet: Puppet, tmp_path: Path
) -> None:
    matrix = DiskMatrix(scenery.scene(name), puppet, tmp_path)
    calls = matrix.calls()
    forgotten = [number for number, call in enumerate(calls, 1) if call.startswith("unlink") and "journal.json" in call]
    assert forgotten
    matrix.fail("broken-once", [number + 1 for number in forgotten], calls)
    assert not matrix.result.lost, "\n".join(matrix.result.lost)
