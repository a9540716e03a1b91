"""What the README shows is true: its examples run, and it names every command and option that there is."""

import argparse
import re
from pathlib import Path

import pytest

from backup_core.arguments import parser
from backup_core.sample import SampleClinic
from tray.options import parse

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
EXAMPLE, SHIM = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_example_for_developers_runs_on_a_clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    SampleClinic(tmp_path / "data").create(patients=3)

    exec(compile(EXAMPLE, "README.md", "exec"), {})

    backups = [path.name for path in (tmp_path / "data" / "backups").glob("backup_*.zip")]
    safety = [path.name for path in (tmp_path / "data" / "backups").glob("safety_backup_*.zip")]
    assert len(backups) == 2
    assert len(safety) == 1


def test_the_shim_offers_the_backup_service_in_three_lines() -> None:
    module: dict[str, object] = {}
    exec(compile(SHIM, "README.md", "exec"), module)

    assert module["__all__"] == ["BackupService"]
    assert hasattr(module["BackupService"], "auto_backup")
    assert len([line for line in SHIM.splitlines() if line]) <= 3


def test_every_command_and_option_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--help"])
    launcher = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    (commands,) = (action.choices for action in parser()._actions if isinstance(action, argparse._SubParsersAction))
    options = {option for command in commands.values() for option in command._option_string_actions}

    assert {word for word in {*commands, *options, *launcher} - {"-h", "--help"} if word not in README} == set()
