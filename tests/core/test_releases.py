"""The archive of every format that was ever made: it is listed, verified, opened and restored, for ever."""

import json
import shutil
import sqlite3
import zipfile
from datetime import datetime
from pathlib import Path

import pytest

from backup_core import BackupEngine, openme
from backup_core.errors import SourceDamaged
from backup_core.listing import State
from backup_core.manifest import FORMAT, MANIFEST_NAME
from tests.clinic import Clinic

RELEASES = Path(__file__).parent / "releases"
ARCHIVES = sorted(RELEASES.glob("*.zip"))
#: Without a search index; the others have tests of their own.
PLAIN = [path for path in ARCHIVES if not path.stem.endswith(("-index", "-raw"))]
MADE = datetime.fromisoformat("2026-01-31T18:00:00")
NAME = "backup_2026-01-31_18-00-00.zip"


def test_every_format_has_its_archive_here() -> None:
    kinds = ("sealed", "index", "raw")
    ours = {"format-1.zip"} | {f"format-{number}-{kind}.zip" for number in range(1, FORMAT + 1) for kind in kinds}
    assert {path.name for path in ARCHIVES} == ours | {"docassist-1.0.zip", "docassist-2.0.zip"}
    assert all(path.stat().st_size < 20_000 for path in PLAIN)
    assert all(path.stat().st_size < 100_000 for path in ARCHIVES)


def brought_by(release: Path) -> dict[str, bytes]:
    """Return what another program unpacks from an archive, without what is there for people and for us."""
    with zipfile.ZipFile(release) as file:
        names = [name for name in file.namelist() if name not in (MANIFEST_NAME, openme.NAME) and name[-1] != "/"]
        return {name: file.read(name) for name in names}


def engine_with(release: Path, data: Path) -> BackupEngine:
    """Return the engine of a new data folder, in whose backup folder the archive lies."""
    (data / "backups").mkdir(parents=True)
    shutil.copy2(release, data / "backups" / NAME)
    return BackupEngine(data)


@pytest.mark.parametrize("release", PLAIN, ids=lambda path: path.stem)
def test_an_archive_of_each_format_is_listed_verified_opened_and_restored(release: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    engine = engine_with(release, data)

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
    assert Clinic(data).files() == brought_by(release)
    assert engine.create().manifest is not None


@pytest.mark.parametrize("number", range(1, FORMAT + 1))
def test_the_search_index_of_each_format_is_opened_and_comes_back_with_all_else(number: int, tmp_path: Path) -> None:
    release, data = RELEASES / f"format-{number}-index.zip", tmp_path / "data"
    engine = engine_with(release, data)
    (listed,) = engine.archives()

    proof = engine.prove(listed)
    assert proof.ok, proof
    assert (proof.patients, proof.visits, proof.entries, proof.asked) == (2, 4, 24, 24)
    assert not proof.remark

    restored = engine.restore(listed)
    assert (restored.patient_count, restored.visit_count) == (2, 4)
    files = Clinic(data).files()
    assert files == brought_by(release)
    assert sum(name.endswith("/header.bin") for name in files) == 1
    assert files["prescriptions/été 2026/Zoë 处方.pdf"] == b"%PDF-1.7 sample"
    assert json.loads(files["settings.json"])["doctor"]["name"] == "Dr. Zoë Sample"
    assert Clinic(data).names() == ["Asha Ångström", "Bela"]

    # The same clinic, with what was restored in it, is backed up and opened again.
    again = engine.prove(engine.create())
    assert (again.ok, again.asked) == (True, 24)


@pytest.mark.parametrize("number", range(1, FORMAT + 1))
def test_what_each_format_kept_of_damaged_data_comes_back_byte_for_byte(number: int, tmp_path: Path) -> None:
    release, data = RELEASES / f"format-{number}-raw.zip", tmp_path / "data"
    engine = engine_with(release, data)
    (listed,) = engine.archives()
    assert listed.manifest is not None
    assert listed.manifest.is_raw

    engine.verify(listed)
    proof = engine.prove(listed)
    assert (proof.ok, proof.asked) == (True, 0)
    assert "damaged data" in proof.remark

    engine.restore(listed)
    assert Clinic(data).files() == brought_by(release)
    with pytest.raises(sqlite3.DatabaseError):
        Clinic(data).names()
    with pytest.raises(SourceDamaged):
        engine.create()


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
