"""The set-up: what it takes, what it refuses, and that a request names nothing that it was not shown."""

import json
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backup_core import archive
from backup_core.clinics import look_at
from backup_core.engine import BackupEngine
from backup_core.errors import BackupError, EmrRunning
from backup_core.folders import Place
from backup_core.history import Trigger
from backup_core.jobs import JobRunner
from backup_core.progress import OnProgress
from tests.web.conftest import ORIGIN, PATIENCE, Clinic, Visitor
from webadmin import Access
from webadmin.setup import Findings, Found, Plan, Program, create_setup_app, newpc
from webadmin.setup.office import key_of

LATER_SETTINGS = {"backup": {"auto_backup_enabled": True, "backup_on_close": True, "max_local_backups": 10}}


@dataclass
class Launcher:
    """The launcher's side, with what a test has put on the PC."""

    clinics: list[Path] = field(default_factory=list)
    ways: list[Program] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)
    refusal: BackupError | None = None
    searching: bool = False

    def findings(self) -> Findings:
        return Findings(tuple(Found(look_at(folder)) for folder in self.clinics), self.searching)

    def look_again(self) -> None:
        self.searching = True

    def programs(self, data_dir: Path) -> list[Program]:
        return self.ways

    def homes(self) -> list[Path]:
        return []

    def home_in(self, folder: Path) -> Path | None:
        return folder / "data" if (folder / "main.py").exists() else None

    def finish(self, plan: Plan) -> None:
        if self.refusal:
            raise self.refusal
        self.plans.append(plan)


@pytest.fixture
def launcher(clinic: Clinic) -> Launcher:
    """A PC with one clinic that can be found."""
    return Launcher([clinic.data_dir])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home in which the list of folders begins."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return home


@pytest.fixture
def visitor(launcher: Launcher, access: Access, home: Path) -> Iterator[Visitor]:
    """The doctor before the set-up."""
    runner = JobRunner()
    app = create_setup_app(launcher, runner, access)
    yield Visitor(app.test_client(), runner, access.open_session(access.new_ticket()))
    assert runner.close(PATIENCE)


def choose(visitor: Visitor, clinic: Clinic) -> None:
    """Take the clinic that was found."""
    assert visitor.post("/setup/records", {"clinic": key_of(clinic.data_dir)}).request.path == "/setup/docassist"


def walk_to(visitor: Visitor, purpose: str, folder: Path, home: Path) -> None:
    """Open the list of folders and click through it from the home down to a folder."""
    visitor.post(f"/setup/choose/{purpose}")
    for step in [home, *reversed([folder, *folder.parents][: len(folder.relative_to(home).parts)])]:
        assert visitor.post("/setup/open", {"folder": key_of(step)}).status_code == 200


def test_every_other_page_leads_to_the_set_up(visitor: Visitor) -> None:
    for path in ("/", "/preferences", "/activity", "/overview", "/backups/x/restore", "/nowhere", "/copies"):
        assert visitor.get(path).headers["HX-Redirect"] == "/setup/"
    assert visitor.post("/backups").headers["HX-Redirect"] == "/setup/"
    shell = visitor.client.get("/setup/", headers={"Sec-Fetch-Mode": "navigate"}, base_url=ORIGIN).text
    assert "Preferences" not in shell


def test_without_the_key_nothing_is_told(visitor: Visitor, clinic: Clinic) -> None:
    stranger = Visitor(visitor.client, visitor.jobs, "")
    for path in ("/setup/welcome", "/setup/found", "/setup/choose", "/setup/summary"):
        answer = stranger.get(path, **{"Sec-Fetch-Mode": "cors"})
        assert answer.status_code == 401
        assert "Müller" not in answer.text


def test_what_was_found_is_shown_with_its_patients_and_asks_again_while_there_may_be_more(
    visitor: Visitor, launcher: Launcher, clinic: Clinic
) -> None:
    text = visitor.get("/setup/").text
    assert "3 patients" in text
    assert str(clinic.data_dir) in text
    assert "hx-get" not in visitor.get("/setup/found").text

    visitor.post("/setup/look-again")
    assert 'hx-get="/setup/found"' in visitor.get("/setup/found").text


def test_the_steps_are_taken_one_after_the_other_and_make_one_plan(
    visitor: Visitor, launcher: Launcher, clinic: Clinic
) -> None:
    launcher.ways = [Program("python3 main.py", str(clinic.data_dir.parent), is_open=True)]
    assert visitor.get("/setup/habits").request.path == "/setup/welcome"
    assert visitor.get("/setup/summary").request.path == "/setup/welcome"
    choose(visitor, clinic)
    assert visitor.get("/setup/").request.path == "/setup/docassist"
    assert visitor.post("/setup/docassist", {"way": "0"}).request.path == "/setup/habits"
    assert visitor.post("/setup/habits", {"at_login": "yes", "backups": ""}).request.path == "/setup/summary"
    assert visitor.get("/setup/").request.path == "/setup/summary"

    assert visitor.post("/setup/start").headers["HX-Redirect"] == "/"

    assert launcher.plans == [Plan(clinic.data_dir, "python3 main.py", str(clinic.data_dir.parent))]


def test_what_the_launcher_refuses_is_told_and_the_set_up_goes_on(
    visitor: Visitor, launcher: Launcher, clinic: Clinic
) -> None:
    launcher.refusal = EmrRunning("The data is in use by emr (process 7).", hint="Close DocAssist.")
    choose(visitor, clinic)
    visitor.post("/setup/docassist", {"way": "none"})
    visitor.post("/setup/habits", {})

    answer = visitor.post("/setup/start")

    assert answer.status_code == 409
    assert "The data is in use by emr (process 7)." in answer.text
    assert "Back to the set-up" in answer.text
    assert visitor.get("/setup/").request.path == "/setup/summary"


@pytest.mark.parametrize(
    ("command", "folder", "words"),
    [('"unclosed', "", "quotation marks"), ("emr", "nowhere", "whole path"), ("emr", "/nowhere/at all", "not there")],
)
def test_a_command_that_cannot_be_is_named_beside_its_field(
    visitor: Visitor, clinic: Clinic, command: str, folder: str, words: str
) -> None:
    choose(visitor, clinic)

    answer = visitor.post("/setup/docassist", {"way": "other", "command": command, "folder": folder})

    assert answer.status_code == 422
    assert words in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert visitor.get("/setup/").request.path == "/setup/docassist"


def test_the_preferences_of_an_earlier_set_up_are_proposed_again(
    visitor: Visitor, clinic: Clinic, launcher: Launcher, tmp_path: Path
) -> None:
    kept = {"emr_command": "emr --old", "emr_dir": str(tmp_path), "backup_dir": str(tmp_path / "kept")}
    (clinic.data_dir / ".docassist-backup").mkdir()
    (clinic.data_dir / ".docassist-backup" / "preferences.json").write_text(json.dumps(kept), encoding="utf-8")
    launcher.ways = [Program("emr --new", str(tmp_path))]

    choose(visitor, clinic)

    assert re.search(
        r'value="0" checked>\s*<span>With this program: <strong><bdi hx-ignore>emr --old',
        visitor.get("/setup/docassist").text,
    )
    visitor.post("/setup/docassist", {"way": "0"})
    assert f'value="{key_of(tmp_path / "kept")}" checked' in visitor.get("/setup/habits").text


def test_docassists_own_backups_are_offered_to_be_turned_off_where_they_are_on(
    visitor: Visitor, launcher: Launcher, clinic: Clinic
) -> None:
    choose(visitor, clinic)
    visitor.post("/setup/docassist", {"way": "none"})
    assert "own backups" not in visitor.get("/setup/habits").text

    (clinic.data_dir / "settings.json").write_text(json.dumps(LATER_SETTINGS), encoding="utf-8")
    assert re.search(r'name="silence" value="yes" checked', visitor.get("/setup/habits").text)
    with closing(sqlite3.connect(clinic.data_dir / "clinic.db", isolation_level=None)) as emr:
        emr.execute("BEGIN IMMEDIATE")
        assert "DocAssist is open. Close it" in visitor.get("/setup/habits").text
    visitor.post("/setup/habits", {"silence": "yes"})
    assert "are turned off" in visitor.get("/setup/summary").text
    visitor.post("/setup/start")
    visitor.post("/setup/habits", {})
    visitor.post("/setup/start")

    assert [plan.silence for plan in launcher.plans] == [True, False]
    assert json.loads((clinic.data_dir / "settings.json").read_bytes()) == LATER_SETTINGS


def test_a_folder_is_chosen_by_clicking_down_to_it(visitor: Visitor, home: Path) -> None:
    hidden = home / "Documents" / "a % and <b>"
    hidden.parent.mkdir()
    Clinic(hidden)
    walk_to(visitor, "records", hidden, home)
    assert "Protect the records in this folder" in visitor.get("/setup/choose").text

    assert visitor.post("/setup/take").request.path == "/setup/docassist"
    assert "a % and &lt;b&gt;" in visitor.get("/setup/docassist").text


def test_a_folder_without_records_or_with_those_of_another_program_is_refused(visitor: Visitor, home: Path) -> None:
    with closing(sqlite3.connect(home / "clinic.db")) as database:
        database.execute("CREATE TABLE horses (name TEXT)")
    (home / "empty").mkdir()
    walk_to(visitor, "records", home, home)
    assert "made by another program" in visitor.post("/setup/take").text
    walk_to(visitor, "records", home / "empty", home)
    answer = visitor.post("/setup/take")
    assert answer.status_code == 422
    assert "it has no clinic.db" in answer.text
    assert visitor.get("/setup/").request.path == "/setup/welcome"


def test_backups_go_into_a_folder_of_their_own_and_never_into_what_is_backed_up(
    visitor: Visitor, clinic: Clinic, launcher: Launcher, home: Path
) -> None:
    choose(visitor, clinic)
    visitor.post("/setup/docassist", {"way": "none"})
    assert visitor.post("/setup/habits", {"choose": "yes", "at_login": "yes"}).request.path == "/setup/choose"
    visitor.post("/setup/open", {"folder": key_of(home)})
    assert visitor.post("/setup/take").request.path == "/setup/habits"
    chosen = home / "DocAssist Backups"
    assert f'value="{key_of(chosen)}" checked' in visitor.get("/setup/habits").text
    visitor.post("/setup/habits", {"backups": key_of(chosen)})
    visitor.post("/setup/start")

    assert launcher.plans[0].backup_dir == chosen
    assert launcher.plans[0].at_login is False
    assert not chosen.exists()


def test_a_backup_brings_the_records_to_a_new_pc(visitor: Visitor, home: Path, clinic: Clinic) -> None:
    stick = home / "stick"
    made = BackupEngine(clinic.data_dir, stick).create(Trigger.MANUAL)
    program = home / "DocAssist"
    program.mkdir()
    (program / "main.py").touch()
    walk_to(visitor, "archive", stick, home)
    text = visitor.post("/setup/take", {"file": key_of(made.path)}).text
    assert "<dd>3</dd>" in text
    walk_to(visitor, "home", program, home)
    visitor.post("/setup/take")
    home_key = re.search(r'name="home" value="(\w+)" checked', visitor.get("/setup/new-pc").text)
    assert home_key

    started = visitor.post("/setup/new-pc", {"home": home_key[1]})
    assert visitor.finished().state == "done"

    assert "3 patients" in visitor.get(started.request.path).text
    assert look_at(program / "data").patients == 3
    assert made.path.is_file()
    assert visitor.get("/setup/").request.path == "/setup/docassist"


def test_the_backups_on_a_stick_are_offered_newest_first(
    visitor: Visitor, home: Path, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    stick = home / "stick"
    stick.mkdir()
    old = BackupEngine(clinic.data_dir, stick / "DocAssist Backup").create(Trigger.MANUAL)
    old.path.rename(old.path.with_name("backup_2020-01-01_00-00-00.zip"))
    clinic.admit(1)
    new = BackupEngine(clinic.data_dir, stick).create(Trigger.MANUAL)
    (stick / "backup_2031-01-01_00-00-00.zip").write_bytes(b"PK not at all")
    (stick / "holiday.zip").touch()
    monkeypatch.setattr(newpc, "plugged", lambda: [Place(stick, "stick", 0)])

    offered = [archive.path.name for archive in newpc.on_sticks()]
    assert offered == [new.name, "backup_2020-01-01_00-00-00.zip"]
    text = visitor.get("/setup/new-pc").text
    assert text.index("4 patients") < text.index("3 patients")
    taken = visitor.post("/setup/new-pc/offered", {"file": key_of(new.path)})

    assert "<dd>4</dd>" in taken.text
    assert "Take this one" not in taken.text
    assert visitor.post("/setup/new-pc/offered", {"file": key_of(home)}).status_code == 422


def test_a_backup_is_not_put_where_there_are_records(visitor: Visitor, home: Path, clinic: Clinic) -> None:
    made = BackupEngine(clinic.data_dir, home / "stick").create(Trigger.MANUAL)
    there = home / "DocAssist Data"
    Clinic(there).admit(1)
    walk_to(visitor, "archive", home / "stick", home)
    visitor.post("/setup/take", {"file": key_of(made.path)})
    walk_to(visitor, "home", there, home)
    visitor.post("/setup/take")

    answer = visitor.post("/setup/new-pc", {"home": key_of(there)})

    assert answer.status_code == 422
    assert "There are records in this folder already" in answer.text
    assert look_at(there).patients == 1


def test_records_that_come_while_the_backup_is_checked_are_not_replaced(
    visitor: Visitor, home: Path, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = BackupEngine(clinic.data_dir, home / "stick").create(Trigger.MANUAL)
    target = home / "Documents" / "DocAssist Data"
    target.parent.mkdir(exist_ok=True)
    verify = archive.verify

    def enter_a_patient(path: Path, on_progress: OnProgress) -> None:
        verify(path, on_progress)
        Clinic(target).admit(1)

    monkeypatch.setattr(archive, "verify", enter_a_patient)
    walk_to(visitor, "archive", home / "stick", home)
    visitor.post("/setup/take", {"file": key_of(made.path)})

    started = visitor.post("/setup/new-pc", {"home": key_of(target)})

    assert visitor.finished().state == "failed"
    assert "There are records in this folder already" in visitor.get(started.request.path).text
    assert look_at(target).patients == 1


def test_a_zip_that_is_no_backup_is_refused_and_a_spoilt_one_changes_nothing(
    visitor: Visitor, home: Path, clinic: Clinic
) -> None:
    made = BackupEngine(clinic.data_dir, home / "stick").create(Trigger.MANUAL)
    (home / "stick" / "holiday.zip").write_bytes(b"PK not at all")
    spoilt = bytearray(made.path.read_bytes())
    spoilt[len(spoilt) // 3] ^= 0xFF
    made.path.write_bytes(spoilt)
    walk_to(visitor, "archive", home / "stick", home)
    assert (
        "no backup of DocAssist" in visitor.post("/setup/take", {"file": key_of(home / "stick" / "holiday.zip")}).text
    )
    visitor.post("/setup/take", {"file": key_of(made.path)})
    target = home / "Documents" / "DocAssist Data"

    started = visitor.post("/setup/new-pc", {"home": key_of(target)})

    assert visitor.finished().state == "failed"
    assert "were not brought to this PC" in visitor.get(started.request.path).text
    assert not (target / "clinic.db").exists()


TRICKS = st.sampled_from(
    ["..", "../..", "/", "/etc", "\\\\server\\share", "C:\\", "\0", "~", ".", "%2e%2e", "/proc/self"]
)
#: The root is the one of these at which the list does begin.
NOT_SHOWN = TRICKS.filter(lambda trick: trick != "/").map(lambda trick: key_of(Path(trick.replace("\0", "x"))))
KEYS = TRICKS | NOT_SHOWN | st.text(max_size=40)
ROUTES = st.sampled_from(
    ["open", "take", "records", "new-pc", "docassist", "habits", "choose/records", "choose/x", "start"]
)
FIELDS = st.dictionaries(
    st.sampled_from(["folder", "file", "clinic", "home", "way", "command", "backups", "choose"]), KEYS, max_size=4
)
ANY = settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])


@ANY
@given(steps=st.lists(st.tuples(ROUTES, FIELDS), max_size=4))
def test_no_request_reaches_a_folder_that_it_was_not_shown(
    visitor: Visitor, launcher: Launcher, home: Path, steps: list[tuple[str, dict[str, str]]]
) -> None:
    (home / "outside").mkdir(exist_ok=True)
    visitor.post("/setup/choose/records")
    before = sorted(os.walk(home))
    for route, form in steps:
        answer = visitor.post(f"/setup/{route}", form)
        assert answer.status_code != 500
        assert "Traceback" not in answer.text
    text = visitor.get("/setup/choose").text

    # It stands before its first step, or where no request has led it: only keys that were shown open a folder.
    assert "/etc" not in text
    assert "All places" not in text
    assert sorted(os.walk(home)) == before
