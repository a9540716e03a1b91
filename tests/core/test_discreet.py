"""What is named after patients stands in no log."""

import logging
from pathlib import Path

import pytest

from backup_core import logs
from backup_core.discreet import discreet
from backup_core.engine import BackupEngine
from backup_core.errors import BackupError
from backup_core.service import BackupService
from tests.clinic import Clinic


@pytest.fixture
def paper(clinic: Clinic) -> Path:
    """The folder of the prescriptions, with a link in it that leads nowhere."""
    folder = clinic.data_dir / "prescriptions"
    folder.mkdir(exist_ok=True)
    (folder / "Maria O'Lopez 2.pdf").symlink_to("nowhere")
    return folder


@pytest.fixture(autouse=True)
def only_prescriptions(monkeypatch: pytest.MonkeyPatch) -> None:
    """What other tests have added is theirs."""
    monkeypatch.setattr("backup_core.discreet._folders", {"prescriptions"})


def test_a_file_that_cannot_be_backed_up_is_not_named_in_the_log(own_log: Path, clinic: Clinic, paper: Path) -> None:
    logs.start_logging(console=False)
    BackupEngine(clinic.data_dir).create()
    (paper / "Maria\\Lopez.pdf").write_text("x")
    with pytest.raises(BackupError, match="Maria"):
        BackupEngine(clinic.data_dir).create()
    assert BackupService(clinic.data_dir).create_backup() is None
    gone = paper / "Maria" / "Lopez.pdf"
    try:
        gone.read_bytes()
    except OSError:
        logging.getLogger("backup_core").exception("could not read")

    text = own_log.read_text(encoding="utf-8")
    assert text.count("prescriptions/…") >= 3
    assert "Traceback" in text
    assert "Maria" not in text
    assert "Lopez" not in text


def test_what_the_user_added_is_not_named_either(own_log: Path, clinic: Clinic) -> None:
    logs.start_logging(console=False)
    folder = clinic.data_dir / "scans" / "new"
    folder.mkdir(parents=True)
    (folder / "Maria Lopez.pdf").symlink_to("nowhere")
    BackupEngine(clinic.data_dir, extras=["scans/new"]).create()

    text = own_log.read_text(encoding="utf-8")
    assert "scans/new/…" in text
    assert "Maria" not in text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("C:\\Data\\prescriptions\\Maria.pdf is gone", "C:\\Data\\prescriptions/…"),
        ("'C:\\\\Data\\\\Prescriptions\\\\Maria.pdf'", "'C:\\\\Data\\\\Prescriptions/…"),
        ("[('/d/prescriptions/A', '/s/prescriptions/A', 'no')]\nnext", "[('/d/prescriptions/…\nnext"),
        ("3 prescriptions were read", "3 prescriptions were read"),
        ("my-prescriptions/list", "my-prescriptions/list"),
    ],
)
def test_only_what_stands_behind_such_a_folder_goes(text: str, told: str) -> None:
    assert discreet(text) == told
