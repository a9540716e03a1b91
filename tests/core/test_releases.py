"""The archive of every format that was ever made: it is listed, verified, opened and restored, for ever."""

import shutil
from datetime import datetime
from pathlib import Path

import pytest

from backup_core import BackupEngine
from backup_core.listing import State
from backup_core.manifest import FORMAT
from tests.clinic import Clinic

RELEASES = Path(__file__).parent / "releases"
ARCHIVES = sorted(RELEASES.glob("*.zip"))
MADE = datetime.fromisoformat("2026-01-31T18:00:00")
NAME = "backup_2026-01-31_18-00-00.zip"


def test_every_format_has_its_archive_here() -> None:
    ours = {"format-1.zip"} | {f"format-{number}-sealed.zip" for number in range(1, FORMAT + 1)}
    assert {path.name for path in ARCHIVES} == ours | {"docassist-1.0.zip", "docassist-2.0.zip"}
    assert all(path.stat().st_size < 20_000 for path in ARCHIVES)


@pytest.mark.parametrize("release", ARCHIVES, ids=lambda path: path.stem)
def test_an_archive_of_each_format_is_listed_verified_opened_and_restored(release: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "backups").mkdir(parents=True)
    shutil.copy2(release, data / "backups" / NAME)
    engine = BackupEngine(data)

    (listed,) = engine.archives()
    assert listed.is_good
    assert listed.state is (State.LEGACY if release.stem.startswith("docassist") else State.VERIFIED)
    assert listed.created_at == MADE
    assert listed.manifest is not None
    assert (listed.manifest.patient_count, listed.manifest.visit_count) == (2, 4)

    engine.verify(listed)
    proof = engine.prove(listed)
    assert proof.ok, proof
    assert (proof.patients, proof.visits, proof.entries, proof.asked) == (2, 4, 4, 4)

    restored = engine.restore(listed)
    assert (restored.patient_count, restored.visit_count, restored.safety) == (2, 4, None)
    assert [name for (name,) in Clinic(data).sql("SELECT uhid FROM patients ORDER BY id")] == ["S-000001", "S-000002"]
    assert (data / "chroma" / "chroma.sqlite3").is_file()
    assert engine.create().manifest is not None


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_an_archive_of_docassist_itself_leaves_alone_what_it_does_not_hold(
    version: str, engine: BackupEngine, clinic: Clinic
) -> None:
    before = clinic.files()
    restored = engine.restore(engine.find(RELEASES / f"docassist-{version}.zip"), other_clinic=True)
    assert restored.patient_count == 2
    after = clinic.files()
    kept = [name for name in before if name.startswith(("prescriptions/", "settings.json"))]
    assert len(kept) > 1
    assert {name: after.get(name) for name in kept} == {name: before[name] for name in kept}
