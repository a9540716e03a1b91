"""The Preferences page: what is typed is saved whole or not at all, and every fault has its sentence."""

import json
import re
import sys
from pathlib import Path

import pytest

from backup_core.engine import BackupEngine
from backup_core.errors import BackupError
from backup_core.jobs import JobRunner
from backup_core.settings import Preferences, Settings
from tests.web.conftest import ORIGIN, Clinic, Visitor
from webadmin import PlainDesk

GOOD = {
    "frequency_hours": "6",
    "keep": "20",
    "startup": "when-stale",
    "emr_command": "",
    "emr_dir": "",
    "backup_dir": "",
    "extras": "",
    "notifications": "yes",
    "closing_note": "yes",
    "theme": "system",
}


def test_the_page_shows_what_is_in_force(visitor: Visitor, clinic: Clinic) -> None:
    Settings(clinic.data_dir).save(Preferences(frequency_hours=2.5, keep=12, extras=("exports", "scans")))
    page = visitor.get("/preferences").text

    assert 'name="frequency_hours" value="2.5"' in page
    assert 'name="keep" value="12"' in page
    assert "exports\nscans</textarea>" in page


def test_what_is_saved_counts_at_once(visitor: Visitor, clinic: Clinic) -> None:
    emr = clinic.data_dir.parent / "emr"
    emr.mkdir()
    typed = {
        "frequency_hours": " 1,5 ",
        "keep": "30",
        "emr_command": "docassist --quiet",
        "emr_dir": str(emr),
        "backup_dir": str(clinic.data_dir.parent / "safe place"),
        "extras": "exports\r\n\r\n scans ",
        "startup": "always",
        "closing_note": "yes",
        "theme": "dark",
    }
    answer = visitor.post("/preferences", typed)

    assert answer.status_code == 200
    assert "Saved." in answer.text
    assert Settings(clinic.data_dir).read() == Preferences(
        1.5,
        30,
        "docassist --quiet",
        str(emr),
        typed["backup_dir"],
        ("exports", "scans"),
        startup="always",
        notifications=False,
        closing_note=True,
        theme="dark",
    )


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("frequency_hours", "0", "A backup every 0 hours is not possible."),
        ("frequency_hours", "nan", "is not possible."),
        ("frequency_hours", "inf", "is not possible."),
        ("frequency_hours", "often", "Write the hours as a number"),
        ("frequency_hours", "", "Write the hours as a number"),
        ("keep", "0", "It is not possible to keep 0 backups."),
        ("keep", "9" * 5000, "Write how many to keep as a whole number"),
        ("keep", "2.5", "Write how many to keep as a whole number"),
        ("emr_dir", "somewhere", "is not the whole path of a folder"),
        ("backup_dir", "/nowhere/at/all", "There is no folder /nowhere/at"),
        ("backup_dir", "a\0b", "is not the whole path of a folder"),
        ("extras", "../other", "is not a file or folder inside the data folder."),
        ("emr_command", 'run "me', "The quotation marks in the command that starts DocAssist do not match."),
        ("emr_command", "two\x00", "has to be one line of text."),
        ("startup", "sometimes", "Choose one of the rules for the start."),
        ("theme", "pink", "Choose one of the colours."),
    ],
)
def test_a_fault_is_told_beside_its_field_and_nothing_is_saved(
    visitor: Visitor, clinic: Clinic, field: str, value: str, sentence: str
) -> None:
    answer = visitor.post("/preferences", GOOD | {field: value})

    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert sentence in answer.text
    assert answer.text.count('class="error"') == 1
    assert "Nothing was saved yet." in answer.text
    assert Settings(clinic.data_dir).read() == Preferences()


def test_all_faults_are_told_together_and_what_was_typed_stays(visitor: Visitor) -> None:
    answer = visitor.post("/preferences", {"frequency_hours": "<b>", "keep": "-1", "emr_command": "run me"})

    assert answer.text.count('aria-invalid="true"') == 2
    assert 'value="&lt;b&gt;"' in answer.text
    assert 'value="run me"' in answer.text


def test_what_docassist_says_wins_and_its_file_keeps_all_else(visitor: Visitor, clinic: Clinic) -> None:
    path = clinic.data_dir / "settings.json"
    path.write_text('{"doctor": "Dr. Ü", "preferences": {"backup_frequency_hours": 3, "theme": "dark"}}')
    before = visitor.get("/preferences").text
    visitor.post("/preferences", GOOD)

    assert 'name="frequency_hours" value="3"' in before
    assert json.loads(path.read_text()) == {
        "doctor": "Dr. Ü",
        "preferences": {"backup_frequency_hours": 6, "theme": "dark"},
    }


def test_a_damaged_file_is_said_and_does_no_harm(visitor: Visitor, clinic: Clinic) -> None:
    (clinic.data_dir / "settings.json").write_text("{")

    assert "settings.json cannot be read" in visitor.get("/preferences").text


@pytest.fixture
def made(engine: BackupEngine, clinic: Clinic) -> list[str]:
    """The names of four backups of four states, oldest first."""
    names = []
    for _count in range(4):
        clinic.admit(1)
        names.append(engine.create().name)
    return names


def test_a_number_out_of_the_usual_is_advised_against_and_allowed(visitor: Visitor, clinic: Clinic) -> None:
    answer = visitor.post("/preferences", GOOD | {"frequency_hours": "8", "keep": "5"})

    assert "Up to 8 hours of work could be lost" in answer.text
    assert "10 or more is safer" in answer.text
    assert Settings(clinic.data_dir).read().keep == 5


def test_the_usual_numbers_are_not_commented(visitor: Visitor) -> None:
    assert "You may choose that" not in visitor.post("/preferences", GOOD | {"frequency_hours": "4"}).text


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("frequency_hours?frequency_hours=12", "Up to 12 hours"),
        ("frequency_hours?frequency_hours=", ""),
        ("keep?keep=x", ""),
        ("keep?keep=0", ""),
        ("keep?keep=3", "10 or more is safer"),
    ],
)
def test_advice_comes_while_it_is_typed(visitor: Visitor, address: str, told: str) -> None:
    answer = visitor.get(f"/preferences/advice/{address}")
    assert answer.status_code == 200
    assert told in answer.text
    assert bool(told) == bool(answer.text.strip())


def test_what_would_go_is_shown_before_it_is_saved(visitor: Visitor, engine: BackupEngine, clinic: Clinic) -> None:
    # Twelve states on one day: the tiers keep ten of them beside the newest.
    names = []
    for _count in range(12):
        clinic.admit(1)
        names.append(engine.create().name)

    assert "no backup that is there now would go" in visitor.get("/preferences/advice/keep?keep=12").text
    text = visitor.get("/preferences/advice/keep?keep=2").text
    assert "2 backups would go at the next tidying up" in text
    assert text.count("<li>") == 2
    assert len(engine.archives()) == 12, "looking deletes nothing"
    engine.keeper.set_policy(Preferences(keep=2).policy)
    assert sorted(engine.prune()) == names[:2]


def test_what_is_added_and_not_there_is_told_beside_it(visitor: Visitor, clinic: Clinic) -> None:
    (clinic.data_dir / "exports").mkdir()
    answer = visitor.post("/preferences", GOOD | {"extras": "exports\nletters"})
    assert "There is no <bdi hx-ignore>letters</bdi> in the data folder now" in answer.text
    assert "<bdi hx-ignore>exports</bdi>" not in answer.text


def test_a_folder_is_really_tried(visitor: Visitor, tmp_path: Path) -> None:
    good = visitor.post("/preferences/try/folder", {"backup_dir": str(tmp_path)}).text
    assert "This folder works" in good
    assert "free." in good
    missing = visitor.post("/preferences/try/folder", {"backup_dir": "/nowhere/at/all"}).text
    assert "There is no folder /nowhere/at" in missing
    assert "This folder works" in visitor.post("/preferences/try/folder", {"backup_dir": ""}).text
    assert not list(tmp_path.glob(".docassist-backup-test*"))


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (sys.executable, "was not started now"),
        ("no-such-program", "There is no program no-such-program"),
        ('"unmatched', "quotation marks"),
        ("", "There is no command to look for."),
    ],
)
def test_a_command_is_looked_up(visitor: Visitor, typed: str, told: str) -> None:
    assert told in visitor.post("/preferences/try/command", {"emr_command": typed, "emr_dir": ""}).text


def test_a_new_backup_folder_keeps_the_old_backups_listed_with_what_is_kept_for_ever(
    visitor: Visitor, clinic: Clinic, engine: BackupEngine, made: list[str], tmp_path: Path
) -> None:
    engine.keeper.keep_for_ever(engine.find(made[0]), keep=True)
    new = tmp_path / "other disk"
    visitor.post("/preferences", GOOD | {"backup_dir": str(new)})
    saved = Settings(clinic.data_dir).read()

    assert saved.older_dirs == (str(engine.backup_dir),)
    after = BackupEngine(clinic.data_dir, new, older_dirs=saved.older_dirs)
    assert {archive.name for archive in after.archives()} == set(made)
    assert after.keeper.pins == {made[0]: "by-hand"}


def test_back_in_the_first_folder_it_is_no_earlier_one(visitor: Visitor, clinic: Clinic, made: list[str]) -> None:
    visitor.post("/preferences", GOOD | {"backup_dir": str(clinic.data_dir.parent / "new")})
    visitor.post("/preferences", GOOD)
    assert made
    assert Settings(clinic.data_dir).read().older_dirs == ()


def test_a_folder_without_backups_is_not_kept_in_mind(visitor: Visitor, clinic: Clinic, tmp_path: Path) -> None:
    visitor.post("/preferences", GOOD | {"backup_dir": str(tmp_path / "new")})
    assert Settings(clinic.data_dir).read().older_dirs == ()


def test_the_colours_stand_in_the_frame_and_on_every_page(visitor: Visitor) -> None:
    visitor.post("/preferences", GOOD | {"theme": "dark"})
    shell = visitor.client.get("/", headers={"Sec-Fetch-Mode": "navigate"}, base_url=ORIGIN).text
    assert re.search(r'<html[^>]* data-theme="dark"', shell)
    assert 'data-theme="dark"' in visitor.get("/activity").text


class Desk(PlainDesk):
    """A desk that can be started at login, or says that the system refuses."""

    refuses = False
    chosen: list[bool]

    def starts_at_login(self) -> bool | None:
        return False

    def start_at_login(self, *, on: bool) -> None:
        if self.refuses:
            raise BackupError("Starting at login could not be changed.")
        self.chosen.append(on)


class TestAtLogin:
    """With a launcher that can be started at login."""

    @pytest.fixture
    def desk(self, engine: BackupEngine, jobs: JobRunner) -> Desk:
        """The desk of such a launcher."""
        desk = Desk(engine, jobs)
        desk.chosen = []
        return desk

    def test_what_the_system_refuses_is_told_beside_it_and_nothing_is_saved(
        self, visitor: Visitor, clinic: Clinic, desk: Desk
    ) -> None:
        desk.refuses = True
        answer = visitor.post("/preferences", GOOD | {"at_login": "yes"})
        assert answer.status_code == 422
        assert 'id="at_login-error"' in answer.text
        assert "Starting at login could not be changed." in answer.text
        assert Settings(clinic.data_dir).read() == Preferences()

    def test_it_is_changed_with_the_rest_and_only_where_it_changes(self, visitor: Visitor, desk: Desk) -> None:
        visitor.post("/preferences", GOOD)
        visitor.post("/preferences", GOOD | {"at_login": "yes"})
        assert desk.chosen == [True]

    def test_where_the_rest_cannot_be_saved_it_is_taken_back(
        self, visitor: Visitor, desk: Desk, clinic: Clinic
    ) -> None:
        (clinic.data_dir / ".docassist-backup").write_text("in the way")
        assert visitor.post("/preferences", GOOD | {"at_login": "yes"}).status_code == 503
        assert desk.chosen == [True, False]
