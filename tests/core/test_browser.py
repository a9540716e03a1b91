"""Opening the page, with a program that notes what it is given in the place of a browser."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from backup_core import browser
from tests.clinic import ROOT

ADDRESS = "http://127.0.0.1:8765/#t=T&1"

_BROWSER = f"""#!{sys.executable}
import os, sys, urllib.parse
path = urllib.parse.unquote(urllib.parse.urlsplit(sys.argv[1]).path)
with open({{note!r}}, "w") as note:
    print(sys.argv[1], oct(os.stat(path).st_mode & 0o777), open(path).read(), sep="\\n", file=note)
"""

_OPEN = """
import sys
from backup_core import browser
browser._KEPT = 0.5
print(browser.open_page(sys.argv[1], wait=True))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there the browser is asked directly")
def test_the_browser_gets_a_private_file_that_leads_on_and_is_gone_afterwards(
    own_folders: Path, tmp_path: Path
) -> None:
    program, note = tmp_path / "browser", tmp_path / "note"
    program.write_text(_BROWSER.format(note=str(note)))
    program.chmod(0o700)
    opened = subprocess.run(
        [sys.executable, "-c", _OPEN, ADDRESS],
        cwd=ROOT,
        env={**os.environ, "BROWSER": f"{program} %s"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert opened.stdout == "True\n"
    address, mode, redirect = note.read_text().split("\n", 2)
    assert "T&1" not in address
    assert address.startswith("file://")
    assert mode == oct(0o600)
    assert 'url=http://127.0.0.1:8765/#t=T&amp;1"' in redirect
    assert list((own_folders / "open").iterdir()) == []
    assert stat.S_IMODE((own_folders / "open").stat().st_mode) == 0o700


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a desktop")
def test_without_a_desktop_nothing_is_opened(own_folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    assert not browser.open_page(ADDRESS)
    assert not (own_folders / "open").exists()


def test_what_an_earlier_run_has_left_is_swept(own_folders: Path) -> None:
    left = own_folders / "open" / "open-1.html"
    left.parent.mkdir(parents=True)
    left.touch()
    browser.sweep()
    assert not left.exists()
