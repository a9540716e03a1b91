"""What gets installed: the wheel holds the packages, the page's templates and assets, and nothing else."""

import json
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest

from tests.browser.launcher import launched

PROJECT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built of this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=PROJECT, check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    """The names of all files in the wheel."""
    with zipfile.ZipFile(wheel) as opened:
        return set(opened.namelist())


def test_the_wheel_holds_our_three_packages_and_nothing_beside_them(names: set[str]) -> None:
    info = next(name for name in names if name.endswith(".dist-info/METADATA")).split("/")[0]

    assert {name.split("/")[0] for name in names} == {"backup_core", "webadmin", "tray", info}
    assert {f"{info}/entry_points.txt", f"{info}/licenses/LICENSE"} <= names


def test_the_wheel_holds_every_module_template_and_asset_of_the_checkout(names: set[str]) -> None:
    modules = {
        path.relative_to(PROJECT).as_posix()
        for room in ("backup_core", "webadmin", "tray")
        for path in (PROJECT / room).rglob("*.py")
    }
    templates = {
        f"webadmin/{path.relative_to(PROJECT).as_posix()}"
        for path in (PROJECT / "templates").rglob("*")
        if path.is_file()
    }
    assets = {path.relative_to(PROJECT).as_posix() for path in (PROJECT / "webadmin" / "static").iterdir()}

    assert templates
    assert modules | templates | assets <= names


def test_the_wheel_tells_type_checkers_that_it_is_typed(names: set[str]) -> None:
    assert {f"{room}/py.typed" for room in ("backup_core", "webadmin", "tray")} <= names


def test_the_installed_wheel_serves_its_page(wheel: Path, tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", str(installed), str(wheel)], check=True)

    with launched(tmp_path, installed / "bin", str(installed)) as launcher:
        page, _, ticket = launcher.address().partition("#t=")
        key = json.loads(_ask(f"{page}session", {"Content-Type": "application/json"}, {"ticket": ticket}))["key"]
        backups = _ask(page, {"Authorization": f"Bearer {key}"})
        style = _ask(f"{page}static/app.css", {})

    assert "Sample clinic." in backups
    assert style


def _ask(address: str, headers: dict[str, str], body: dict[str, str] | None = None) -> str:
    request = urllib.request.Request(address, json.dumps(body).encode() if body else None, headers)
    with urllib.request.urlopen(request) as answer:
        text: bytes = answer.read()
    return text.decode()
