"""Nothing of the clinic leaves the PC: no store is opened that would tell its maker of it, and no process calls out."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_FOLDERS = ("backup_core", "tray", "webadmin", "tests")
#: Code in strings, which tests run in processes of their own, counts too.
_CLIENT = re.compile(r"\bchromadb\.(?:\w*Client)\s*\(((?:[^()]|\([^()]*\)|\((?:[^()]|\([^()]*\))*\))*)\)")
_SILENT = "Settings(anonymized_telemetry=False)"

#: Loaded by every Python process: refuses the network and keeps a list of who asked for it.
WATCH = """
import os, sys

with open(os.environ["WATCHED"], "a") as seen:
    seen.write("started\\n")

def refuse(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        with open(os.environ["WATCHED"], "a") as seen:
            seen.write(f"{event} {arguments[-1] if event.startswith('socket.c') else arguments[0]}\\n")
        raise OSError(101, "Network is unreachable")

sys.addaudithook(refuse)
"""


def test_every_place_that_opens_a_chroma_store_keeps_it_from_telling() -> None:
    opened, telling = 0, []
    for path in (path for folder in _FOLDERS for path in (ROOT / folder).rglob("*.py") if path != Path(__file__)):
        text = path.read_text(encoding="utf-8")
        calls = [call.group(1) for call in _CLIENT.finditer(text)]
        opened += len(calls)
        assert len(calls) == len(re.findall(r"\bchromadb\.\w*Client\s*\(", text)), path
        silent = all("settings=" in call and (_SILENT in call or f"settings = {_SILENT}" in text) for call in calls)
        imports_a_client = re.search(r"from chromadb\S* import [^\n]*Client", text)
        if not silent or imports_a_client:
            telling.append(path.relative_to(ROOT).as_posix())

    assert opened >= 6
    assert telling == []


@pytest.mark.slow
def test_a_clinic_is_made_backed_up_opened_and_restored_without_asking_for_the_network(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
    seen = tmp_path / "seen"
    environment = {
        **os.environ,
        "PYTHONPATH": str(tmp_path),
        "WATCHED": str(seen),
        "DOCASSIST_DATA_DIR": str(tmp_path / "data"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }

    def run(*words: str) -> str:
        ended = subprocess.run(
            [sys.executable, "-m", *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    run("backup_core.samplemaker")
    made = run("backup_core.cli", "create")
    assert "was opened and checked" in run("backup_core.cli", "prove")
    name = re.findall(r"backup_\S+\.zip", made)[0]
    run("backup_core.cli", "restore", name, "--yes")

    # The four commands, and the process that opens the store.
    assert seen.read_text(encoding="utf-8").splitlines() == ["started"] * 5
