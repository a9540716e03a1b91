"""Notes of ours that a disk, a person or a foreign archive has spoilt: they stop nothing and lead nowhere."""

import pytest

from backup_core import BackupEngine
from backup_core.files import PRIVATE
from backup_core.history import Outcome, Trigger
from tests.clinic import Clinic
from tests.core.test_archive import member, zip_of


def test_private_notes_that_others_have_spoilt_stop_no_backup(engine: BackupEngine, clinic: Clinic) -> None:
    engine.create()
    private = clinic.data_dir / PRIVATE
    (private / "history.jsonl").write_bytes(b"\xff\x00 not a line\n{}\n[]\n")
    (private / "undo.json").write_bytes(b"\xff")
    (private / "staging" / "something").write_bytes(b"left")

    assert engine.create().is_good
    assert engine.back_up(Trigger.INTERVAL).outcome in (Outcome.MADE, Outcome.UNCHANGED)
    assert engine.undoable() is None


@pytest.mark.parametrize("origin", [b"", b"\xff\xfe", b"../../outside", b"*", b"a/b", b"x" * 5000], ids=len)
def test_an_origin_that_is_none_is_made_anew(engine: BackupEngine, clinic: Clinic, origin: bytes) -> None:
    engine.create()
    other = engine.backup_dir / PRIVATE / "another-origin-at-work.part"
    other.write_bytes(b"half an archive")
    (clinic.data_dir / PRIVATE / "origin").write_bytes(origin)

    made = engine.create()

    assert made.manifest is not None
    assert made.manifest.origin == engine.origin != origin.decode(errors="replace")
    assert other.exists()
    assert list(clinic.data_dir.parent.rglob("*.part")) == [other]


def test_an_origin_that_an_archive_brings_leads_nowhere(engine: BackupEngine, clinic: Clinic) -> None:
    engine.create()
    database = clinic.db.read_bytes()
    path = zip_of(
        clinic.data_dir.parent / "a.zip",
        [("clinic.db", database)],
        member("clinic.db", database),
        origin="../../../outside",
        sources={"clinic.db": True},
    )

    engine.restore(engine.find(path), other_clinic=True)

    assert engine.create().is_good
    assert [entry.name for entry in clinic.data_dir.parent.iterdir() if "outside" in entry.name] == []


@pytest.mark.parametrize("content", [b"", b"\xff", b"[1]", b'{"policy": 5, "pins": []}'])
@pytest.mark.parametrize("name", ["proofs.json", "rules.json", "alarm.json", "undo.json", "preferences.json"])
def test_spoilt_notes_stop_nothing(engine: BackupEngine, clinic: Clinic, name: str, content: bytes) -> None:
    archive = engine.create()
    for folder in (clinic.data_dir, engine.backup_dir):
        (folder / PRIVATE / name).write_bytes(content)
    engine = BackupEngine(clinic.data_dir)

    assert engine.back_up(Trigger.MANUAL).outcome is Outcome.MADE
    engine.restore(archive)
    engine.undo()
    engine.prune()
    assert archive.name in [one.name for one in engine.archives()]
