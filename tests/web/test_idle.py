"""The page while nobody is at the desk: what stays, what is hidden, and how it is unlocked."""

import json
import logging
from datetime import timedelta

import pytest
from flask import Flask

from backup_core.engine import BackupEngine
from backup_core.jobs import JobRunner
from backup_core.pin import Pin
from backup_core.settings import Settings
from tests.fakeclock import FakeClock
from tests.web.conftest import ORIGIN, PORT, Clinic, Visitor
from tests.web.routes import all_routes
from webadmin import Access, PlainDesk, create_app

#: All that is shown and done while the page is locked; the rest of the routes asks to unlock.
GOES_ON = {
    ("GET", "/"),
    ("GET", "/activity"),
    ("GET", "/away"),
    ("GET", "/bar"),
    ("GET", "/control/status"),
    ("GET", "/copies/1"),
    ("GET", "/download/1"),
    ("GET", "/health"),
    ("GET", "/help"),
    ("GET", "/help/selftest"),
    ("POST", "/help/selftest"),
    ("GET", "/overview"),
    ("GET", "/picture"),
    ("GET", "/static/app.css"),
    ("GET", "/set-up/leaving"),
    ("GET", "/status"),
    ("GET", "/unlock"),
    ("GET", "/uploads/1"),
    ("GET", "/backups/x.zip/restore/1"),
    ("POST", "/backups"),
    ("POST", "/control/ticket"),
    ("POST", "/lock"),
    ("POST", "/session"),
    ("POST", "/unlock"),
}
IDLE = timedelta(minutes=15)


@pytest.fixture
def clock() -> FakeClock:
    """The clock of the sessions."""
    return FakeClock()


@pytest.fixture
def access(clock: FakeClock) -> Access:
    """The secrets of a run on a clock that the test turns."""
    access = Access(clock=clock)
    access.set_port(PORT)
    return access


@pytest.fixture
def pin(engine: BackupEngine, visitor: Visitor, app: Flask) -> Pin:
    """A PIN that was set in this session."""
    assert visitor.post("/pin", {"pin": "2468", "again": "2468"}).status_code == 200
    return Pin(engine.data_dir)


@pytest.mark.parametrize(("method", "path"), [route for route in all_routes() if route not in GOES_ON])
def test_after_15_minutes_everything_else_asks_to_unlock(
    visitor: Visitor, clock: FakeClock, backup: str, clinic: Clinic, method: str, path: str
) -> None:
    clock.pass_time(IDLE)

    answer = visitor.client.open(
        path.replace("x.zip", backup), method=method, headers=visitor._headers(), base_url=ORIGIN
    )

    assert answer.status_code == 423
    assert "Locked while nobody is here" in answer.text
    assert answer.headers["HX-Retarget"] == "#page"
    assert "P 1" not in answer.text
    assert visitor.jobs.current() is None


@pytest.mark.parametrize("path", ["/", "/overview", "/activity", "/status", "/bar"])
def test_the_verdict_stays(visitor: Visitor, clock: FakeClock, backup: str, path: str) -> None:
    clock.pass_time(IDLE)

    assert visitor.get(path).status_code == 200
    assert "opened and checked" in visitor.get("/").text or "checked" in visitor.get("/").text
    assert "Unlock" in visitor.get("/").text
    assert "data-locked" in visitor.get("/bar").text


def test_a_part_that_the_page_asks_for_by_itself_stays_away_and_the_page_stays(
    visitor: Visitor, clock: FakeClock
) -> None:
    clock.pass_time(IDLE)

    assert visitor.get("/backups/outside", **{"HX-Target": "section"}).status_code == 204
    assert visitor.get("/preferences", **{"HX-Target": "main#page"}).status_code == 423


def test_the_name_of_a_file_in_what_failed_is_hidden_too(
    visitor: Visitor, clock: FakeClock, engine: BackupEngine
) -> None:
    (engine.data_dir / "prescriptions").mkdir()
    (engine.data_dir / "prescriptions" / "Maria\\Lopez.pdf").write_text("x")
    visitor.post("/backups")
    assert visitor.finished().state == "failed"
    for path in ("/", "/activity"):
        assert "Lopez" in visitor.get(path).text

    clock.pass_time(IDLE)

    for path in ("/", "/overview", "/activity"):
        page = visitor.get(path).text
        assert "A file has a name that cannot be stored" in page
        assert "Lopez" not in page


def test_a_backup_can_be_made_all_the_same(visitor: Visitor, clock: FakeClock) -> None:
    clock.pass_time(IDLE)

    assert visitor.post("/backups").status_code == 200
    assert visitor.finished().state == "done"


def test_a_click_keeps_the_page_unlocked_and_asking_by_itself_does_not(visitor: Visitor, clock: FakeClock) -> None:
    for _minute in range(14):
        clock.pass_time(timedelta(minutes=1))
        visitor.get("/bar")
    visitor.get("/bar", **{"X-Clicked": "yes"})
    for _minute in range(14):
        clock.pass_time(timedelta(minutes=1))
        visitor.get("/bar")
    assert visitor.get("/preferences").status_code == 200
    clock.pass_time(timedelta(minutes=1))

    assert visitor.get("/preferences").status_code == 423


def test_a_click_that_comes_too_late_unlocks_nothing(visitor: Visitor, clock: FakeClock) -> None:
    clock.pass_time(IDLE)

    assert visitor.get("/preferences", **{"X-Clicked": "yes"}).status_code == 423


def test_time_in_which_the_computer_sleeps_counts(visitor: Visitor, clock: FakeClock) -> None:
    clock.sleep(IDLE)

    assert visitor.get("/preferences").status_code == 423


def test_a_clock_that_is_set_back_keeps_nothing_open(visitor: Visitor, clock: FakeClock) -> None:
    clock.set_back(timedelta(days=400))
    clock.pass_time(IDLE)

    assert visitor.get("/preferences").status_code == 423


def test_without_a_pin_a_button_unlocks_and_leads_on(visitor: Visitor, clock: FakeClock, backup: str) -> None:
    clock.pass_time(IDLE)
    asked = visitor.get(f"/backups/{backup}/restore")
    assert f'name="to" value="/backups/{backup}/restore' in asked.text
    assert 'name="pin"' not in asked.text

    answer = visitor.post("/unlock", {"to": f"/backups/{backup}/restore"})

    assert answer.status_code == 200
    assert "Put back the backup of" in answer.text
    assert "data-locked" not in answer.text


def test_a_new_ticket_opens_an_unlocked_session(app: Flask, visitor: Visitor, access: Access, clock: FakeClock) -> None:
    clock.pass_time(IDLE)
    opened = app.test_client().post("/session", json={"ticket": access.new_ticket()}, base_url=ORIGIN)
    again = Visitor(app.test_client(), visitor.jobs, opened.get_json()["key"])

    assert again.get("/preferences").status_code == 200
    assert visitor.get("/preferences").status_code == 423


@pytest.mark.parametrize(
    ("to", "leads_to"),
    [
        ("", "/"),
        ("https://evil.example/x", "/x"),
        ("//evil.example/x", "/x"),
        ("/\\evil.example", "/evil.example"),
        ("///evil.example", "/evil.example"),
        ("javascript:alert(1)", "/alert(1)"),
        ("http://[", "/"),
        ("/unlock", "/"),
        ("/preferences?saved=yes", "/preferences?saved=yes"),
    ],
)
def test_unlocking_leads_nowhere_else(visitor: Visitor, to: str, leads_to: str) -> None:
    answer = visitor.client.post("/unlock", data={"to": to}, headers=visitor._headers(), base_url=ORIGIN)

    assert answer.status_code == 303
    assert answer.headers["Location"] == leads_to


def test_with_a_pin_only_the_pin_unlocks(visitor: Visitor, clock: FakeClock, pin: Pin, backup: str) -> None:
    assert visitor.get("/preferences").status_code == 200
    clock.pass_time(IDLE)
    assert 'name="pin"' in visitor.get("/preferences").text

    for wrong in ("", "1234"):
        answer = visitor.post("/unlock", {"to": "/preferences", "pin": wrong})
        assert answer.status_code == 403
        assert "This is not the PIN." in answer.text
    assert visitor.get("/preferences").status_code == 423
    assert visitor.post("/unlock", {"to": "/preferences", "pin": "2468"}).status_code == 200
    assert visitor.get("/preferences").status_code == 200


def test_a_click_on_lock_now_locks_every_page_that_is_open(
    visitor: Visitor, app: Flask, access: Access, backup: str
) -> None:
    elsewhere = Visitor(app.test_client(), visitor.jobs, access.open_session(access.new_ticket()))
    assert "Lock now" in visitor.get("/bar").text

    home = visitor.post("/lock").text

    assert "data-locked" in home
    assert "Lock now" not in home
    for page in (visitor, elsewhere):
        assert page.get("/preferences", **{"X-Clicked": "yes"}).status_code == 423
    assert visitor.post("/unlock", {"to": "/preferences"}).status_code == 200
    assert elsewhere.get("/preferences").status_code == 423


def test_whoever_sets_a_pin_locks_the_pages_that_others_have_open(
    visitor: Visitor, app: Flask, access: Access, engine: BackupEngine
) -> None:
    elsewhere = Visitor(app.test_client(), visitor.jobs, access.open_session(access.new_ticket()))
    assert elsewhere.get("/preferences").status_code == 200

    visitor.post("/pin", {"pin": "2468", "again": "2468"})

    assert visitor.get("/preferences").status_code == 200
    assert elsewhere.get("/preferences").status_code == 423


def test_unplugging_the_drive_with_the_data_is_no_way_around_the_pin(
    visitor: Visitor, clock: FakeClock, pin: Pin, clinic: Clinic
) -> None:
    clock.pass_time(IDLE)
    away = clinic.data_dir.with_name("unplugged")
    clinic.data_dir.rename(away)
    visitor.post("/unlock", {"to": "/"})
    refused = visitor.post("/pin", {"pin": "1111", "again": "1111"})
    assert refused.status_code == 503
    assert not clinic.data_dir.exists()
    away.rename(clinic.data_dir)

    assert visitor.get("/preferences").status_code == 423
    assert visitor.post("/unlock", {"to": "/preferences", "pin": "1111"}).status_code == 403
    assert visitor.post("/unlock", {"to": "/preferences", "pin": "2468"}).status_code == 200


def test_with_a_pin_a_click_on_the_tray_icon_is_not_enough(
    app: Flask, visitor: Visitor, access: Access, pin: Pin, backup: str
) -> None:
    opened = app.test_client().post("/session", json={"ticket": access.new_ticket()}, base_url=ORIGIN)
    passer_by = Visitor(app.test_client(), visitor.jobs, opened.get_json()["key"])

    assert "checked" in passer_by.get("/").text
    assert passer_by.get("/preferences").status_code == 423
    assert passer_by.post(f"/backups/{backup}/delete", {"confirmed": "yes"}).status_code == 423
    assert passer_by.post("/unlock", {"pin": "2468"}).status_code == 200
    assert passer_by.get("/preferences").status_code == 200


def test_the_server_slows_guessing_down_even_after_a_restart(
    engine: BackupEngine, jobs: JobRunner, desk: PlainDesk, visitor: Visitor, clock: FakeClock, pin: Pin
) -> None:
    clock.pass_time(IDLE)
    for _try in range(3):
        visitor.post("/unlock", {"pin": "0000"})
    access = Access()
    access.set_port(PORT)
    app = create_app(engine, jobs, access, desk, Settings(engine.data_dir))
    again = Visitor(app.test_client(), jobs, access.open_session(access.new_ticket(), unlocked=False))

    answer = again.post("/unlock", {"pin": "2468"})

    assert answer.status_code == 403
    assert "too many wrong tries" in answer.text
    assert again.get("/preferences").status_code == 423


def test_the_pin_is_changed_and_removed_only_by_who_knows_it(visitor: Visitor, pin: Pin) -> None:
    new = {"pin": "13579", "again": "13579"}
    assert visitor.post("/pin", {**new, "current": "1111"}).status_code == 422
    assert visitor.post("/pin", new).status_code == 422
    pin.check("2468")
    assert visitor.post("/pin/remove", {"old": "x"}).status_code == 422
    assert visitor.post("/pin", {**new, "current": "2468"}).status_code == 200
    pin.check("13579")
    assert visitor.post("/pin/remove", {"old": "13579"}).status_code == 200
    assert not pin.is_set()


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"pin": "2468", "again": "2469"}, "The two are not the same."),
        ({"pin": "12", "again": "12"}, "from 4 to 64 characters"),
        ({}, "from 4 to 64 characters"),
    ],
)
def test_a_new_pin_that_will_not_do_is_told_beside_its_field(
    visitor: Visitor, engine: BackupEngine, form: dict[str, str], sentence: str
) -> None:
    answer = visitor.post("/pin", form)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert not Pin(engine.data_dir).is_set()


def test_the_pin_is_in_no_log_and_on_no_page(
    visitor: Visitor, pin: Pin, clock: FakeClock, engine: BackupEngine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    clock.pass_time(IDLE)
    answers = [visitor.post("/unlock", {"pin": guess}).text for guess in ("97531", "2468")]
    answers.append(visitor.get("/pin").text)

    for secret in ("97531", "2468"):
        assert secret not in caplog.text
        assert not any(secret in answer for answer in answers)
        for path in engine.data_dir.rglob("*"):
            if path.suffix in (".json", ".jsonl", ".log", ".txt"):
                assert secret not in json.dumps(path.read_text(encoding="utf-8", errors="replace")), path
