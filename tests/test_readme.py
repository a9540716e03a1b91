"""What the README shows is true: its examples run, and it names every command and option that there is."""

import argparse
import re
import sys
import tomllib
from pathlib import Path

import pytest

from backup_core.arguments import parser
from backup_core.logs import log_file
from backup_core.sample import SampleClinic
from tray import demo
from tray.options import parse

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
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


@pytest.mark.skipif(sys.platform != "linux", reason="the places of the other systems are their own")
def test_log_and_demo_lie_where_the_table_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_STATE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    places = [path.as_posix().replace(str(tmp_path), "~") for path in (log_file(), demo.demo_folder())]

    assert [place for place in places if f"Linux `{place}`" not in README] == []


def test_what_is_said_of_a_program_without_a_console_is_said_of_such_a_program() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert project["gui-scripts"].keys() == {"docassist-tray"}
    assert "On Windows `docassist-tray` is a program without a console" in README


def test_what_only_the_icon_does_is_on_no_page() -> None:
    assert "Only **Quit** is\nin the icon's menu alone" in README
    pages = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "templates").rglob("*.html"))
    assert [word for word in ("Quit",) if word in pages] == []
