"""The contract of BackupService: what the EMR's code may rely on, word for word."""

import json
import logging
import shutil
import sqlite3
import zipfile
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from backup_core import BackupService
from backup_core.clock import SYSTEM_CLOCK
from backup_core.manifest import MANIFEST_NAME
from backup_core.repository import Repository
from tests.clinic import PATIENTS, Clinic


@pytest.fixture
def service(clinic: Clinic) -> BackupService:
    return BackupService(data_dir=clinic.data_dir, backup_dir=clinic.data_dir / "backups", max_backups=10)


def manifest_of(path: Path) -> dict[str, object]:
    with zipfile.ZipFile(path) as archive:
        document = json.loads(archive.read(MANIFEST_NAME))
    assert isinstance(document, dict)
    return document


def created(service: BackupService) -> Path:
    path = service.create_backup()
    assert path is not None
    return path


def test_a_backup_is_a_zip_of_both_stores_named_by_local_time(service: BackupService, clinic: Clinic) -> None:
    before = SYSTEM_CLOCK.local().replace(microsecond=0)
    path = created(service)

    assert path.parent == clinic.data_dir / "backups"
    named = datetime.strptime(path.name, "backup_%Y-%m-%d_%H-%M-%S.zip")  # noqa: DTZ007 - local, as promised
    assert before <= named <= SYSTEM_CLOCK.local()
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert {"clinic.db", "chroma/chroma.sqlite3", "prescriptions/Zoë Müller – राम.pdf", "settings.json"} < set(
            archive.namelist()
        )


def test_the_manifest_has_the_keys_of_old_and_the_documented_ones_beside_them(
    service: BackupService, clinic: Clinic
) -> None:
    clinic.admit("Zoë")
    manifest = manifest_of(created(service))

    assert datetime.fromisoformat(str(manifest["created_at"])).tzinfo is None
    assert (manifest["version"], manifest["patient_count"], manifest["visit_count"]) == (
        "1.0",
        PATIENTS + 1,
        2 * PATIENTS + 1,
    )
    assert isinstance(manifest["app_version"], str)
    ours = "created_at_utc sequence origin format trigger schema_version state counts members sqlite_version".split()
    assert {*ours, "chroma_version", "host"} < manifest.keys()
    assert manifest["trigger"] == "api"
    assert manifest["schema_version"] == 3
    assert manifest["counts"] == {
        "patients": PATIENTS + 1,
        "visits": 2 * PATIENTS + 1,
        "investigations": 0,
        "procedures": 0,
        "schema_versions": 1,
        "chroma:patient_summaries": PATIENTS,
        "chroma:patient_documents": PATIENTS,
    }


def test_several_backups_within_one_second_all_survive_and_are_listed_newest_first(service: BackupService) -> None:
    made = [created(service) for _ in range(4)]

    assert len({path.name for path in made}) == 4
    assert [backup["path"] for backup in service.list_backups()] == made[::-1]


def test_a_listed_backup_has_what_the_emr_shows(service: BackupService) -> None:
    path = created(service)

    (backup,) = service.list_backups()

    assert backup["path"] == path
    assert isinstance(backup["path"], Path)
    assert backup["filename"] == path.name
    assert backup["size_bytes"] == path.stat().st_size
    assert (backup["patient_count"], backup["visit_count"]) == (PATIENTS, 2 * PATIENTS)
    assert datetime.fromisoformat(backup["created_at"]) == service.get_last_backup_time()


def test_the_last_backup_time_can_be_subtracted_from_the_local_time(service: BackupService) -> None:
    assert service.get_last_backup_time() is None
    created(service)

    last = service.get_last_backup_time()

    assert last is not None
    assert timedelta(0) <= datetime.now() - last < timedelta(minutes=1)  # noqa: DTZ005 - as the EMR does it


def test_a_restore_brings_back_the_data_and_its_safety_backup_is_not_listed(
    service: BackupService, clinic: Clinic
) -> None:
    path, rows = created(service), clinic.rows()
    clinic.admit("Too much")

    assert service.restore_backup(path) is True

    assert clinic.rows() == rows
    assert [backup["path"] for backup in service.list_backups()] == [path]
    assert len(list(service.backup_dir.glob("safety_backup_*.zip"))) == 1


def test_a_restore_takes_a_name_or_a_path_as_text(service: BackupService, clinic: Clinic) -> None:
    path = created(service)
    for wanted in (str(path), path.name):
        clinic.admit(f"Too much {wanted}")
        assert service.restore_backup(wanted) is True
        assert len(clinic.names()) == PATIENTS


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_a_restore_works_while_the_emr_itself_has_the_data_open(
    service: BackupService, clinic: Clinic, mode: str
) -> None:
    clinic.sql(f"PRAGMA journal_mode = {mode}")
    path = created(service)
    clinic.admit("Too much")
    with closing(sqlite3.connect(clinic.db)) as of_the_emr:
        assert of_the_emr.execute("SELECT count(*) FROM patients").fetchone() == (PATIENTS + 1,)

        assert service.restore_backup(path) is True

    assert len(clinic.names()) == PATIENTS


def test_creating_never_tidies_up_and_auto_backup_keeps_the_newest_max_backups(clinic: Clinic) -> None:
    service = BackupService(clinic.data_dir, max_backups=2)
    made = [created(service) for _ in range(4)]
    assert len(service.list_backups()) == 4

    assert service.auto_backup() is True

    kept = [backup["path"] for backup in service.list_backups()]
    assert len(kept) == 2
    assert kept[1] == made[-1]


def test_tidying_up_keeps_the_newest_and_returns_nothing(clinic: Clinic) -> None:
    service = BackupService(clinic.data_dir, max_backups=1)
    newest = [created(service) for _ in range(3)][-1]

    assert service.cleanup_old_backups() is None  # type: ignore[func-returns-value]

    assert [backup["path"] for backup in service.list_backups()] == [newest]


def test_tidying_up_leaves_safety_backups_and_damaged_ones(clinic: Clinic) -> None:
    service = BackupService(clinic.data_dir, max_backups=1)
    damaged = service.backup_dir / "backup_2020-01-01_00-00-00.zip"
    damaged.write_bytes(b"not a ZIP")
    assert service.restore_backup(created(service))
    created(service)

    service.cleanup_old_backups()

    assert damaged.exists()
    assert len(list(service.backup_dir.glob("safety_backup_*.zip"))) == 1
    assert len(service.list_backups()) == 1


def test_the_folders_are_made_and_default_to_data_and_backups_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    service = BackupService()

    assert (service.data_dir, service.backup_dir, service.max_backups) == (Path("data"), Path("data/backups"), 10)
    assert (tmp_path / "data" / "backups").is_dir()


def test_the_environment_names_the_data_folder_and_an_argument_overrules_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCASSIST_DATA_DIR", str(tmp_path / "from outside"))

    assert BackupService().backup_dir == tmp_path / "from outside" / "backups"
    assert BackupService(tmp_path / "said").data_dir == tmp_path / "said"

    monkeypatch.setenv("DOCASSIST_DATA_DIR", "")
    monkeypatch.chdir(tmp_path)
    assert BackupService().data_dir == Path("data")


def test_paths_may_be_text_and_the_backup_folder_may_lie_elsewhere(clinic: Clinic, tmp_path: Path) -> None:
    service = BackupService(str(clinic.data_dir), str(tmp_path / "usb stick" / "Sicherungen"))

    assert created(service).parent == tmp_path / "usb stick" / "Sicherungen"


def test_a_relative_data_folder_is_the_one_of_the_beginning(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clinic.data_dir.parent)
    service = BackupService(clinic.data_dir.name)
    monkeypatch.chdir("/")

    assert created(service).parent == clinic.data_dir / "backups"


@pytest.mark.parametrize("number", [0, -1])
def test_keeping_no_backup_at_all_is_a_mistake_of_the_caller(tmp_path: Path, number: int) -> None:
    with pytest.raises(ValueError, match="max_backups"):
        BackupService(tmp_path, max_backups=number)


def test_without_a_vector_store_the_database_alone_is_backed_up(service: BackupService, clinic: Clinic) -> None:
    shutil.rmtree(clinic.chroma)

    with zipfile.ZipFile(created(service)) as archive:
        assert [name for name in archive.namelist() if name.startswith("chroma")] == []


def test_an_empty_vector_store_comes_back_as_an_empty_folder(service: BackupService, clinic: Clinic) -> None:
    shutil.rmtree(clinic.chroma)
    clinic.chroma.mkdir()
    path = created(service)
    clinic.chroma.rmdir()

    assert service.restore_backup(path)

    assert list(clinic.chroma.iterdir()) == []


def test_plain_files_in_the_place_of_the_vector_store_are_copied_as_they_are(
    service: BackupService, clinic: Clinic
) -> None:
    shutil.rmtree(clinic.chroma)
    (clinic.chroma / "sub" / "none").mkdir(parents=True)
    (clinic.chroma / "notes.txt").write_bytes(b"no store")
    (clinic.chroma / "sub" / "Thumbs.db").write_bytes(b"only named like a database")
    (clinic.chroma / "sub" / "empty.sqlite3").touch()
    files, path = clinic.files(), created(service)
    shutil.rmtree(clinic.chroma)

    assert service.restore_backup(path)

    assert clinic.files().keys() == files.keys()
    assert clinic.plain_files()["chroma/notes.txt"] == b"no store"
    assert clinic.files()["chroma/sub/Thumbs.db"] == files["chroma/sub/Thumbs.db"]
    assert (clinic.chroma / "sub" / "none").is_dir()


def test_what_cannot_be_backed_up_answers_none_and_false_and_says_why_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    service = BackupService(tmp_path / "no clinic in here")
    with caplog.at_level(logging.ERROR, logger="backup_core"):
        assert service.create_backup() is None
        assert service.auto_backup() is False
        assert service.restore_backup("backup_2026-01-01_00-00-00.zip") is False

    assert [record.exc_info is not None for record in caplog.records] == [True] * 3
    assert service.list_backups() == []
    assert service.get_last_backup_time() is None
    assert list(service.backup_dir.glob("*.zip")) == []


def test_a_drive_that_went_away_is_an_empty_list_and_a_line_in_the_log(
    clinic: Clinic, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    service = BackupService(clinic.data_dir, tmp_path / "drive" / "backups")
    created(service)
    shutil.rmtree(tmp_path / "drive")

    assert service.list_backups() == []
    assert service.get_last_backup_time() is None
    assert service.create_backup() is None
    service.cleanup_old_backups()

    assert caplog.text.count("is not there") >= 3
    assert "could not be tidied up" in caplog.text
    assert not (tmp_path / "drive").exists()


def test_a_programming_error_is_not_swallowed(service: BackupService, monkeypatch: pytest.MonkeyPatch) -> None:
    path = created(service)

    def planted(*arguments: object, **named: object) -> None:
        raise TypeError("planted")

    monkeypatch.setattr(Repository, "archives", planted)
    for call in (service.create_backup, service.auto_backup, service.list_backups, service.cleanup_old_backups):
        with pytest.raises(TypeError, match="planted"):
            call()
    with pytest.raises(TypeError, match="planted"):
        service.restore_backup(path)
