"""The Backups page: the verdict, Backup Now, the list, download and delete."""

import json
import os
import zipfile
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from flask import Flask

from backup_core.engine import BackupEngine
from backup_core.history import Action, Outcome, Run, Trigger
from backup_core.jobs import JobRunner
from backup_core.listing import Archive
from backup_core.settings import Settings
from tests.web.conftest import ORIGIN, Clinic, Visitor
from webadmin import Access, PlainDesk, create_app
from webadmin.backups import PER_PAGE


def test_a_first_visit_is_neutral_and_says_what_to_do(visitor: Visitor) -> None:
    page = visitor.get("/").text

    assert "No backup yet" in page
    assert "Click Backup Now to make the first one." in page
    assert "verdict none" in page


def test_backup_now_makes_a_backup_that_the_list_shows(visitor: Visitor, engine: BackupEngine) -> None:
    answer = visitor.post("/backups")
    job = visitor.finished()
    page = visitor.get("/").text
    archive = engine.archives()[0]

    assert answer.status_code == 200
    assert job.state == "done"
    assert "Protected on this PC" in page
    assert "Last backup just now, checked, not yet opened: 3 patients, 3 visits." in page
    assert f'id="{archive.name}"' in page
    assert "by hand" in page


def test_a_backup_that_fails_says_why_and_what_comes_next(visitor: Visitor, clinic: Clinic) -> None:
    (clinic.data_dir / "clinic.db").unlink()
    visitor.post("/backups")
    error = visitor.finished().error
    page = visitor.get("/").text

    assert error is not None
    assert "The last backup did not work" in page
    assert str(error) in page
    assert "It is tried again by itself." in page


def test_a_confirmed_backup_says_until_when_it_was_current(visitor: Visitor, engine: BackupEngine, backup: str) -> None:
    run = Run(
        action=Action.BACKUP,
        trigger=Trigger.INTERVAL,
        outcome=Outcome.UNCHANGED,
        started_at=datetime.now(UTC),
        archive=backup,
    )
    engine.history.append(run)

    assert "still current at" in visitor.get("/").text


def test_a_second_backup_at_the_same_time_is_told_what_runs(visitor: Visitor, engine: BackupEngine) -> None:
    with engine.repository.lock():
        visitor.post("/backups")
        answer = visitor.post("/backups")
    visitor.finished()

    assert answer.status_code == 409
    assert "busy with a backup" in answer.text


def test_a_long_list_comes_in_pages(visitor: Visitor, engine: BackupEngine, backup: str) -> None:
    original = engine.find(backup).path
    for number in range(2, PER_PAGE + 3):
        os.link(original, original.with_name(f"{original.stem}_{number}.zip"))

    first, last = visitor.get("/").text, visitor.get("/?page=2").text

    assert first.count('class="when"') == PER_PAGE
    assert last.count('class="when"') == 2
    assert "Page 1 of 2" in first
    assert f"{PER_PAGE + 2} backups" in first
    assert visitor.get("/?page=99").text.count('class="when"') == 2
    assert visitor.get("/?page=x").text.count('class="when"') == PER_PAGE
    assert visitor.get("/overview?page=2").text.count('class="when"') == 2


def test_a_damaged_backup_is_listed_as_such_and_offers_no_restore(
    visitor: Visitor, engine: BackupEngine, backup: str
) -> None:
    path = engine.find(backup).path
    path.write_bytes(path.read_bytes()[:-40])
    os.utime(path, (0, 0))
    page = visitor.get("/").text

    assert "Damaged" in page
    assert f"/backups/{backup}/restore" not in page
    assert "No backup yet" in page


def test_what_is_in_no_backup_is_named_with_its_size(visitor: Visitor, clinic: Clinic) -> None:
    exports = clinic.data_dir / "exports"
    exports.mkdir()
    (exports / "all.csv").write_bytes(b"x" * 3_000_000)

    page = visitor.get("/backups/outside").text

    assert "Not in your backups:" in page
    assert "exports</bdi> (2.9 MB)" in page


def test_an_alarm_is_shown_until_somebody_says_that_all_is_well(
    visitor: Visitor, clinic: Clinic, engine: BackupEngine, backup: str
) -> None:
    clinic.lose_all()
    engine.create()
    alarmed = visitor.get("/").text
    calm = visitor.post("/all-is-well").text

    assert "Something looks wrong" in alarmed
    assert "empty clinic: 3 patients were there before" in alarmed
    assert "Something looks wrong" not in calm


def test_a_backup_that_was_opened_says_so(visitor: Visitor, engine: BackupEngine, backup: str) -> None:
    engine.prove(engine.find(backup))
    page = visitor.get("/").text

    assert "Last backup just now, opened and checked: 3 patients, 3 visits." in page
    assert '<span class="pill proven">Opened and checked</span>' in page


def test_a_download_is_the_zip_by_a_link_that_works_once(visitor: Visitor, engine: BackupEngine, backup: str) -> None:
    sent = visitor.post(f"/backups/{backup}/download")
    link = sent.headers["HX-Redirect"]
    with visitor.client.get(link, base_url=ORIGIN) as first:
        data, disposition = first.data, first.headers["Content-Disposition"]
    again = visitor.client.get(link, base_url=ORIGIN, headers={"Accept": "text/html", "Sec-Fetch-Mode": "navigate"})

    assert sent.status_code == 204
    assert data == engine.find(backup).path.read_bytes()
    assert disposition == f"attachment; filename={backup}"
    with zipfile.ZipFile(BytesIO(data)) as opened:
        assert "clinic.db" in opened.namelist()
    assert again.status_code == 401
    assert "already been used" in again.text
    assert again.text.startswith("<!doctype html>")


def test_a_backup_is_deleted_after_a_tick(visitor: Visitor, engine: BackupEngine, backup: str) -> None:
    newer = engine.create().name
    asked = visitor.get(f"/backups/{backup}/delete").text
    unticked = visitor.post(f"/backups/{backup}/delete")
    before = [archive.name for archive in engine.archives()]
    answer = visitor.post(f"/backups/{backup}/delete", {"confirmed": "yes"})

    assert "I know that this backup is gone for good" in asked
    assert unticked.status_code == 422
    assert before == [newer, backup]
    assert answer.status_code == 200
    assert [archive.name for archive in engine.archives()] == [newer]


def test_the_only_good_backup_is_not_deleted_and_the_page_says_why(
    visitor: Visitor, engine: BackupEngine, backup: str
) -> None:
    page = visitor.post(f"/backups/{backup}/delete", {"confirmed": "yes"}).text

    assert "This is the only good backup, so it is not deleted." in page
    assert [archive.name for archive in engine.archives()] == [backup]


@pytest.mark.parametrize(
    "name", ["nothing.zip", "..", "%2e%2e%2fclinic.db", "..%5Cclinic.db", "clinic.db", "%00", "é.zip"]
)
@pytest.mark.parametrize("step", ["download", "delete", "restore"])
def test_a_name_that_is_not_in_the_list_is_not_there(
    visitor: Visitor, clinic: Clinic, backup: str, name: str, step: str
) -> None:
    answer = visitor.post(f"/backups/{name}/{step}", {"confirmed": "yes"})

    assert answer.status_code in (404, 405)
    assert clinic.count("patients") == 3


def test_an_absolute_path_is_not_a_name(visitor: Visitor, engine: BackupEngine, backup: str) -> None:
    outside = engine.data_dir.parent / "outside.zip"
    outside.write_bytes(engine.find(backup).path.read_bytes())

    assert visitor.get(f"/backups/{outside}/restore").status_code == 404


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00", "9999-12-31T23:59:59"])
def test_an_archive_that_tells_an_impossible_time_is_listed_all_the_same(
    visitor: Visitor, engine: BackupEngine, backup: str, time: str
) -> None:
    manifest = {"created_at": time, "version": "1.0", "patient_count": 1, "visit_count": 1, "app_version": "1"}
    with zipfile.ZipFile(engine.backup_dir / "backup_2026-01-02_03-04-05.zip", "w") as legacy:
        legacy.writestr("backup_manifest.json", json.dumps(manifest))
        legacy.writestr("clinic.db", b"")

    for path in ("/", "/bar", "/status", "/backups/backup_2026-01-02_03-04-05.zip/restore"):
        assert visitor.get(path).status_code == 200


def test_a_backup_folder_that_is_gone_is_said_and_another_can_be_chosen(
    clinic: Clinic, jobs: JobRunner, access: Access
) -> None:
    stick = clinic.data_dir.parent / "stick"
    engine = BackupEngine(clinic.data_dir, stick / "backups")
    app = create_app(engine, jobs, access, PlainDesk(engine, jobs), Settings(clinic.data_dir))
    visitor = Visitor(app.test_client(), jobs, access.open_session(access.new_ticket()))
    home = visitor.get("/")

    assert home.status_code == 200
    assert "The backup folder cannot be reached" in home.text
    assert f"The backup folder {stick / 'backups'} is not there." in home.text
    assert "choose another backup folder in the preferences" in home.text
    assert "Backup: folder not reachable" in visitor.get("/preferences").text
    assert visitor.get("/activity").status_code == 200
    assert visitor.get("/bar").status_code == 200
    assert visitor.get("/status").get_json()["verdict"] == "failed"


def test_a_sample_clinic_and_the_notices_stand_on_every_page(
    engine: BackupEngine, jobs: JobRunner, access: Access
) -> None:
    class NoticingDesk(PlainDesk):
        def notices(self) -> list[str]:
            return ["The clock of this PC is wrong."]

        def next_due(self) -> datetime:
            return datetime.now(UTC) + timedelta(days=2)

    app: Flask = create_app(engine, jobs, access, NoticingDesk(engine, jobs), Settings(engine.data_dir), sample=True)
    visitor = Visitor(app.test_client(), jobs, access.open_session(access.new_ticket()))

    for path in ("/", "/preferences", "/activity"):
        page = visitor.get(path).text
        assert "Sample clinic." in page
        assert "The clock of this PC is wrong." in page
        assert "Next: " in page


@pytest.mark.parametrize("path", ["/", "/overview", "/status", "/bar", "/picture"])
def test_the_backup_folder_is_looked_into_once_for_each_answer(
    visitor: Visitor, engine: BackupEngine, backup: str, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    looks: list[str] = []
    list_them = engine.repository.archives

    def look() -> list[Archive]:
        looks.append(path)
        return list_them()

    monkeypatch.setattr(engine.repository, "archives", look)

    assert visitor.get(path).status_code == 200
    assert looks == [path]
