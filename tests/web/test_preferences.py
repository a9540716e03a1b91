"""The Preferences page: what is typed is saved whole or not at all, and every fault has its sentence."""

import json

import pytest

from backup_core.settings import Preferences, Settings
from tests.web.conftest import Clinic, Visitor

GOOD = {"frequency_hours": "6", "keep": "20", "emr_command": "", "emr_dir": "", "backup_dir": "", "extras": ""}


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
    }
    answer = visitor.post("/preferences", typed)

    assert answer.status_code == 200
    assert "Saved." in answer.text
    assert Settings(clinic.data_dir).read() == Preferences(
        1.5, 30, "docassist --quiet", str(emr), typed["backup_dir"], ("exports", "scans")
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
        ("extras", "../other", ""),
    ],
)
def test_a_fault_is_told_beside_its_field_and_nothing_is_saved(
    visitor: Visitor, clinic: Clinic, field: str, value: str, sentence: str
) -> None:
    answer = visitor.post("/preferences", GOOD | {field: value})

    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert sentence in answer.text
    assert answer.text.count('aria-invalid="true"') == 1
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
