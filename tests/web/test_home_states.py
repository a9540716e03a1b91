"""The states of the Backups page that come seldom, each made by what really leads to it."""

import json
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from backup_core.engine import BackupEngine
from backup_core.errors import BackupError
from backup_core.history import Action, Outcome, Run, Trigger
from backup_core.jobs import JobRunner
from backup_core.settings import Settings
from tests.fakeclock import FakeClock
from tests.web.conftest import Clinic, Visitor
from webadmin import Access, PlainDesk, create_app

_OTHER_PROCESS = """
import sys
from pathlib import Path
from backup_core.atwork import announced
from backup_core.progress import Progress, Stage
with announced(Path(sys.argv[1]), "create", "cli") as report:
    report(Progress(Stage.PACK, 3, 10))
    print("told", flush=True)
    sys.stdin.readline()
"""


def visitor_of(app_engine: BackupEngine, desk: PlainDesk, jobs: JobRunner, access: Access) -> Visitor:
    """Return somebody at the page of another desk than the usual one."""
    app = create_app(app_engine, jobs, access, desk, Settings(app_engine.data_dir))
    return Visitor(app.test_client(), jobs, access.open_session(access.new_ticket()))


def damage(clinic: Clinic) -> None:
    """Spoil the clinic's database, as a failing disk does."""
    path = clinic.data_dir / "clinic.db"
    data = bytearray(path.read_bytes())
    data[100 : len(data)] = b"\xff" * (len(data) - 100)
    path.write_bytes(data)


def test_it_says_what_comes_next_and_when(engine: BackupEngine, jobs: JobRunner, access: Access, backup: str) -> None:
    class PlanningDesk(PlainDesk):
        def next_due(self) -> datetime:
            return datetime(2031, 1, 2, 10, 30).astimezone(UTC)  # noqa: DTZ001 - local time

    page = visitor_of(engine, PlanningDesk(engine, jobs), jobs, access).get("/").text

    assert "The next backup comes by itself: 2 Jan 2031, 10:30 am, and when DocAssist is closed." in page


def test_a_pause_is_said(engine: BackupEngine, jobs: JobRunner, access: Access, backup: str) -> None:
    class PausedDesk(PlainDesk):
        def paused_until(self) -> datetime:
            return datetime(2031, 1, 2, 10, 30).astimezone(UTC)  # noqa: DTZ001 - local time

    page = visitor_of(engine, PausedDesk(engine, jobs), jobs, access).get("/").text

    assert "Automatic backups are paused until 2 Jan 2031, 10:30 am." in page


def test_the_backup_of_another_process_is_shown_with_its_progress(
    visitor: Visitor, clinic: Clinic, backup: str
) -> None:
    command = [sys.executable, "-c", _OTHER_PROCESS, str(clinic.data_dir)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        page = visitor.get("/").text
        other.communicate(b"\n")
    after = visitor.get("/").text

    assert "Backing up (by command): packing the copy…" in page
    assert 'max="10" value="3"' in page
    assert "begun by another program on this PC" in page
    assert "/cancel" not in page
    assert "begun by another program" not in after


def test_damaged_data_offers_the_newest_backup_that_was_opened(
    visitor: Visitor, clinic: Clinic, engine: BackupEngine, backup: str
) -> None:
    engine.prove(engine.find(backup))
    clinic.admit(1)
    newer = engine.create().name
    damage(clinic)
    visitor.post("/backups")
    visitor.finished()
    page = visitor.get("/").text

    assert "DocAssist&#39;s data is damaged" in page
    assert "The newest backup to go back to is of" in page
    offer = page.index("Look at that backup…")
    assert f"/backups/{backup}/restore" in page[offer - 300 : offer]
    assert f"/backups/{newer}/restore" not in page[offer - 300 : offer]
    question = visitor.get(f"/backups/{backup}/restore").text
    assert "not readable" in question
    assert "as many" not in question


def test_a_restore_that_waits_for_the_restart_is_said(
    visitor: Visitor, clinic: Clinic, engine: BackupEngine, backup: str
) -> None:
    damage(clinic)
    restored = engine.restore(engine.find(backup), inside_emr=True)
    page = visitor.get("/").text

    assert restored.armed
    assert engine.armed() == backup
    assert "A backup is checked and waiting to be put back." in page


@pytest.mark.parametrize(("hours", "shown"), [(1, True), (30, False)])
def test_what_became_of_an_interrupted_restore_is_said_for_a_day(
    visitor: Visitor, engine: BackupEngine, backup: str, hours: int, shown: bool
) -> None:
    engine.history.append(
        Run(
            action=Action.RECOVER,
            trigger=Trigger.STARTUP,
            outcome=Outcome.DONE,
            started_at=datetime.now(UTC) - timedelta(hours=hours),
            reason="The restore was finished.",
        )
    )

    assert ("A restore was interrupted, and was settled" in visitor.get("/").text) is shown


def test_what_looks_wrong_can_be_compared_and_ended(visitor: Visitor, clinic: Clinic, engine: BackupEngine) -> None:
    clinic.admit(100)
    before = engine.create().name
    clinic.lose_all()
    engine.create()
    page = visitor.get("/").text
    calm = visitor.post("/all-is-well").text

    assert "Something looks wrong" in page
    assert f"/backups/{before}/compare" in page
    assert "Kept until somebody says that all is well" in page
    assert "That is right, go on" in page
    assert "That is right, go on" not in calm


def test_the_copy_line_comes_after_a_week_and_never_before(
    clinic: Clinic, jobs: JobRunner, access: Access, clock: FakeClock
) -> None:
    engine = BackupEngine(clinic.data_dir, clock=clock)
    engine.create()
    app = create_app(engine, jobs, access, PlainDesk(engine, jobs), Settings(clinic.data_dir), clock=clock)
    visitor = Visitor(app.test_client(), jobs, access.open_session(access.new_ticket()))
    clock.pass_time(timedelta(days=6))
    early = visitor.get("/").text
    clock.pass_time(timedelta(days=2))

    assert "No copy was saved elsewhere" not in early
    assert "No copy was saved elsewhere for more than a week." in visitor.get("/").text


def test_a_clock_that_was_set_back_is_said(clinic: Clinic, jobs: JobRunner, access: Access, clock: FakeClock) -> None:
    engine = BackupEngine(clinic.data_dir, clock=clock)
    engine.create()
    app = create_app(engine, jobs, access, PlainDesk(engine, jobs), Settings(clinic.data_dir), clock=clock)
    visitor = Visitor(app.test_client(), jobs, access.open_session(access.new_ticket()))
    clock.set_back(timedelta(days=4000))

    assert "The clock of this PC looks wrong" in visitor.get("/").text


def test_what_docassist_has_left_beside_the_backups_is_named(
    visitor: Visitor, engine: BackupEngine, backup: str
) -> None:
    own = engine.backup_dir / "backup_20260101_101010"
    own.mkdir()
    (own / "clinic.db").write_bytes(b"x" * 90_000)
    page = visitor.get("/backups/outside").text

    assert "Copies made by DocAssist itself, which are left alone:" in page
    assert "backup_20260101_101010</bdi> (88 KB)" in page


def test_the_picture_is_there_with_its_words_and_its_table(
    visitor: Visitor, engine: BackupEngine, clinic: Clinic
) -> None:
    engine.history.append(
        Run(
            action=Action.BACKUP,
            trigger=Trigger.MANUAL,
            outcome=Outcome.MADE,
            started_at=datetime.now(UTC) - timedelta(days=9),
            archive="backup_that_is_gone.zip",
            facts={"patients": 2, "size": 20_000},
        )
    )
    engine.create()
    (clinic.data_dir / "clinic.db").unlink()
    with pytest.raises(BackupError):
        engine.create()
    page = visitor.get("/picture").text

    assert 'role="img" aria-labelledby="graph-title graph-words"' in page
    assert "2 backups, from 2 to 3 patients" in page
    assert "1 run has failed." in page
    assert 'href="#mark-failed"' in page
    assert "style=" not in page


def test_before_the_first_backup_the_picture_says_what_will_grow_here(visitor: Visitor) -> None:
    assert "After a day of backups a picture grows here" in visitor.get("/picture").text


def test_the_only_checked_backup_is_not_deleted_though_docassist_has_made_another(
    visitor: Visitor, engine: BackupEngine, clinic: Clinic, backup: str
) -> None:
    manifest = {"created_at": "2026-01-02T03:04:05", "version": "1.0", "patient_count": 3, "visit_count": 3}
    with zipfile.ZipFile(engine.backup_dir / "backup_2026-01-02_03-04-05.zip", "w") as legacy:
        legacy.writestr("backup_manifest.json", json.dumps({**manifest, "app_version": "1"}))
        legacy.write(clinic.data_dir / "clinic.db", "clinic.db")
    page = visitor.post(f"/backups/{backup}/delete", {"confirmed": "yes"}).text

    assert len([archive for archive in engine.archives() if archive.is_good]) == 2
    assert "This is the only checked backup, so it is not deleted." in page


def test_what_docassist_left_long_ago_is_no_alarm_on_the_first_day(
    visitor: Visitor, engine: BackupEngine, clinic: Clinic, backup: str
) -> None:
    manifest = {"created_at": "2024-01-02T03:04:05", "version": "1.0", "patient_count": 3, "visit_count": 3}
    with zipfile.ZipFile(engine.backup_dir / "backup_2024-01-02_03-04-05.zip", "w") as legacy:
        legacy.writestr("backup_manifest.json", json.dumps({**manifest, "app_version": "1"}))
        legacy.write(clinic.data_dir / "clinic.db", "clinic.db")
    page = visitor.get("/").text

    assert len(engine.archives()) == 2
    assert "Protected on this PC" in page
