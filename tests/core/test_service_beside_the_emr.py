"""BackupService as the EMR uses it: from many threads, beside its window, and next to its own older code."""

import os
import shutil
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from backup_core import BackupEngine, BackupService
from backup_core.errors import BackupError, RepositoryLocked
from backup_core.files import PRIVATE
from backup_core.listing import State
from backup_core.locks import locked
from backup_core.progress import Progress, Stage
from tests.audit import listening
from tests.clinic import PATIENTS, Clinic
from tests.core import oldemr

WHEN = datetime(2026, 1, 31, 18, 0, 0)  # noqa: DTZ001 - local, as the EMR has it
CHILDREN = ("subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.exec", "os.system")
LATER_VERSION = {"version": "2.0", "encrypted": False}


@pytest.fixture
def service(clinic: Clinic) -> BackupService:
    return BackupService(clinic.data_dir)


def test_four_threads_at_once_each_get_their_own_archive(service: BackupService, clinic: Clinic) -> None:
    answers: list[Path | bool | None] = []
    calls = [service.create_backup, service.auto_backup, service.create_backup, service.auto_backup]
    threads = [threading.Thread(target=lambda call=call: answers.append(call())) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    paths = [answer for answer in answers if isinstance(answer, Path)]
    assert len(answers) == 4
    assert len(set(paths)) == 2
    assert answers.count(True) == 2
    assert len(service.list_backups()) == 4
    assert list(clinic.data_dir.rglob("*.part")) == []


def test_two_instances_of_two_programs_wait_for_each_other(clinic: Clinic) -> None:
    answers: list[Path | None] = []
    services = [BackupService(clinic.data_dir) for _ in range(2)]
    threads = [threading.Thread(target=lambda one=one: answers.append(one.create_backup())) for one in services]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert None not in answers
    assert len(set(answers)) == 2


def test_a_second_caller_gives_up_after_a_while_saying_why(clinic: Clinic) -> None:
    with locked(clinic.data_dir, 1, BackupError), pytest.raises(RepositoryLocked, match="Another backup"):
        BackupEngine(clinic.data_dir, patience=0.1).create()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="cut off in a copy of this process")
@pytest.mark.parametrize("stage", [Stage.SNAPSHOT, Stage.PACK, Stage.VERIFY])
def test_a_program_that_dies_in_a_backup_leaves_only_what_the_next_sweeps(clinic: Clinic, stage: Stage) -> None:
    def die(progress: Progress) -> None:
        if progress.stage is stage and progress.done == progress.total:
            os._exit(9)

    child = os.fork()
    if child == 0:
        try:
            BackupEngine(clinic.data_dir).create(on_progress=die)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    service = BackupService(clinic.data_dir)
    assert service.list_backups() == []
    staging = clinic.data_dir / PRIVATE / "staging"
    assert list(staging.iterdir()) != []

    assert service.auto_backup() is True

    assert list(staging.iterdir()) == []
    assert list(service.backup_dir.rglob("*.part")) == []
    assert len(service.list_backups()) == 1


def test_no_child_process_is_started_for_in_a_frozen_emr_that_would_be_a_second_emr(
    service: BackupService, clinic: Clinic
) -> None:
    seen: list[str] = []

    def listen(event: str, arguments: tuple[Any, ...]) -> None:
        if event in CHILDREN:
            seen.append(event)

    with listening(listen):
        path = service.create_backup()
        assert path is not None
        assert service.auto_backup()
        assert service.restore_backup(path)
        clinic.db.write_bytes(b"damaged")
        assert service.restore_backup(path)
        service.list_backups()
        service.cleanup_old_backups()
        service.get_last_backup_time()

    assert seen == []


def test_the_emrs_older_code_reads_our_archives(service: BackupService, clinic: Clinic) -> None:
    made = [service.create_backup() for _ in range(2)]

    listed = oldemr.list_backups(service.backup_dir)

    assert {backup["path"] for backup in listed} == set(made)
    assert {(backup["patient_count"], backup["visit_count"]) for backup in listed} == {(PATIENTS, 2 * PATIENTS)}
    assert [backup["created_at"].isoformat() for backup in listed] == [
        backup["created_at"] for backup in service.list_backups()
    ]


def test_the_emrs_older_code_restores_our_archives(service: BackupService, clinic: Clinic) -> None:
    rows, files, path = clinic.rows(), clinic.plain_files(), service.create_backup()
    assert path is not None
    clinic.admit("Too much")

    oldemr.restore_backup(path, clinic.data_dir)

    assert clinic.rows() == rows
    assert clinic.plain_files() == files


@pytest.mark.parametrize("more", [{}, LATER_VERSION], ids=["1.0", "2.0"])
def test_an_archive_of_the_emrs_older_code_is_listed_and_restored(
    service: BackupService, clinic: Clinic, more: dict[str, object]
) -> None:
    rows, plain = clinic.rows(), clinic.plain_files()
    theirs = oldemr.create_backup(clinic.data_dir, service.backup_dir, WHEN, **more)
    clinic.admit("Too much")
    shutil.rmtree(clinic.chroma)
    (clinic.prescriptions / "new.pdf").touch()

    (listed,) = service.list_backups()
    assert listed["path"] == theirs
    assert listed["created_at"] == WHEN.isoformat()
    assert (listed["patient_count"], listed["app_version"]) == (60, "1.2.0")
    assert service.get_last_backup_time() == WHEN

    assert service.restore_backup(theirs) is True

    assert clinic.rows() == rows
    # What such an archive does not hold stays as it is.
    assert clinic.plain_files() == {**plain, "prescriptions/new.pdf": b""}


def test_an_archive_of_the_emrs_older_code_takes_its_place_among_ours_by_its_time(
    service: BackupService, clinic: Clinic
) -> None:
    ours = service.create_backup()
    older = oldemr.create_backup(clinic.data_dir, service.backup_dir, WHEN.replace(year=2020))
    younger = oldemr.create_backup(clinic.data_dir, service.backup_dir, WHEN.replace(year=2090))

    assert [backup["path"] for backup in service.list_backups()] == [younger, ours, older]


def test_an_archive_of_the_emrs_older_code_is_not_ours_to_delete(clinic: Clinic) -> None:
    service = BackupService(clinic.data_dir, max_backups=1)
    theirs = oldemr.create_backup(clinic.data_dir, service.backup_dir, WHEN)
    for _ in range(3):
        assert service.auto_backup()

    assert theirs.exists()
    assert len(service.list_backups()) == 2


def test_an_encrypted_archive_of_the_emrs_later_code_is_shown_to_nobody_as_damaged(
    service: BackupService, engine: BackupEngine
) -> None:
    theirs = service.backup_dir / "backup_2026-01-31_18-00-00.encrypted.zip"
    theirs.write_bytes(b"only the EMR can read this")

    assert service.list_backups() == []
    assert [archive.state for archive in engine.archives()] == [State.ENCRYPTED]
    assert service.restore_backup(theirs) is False
