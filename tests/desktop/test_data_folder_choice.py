"""A data folder that the launcher was once given is the one that is meant from then on."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tray.demo import NOTE

from .clinic import Computer, computer_in


def status_without_naming_a_folder(computer: Computer) -> dict[str, Any]:
    """Return what `docassist-backup status` tells in a folder that has nothing to do with the clinic."""
    asked = subprocess.run(
        [sys.executable, "-m", "backup_core.cli", "--json", "status"],
        cwd=computer.root,
        env={**computer.environment, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    status: dict[str, Any] = json.loads(asked.stdout)
    return status


def test_the_folder_of_a_clinic_is_remembered_for_the_command_line(tmp_path: Path, clinic: Path) -> None:
    with computer_in(tmp_path) as computer:
        computer.open_clinic(clinic)
        computer.start("--no-browser", with_emr=False).said("Admin page:")

        assert status_without_naming_a_folder(computer)["data_dir"] == str(computer.data_dir)


def test_the_folder_of_a_sample_clinic_is_not_remembered(tmp_path: Path, clinic: Path) -> None:
    with computer_in(tmp_path) as computer:
        computer.open_clinic(clinic)
        (computer.data_dir / NOTE).parent.mkdir(exist_ok=True)
        (computer.data_dir / NOTE).touch()
        computer.start("--no-browser", with_emr=False).said("Admin page:")

        assert status_without_naming_a_folder(computer).get("data_dir") != str(computer.data_dir)
