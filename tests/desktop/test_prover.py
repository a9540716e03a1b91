"""Archives are opened in the background, one at a time, when nobody is slowed by it."""

import queue
from collections.abc import Iterator
from datetime import timedelta

import pytest

from backup_core.history import Trigger
from backup_core.listing import Archive, State
from backup_core.proofs import Proof
from tray.prover import Prover

from .parts import Launcher

Proofs = queue.Queue[tuple[Archive, Proof]]
LONG = timedelta(hours=2)


@pytest.fixture
def proofs() -> Proofs:
    return queue.Queue()


@pytest.fixture
def prover(launcher: Launcher, proofs: Proofs) -> Iterator[Prover]:
    launcher.engine.create(Trigger.MANUAL)
    yield Prover(launcher.clock, lambda archive, proof: proofs.put((archive, proof)))


def test_a_new_backup_is_opened_when_it_has_waited_for_long(launcher: Launcher, prover: Prover, proofs: Proofs) -> None:
    prover.tick(launcher.engine)
    assert proofs.empty(), "somebody has just written to the data"
    launcher.clock.pass_time(LONG)
    prover.tick(launcher.engine)
    archive, proof = proofs.get(timeout=60)
    assert proof.problem == ""
    assert [one.state for one in launcher.engine.archives()] == [State.PROVEN]
    assert archive.name == launcher.engine.archives()[0].name

    launcher.clock.pass_time(LONG)
    prover.tick(launcher.engine)
    launcher.clock.pass_time(LONG)
    prover.tick(launcher.engine)
    assert proofs.empty(), "it was opened already"


def test_a_damaged_backup_is_told(launcher: Launcher, prover: Prover, proofs: Proofs) -> None:
    path = launcher.engine.archives()[0].path
    damaged = bytearray(path.read_bytes())
    damaged[200] ^= 0xFF
    path.write_bytes(damaged)
    prover.tick(launcher.engine)
    launcher.clock.pass_time(LONG)
    prover.tick(launcher.engine)
    assert proofs.get(timeout=60)[1].problem


def test_a_backup_folder_that_cannot_be_read_stops_nothing(
    launcher: Launcher, prover: Prover, proofs: Proofs, caplog: pytest.LogCaptureFixture
) -> None:
    launcher.engine.backup_dir.rename(launcher.data_dir / "away")
    launcher.engine.backup_dir.write_text("a file where the folder should be")
    prover.tick(launcher.engine)
    assert "could not look for an archive" in caplog.text
    assert proofs.empty()
