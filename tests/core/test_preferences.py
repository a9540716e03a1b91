from dataclasses import asdict, replace
from pathlib import Path

import pytest

from backup_core.errors import SettingInvalid, SourceMissing
from backup_core.preferences import Preferences, accepted, faults, validate

USUAL = Preferences()


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "Clinic Böhm" / "data"
    folder.mkdir(parents=True)
    return folder


def test_the_usual_preferences_are_accepted(data_dir: Path) -> None:
    assert faults(USUAL, data_dir) == {}
    validate(USUAL, data_dir)


def test_every_field_can_be_chosen(data_dir: Path) -> None:
    chosen = Preferences(
        frequency_hours=0.5,
        keep=30,
        emr_command='"C:/Program Files/DocAssist/docassist.exe" --quiet',
        emr_dir=str(data_dir),
        backup_dir=str(data_dir / "backups"),
        extras=("exports", "letters/2026"),
        startup="always",
        notifications=False,
        closing_note=False,
        theme="dark",
        older_dirs=(str(data_dir / "before"),),
    )
    assert faults(chosen, data_dir) == {}


@pytest.mark.parametrize("hours", [0, -1, 169, float("nan"), float("inf"), True, "4", None])
def test_a_frequency_that_is_not_possible_is_refused_in_a_sentence(data_dir: Path, hours: float) -> None:
    with pytest.raises(SettingInvalid, match=f"^A backup every {hours} hours is not possible.$") as refusal:
        validate(replace(USUAL, frequency_hours=hours), data_dir)
    assert refusal.value.field == "frequency_hours"
    assert "at most 168 hours" in refusal.value.hint


@pytest.mark.parametrize("keep", [0, -1, 1001, 2.5, True, "10"])
def test_a_number_of_backups_that_cannot_be_kept_is_refused(data_dir: Path, keep: int) -> None:
    assert faults(replace(USUAL, keep=keep), data_dir).keys() == {"keep"}


def test_each_field_has_its_own_sentence(data_dir: Path) -> None:
    wrong = Preferences(
        frequency_hours=0,
        keep=0,
        emr_command="two\nlines",
        emr_dir="not/whole",
        backup_dir="backups",
        extras=("../elsewhere",),
        startup="sometimes",
        notifications="on",  # type: ignore[arg-type]  # as a spoilt file may have it
        closing_note=1,  # type: ignore[arg-type]
        theme="pink",
        older_dirs=("relative",),
    )
    found = faults(wrong, data_dir)
    assert found.keys() == asdict(wrong).keys()
    assert all(fault.field == field for field, fault in found.items())


def test_the_folder_of_docassist_has_to_be_there(data_dir: Path) -> None:
    assert faults(replace(USUAL, emr_dir=str(data_dir / "none")), data_dir).keys() == {"emr_dir"}


def test_a_new_backup_folder_may_be_named_where_its_parent_is(data_dir: Path, tmp_path: Path) -> None:
    assert faults(replace(USUAL, backup_dir=str(tmp_path / "new")), data_dir) == {}
    missing = faults(replace(USUAL, backup_dir=str(tmp_path / "unplugged" / "new")), data_dir)
    assert "connect the drive" in str(missing["backup_dir"])


def test_a_file_is_no_backup_folder(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "is a file" in str(faults(replace(USUAL, backup_dir=str(tmp_path / "file")), data_dir)["backup_dir"])


@pytest.mark.parametrize("inside", [".", "chroma", "prescriptions/old", "exports/backups"])
def test_backups_cannot_lie_in_what_is_backed_up(data_dir: Path, inside: str) -> None:
    folder = data_dir / inside
    folder.mkdir(parents=True, exist_ok=True)
    found = faults(replace(USUAL, backup_dir=str(folder), extras=("exports",)), data_dir)
    assert "backed up itself" in str(found["backup_dir"])


def test_a_backup_folder_is_not_judged_without_the_data_folder(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing):
        faults(replace(USUAL, backup_dir=str(tmp_path)), tmp_path / "none")


def test_of_a_parsed_file_each_good_value_is_accepted_and_each_other_one_told() -> None:
    values, problems = accepted({"keep": 0, "frequency_hours": 8, "extras": ["exports"], "colour": "dark"})
    assert values == {"frequency_hours": 8, "extras": ("exports",)}
    assert problems == ["It is not possible to keep 0 backups."]


@pytest.mark.parametrize("extras", ["exports", [1], {"exports": 1}, [".docassist-backup"]])
def test_extras_that_are_no_list_of_names_are_not_accepted(extras: object) -> None:
    assert accepted({"extras": extras})[0] == {}


def test_a_command_whose_quotation_marks_do_not_match_is_refused(tmp_path: Path) -> None:
    found = faults(Preferences(emr_command='"C:\\Program Files\\DocAssist.exe'), tmp_path)
    assert str(found["emr_command"]) == "The quotation marks in the command that starts DocAssist do not match."
    assert faults(Preferences(emr_command='"C:\\Program Files\\DocAssist.exe"'), tmp_path) == {}
