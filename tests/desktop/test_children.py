"""How the program starts its children and itself again, from a plain Python and from a frozen build."""

import subprocess
import sys
from pathlib import Path

import pytest

from backup_core import children
from tray import relaunch

CHILDREN = (
    "backup_core.chromaprobe",
    "backup_core.lockholder",
    "backup_core.samplemaker",
    "backup_core.standin",
    "tray.icon",
)


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Make this process look like a frozen build, and return its executable."""
    executable = tmp_path / "docassist-tray"
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(executable))
    return executable


@pytest.mark.parametrize("module", CHILDREN)
def test_every_child_is_a_module_that_can_be_run(module: str) -> None:
    assert children.command(module) == [sys.executable, "-m", module]
    assert (children.ROOT / f"{module.replace('.', '/')}.py").is_file()


def test_a_child_ends_by_itself_when_nobody_speaks_to_it() -> None:
    ended = subprocess.run(children.command("tray.icon"), cwd=children.ROOT, stdin=subprocess.DEVNULL, timeout=30)
    assert ended.returncode == 0


def test_a_frozen_build_is_its_own_child(frozen: Path) -> None:
    assert children.command("tray.icon") == [str(frozen), "--child", "tray.icon"]
    assert relaunch.launcher("--data-dir", "x") == [str(frozen), "--data-dir", "x"]


@pytest.mark.parametrize("module", ["os", "antigravity", "nothing.like.it", "backup_corex.y"])
def test_only_the_programs_own_modules_are_children(module: str) -> None:
    with pytest.raises(ValueError, match=module):
        children.run(module)


def test_a_frozen_child_runs_the_module_of_its_name() -> None:
    code = "import sys; from backup_core import children; sys.exit(children.run('tray.icon'))"
    ended = subprocess.run([sys.executable, "-c", code], cwd=children.ROOT, stdin=subprocess.DEVNULL, timeout=30)
    assert ended.returncode == 0


def test_a_frozen_child_has_the_arguments_that_its_module_expects(tmp_path: Path) -> None:
    words = ["--child", "backup_core.cli", "--data-dir", str(tmp_path / "none"), "--json", "list"]
    ended = subprocess.run(
        [sys.executable, "-m", "backup_core.cli", *words], cwd=children.ROOT, capture_output=True, text=True, timeout=30
    )
    assert ended.returncode == 1
    assert str(tmp_path / "none") in ended.stdout


@pytest.mark.parametrize(
    ("beside", "expected"),
    [
        (["docassist-tray", "pythonw"], ["docassist-tray", "--no-browser"]),
        (["pythonw"], ["pythonw", "-m", "tray.app", "--no-browser"]),
        ([], ["python", "-m", "tray.app", "--no-browser"]),
    ],
)
def test_the_launcher_is_started_by_its_own_program_if_it_is_installed(
    beside: list[str], expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    for name in beside:
        (tmp_path / name).touch()
    assert relaunch.launcher("--no-browser") == [str(tmp_path / expected[0]), *expected[1:]]
