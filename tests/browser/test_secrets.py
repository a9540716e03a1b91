"""Where the secrets of the real launcher are, and that what stays behind of them opens nothing."""

import json
import os
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import BrowserContext, expect

from .launcher import BIN, PATIENCE

pytestmark = [pytest.mark.browser, pytest.mark.skipif(os.name == "nt", reason="there the address is given as it is")]

#: A browser that notes how it was started, and stays open for a while as browsers do.
_BROWSER = """#!/bin/sh
cp -p "$(printf '%s' "$1" | sed 's,^file://,,; s,%20, ,g')" "$HOME/seen.html"
printf '%s\\n' "$1" > "$HOME/seen.part" && mv "$HOME/seen.part" "$HOME/seen"
exec sh -c 'sleep 25; :' browser "$1"
"""


class Clinic:
    """The real `docassist-tray --demo` with a home of its own and a browser that only notes what it is asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.data_dir = folder / "Sample Clinic"
        self.said = folder / "said.log"
        self.home.mkdir()
        browser = folder / "browser"
        browser.write_text(_BROWSER)
        browser.chmod(0o755)
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
        self._environment = kept | {"HOME": str(self.home), "BROWSER": str(browser)}
        command = [str(BIN / "docassist-tray"), "--demo", "--data-dir", str(self.data_dir), "--no-icon"]
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                command, env=self._environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said, umask=0o022
            )

    def wait_for(self, path: Path, *, there: bool = True) -> None:
        """Return once something is at `path`, or is no longer."""
        give_up = time.monotonic() + PATIENCE
        while path.exists() != there:
            assert self.process.poll() is None, self.said.read_text()
            assert time.monotonic() < give_up, path
            time.sleep(0.1)

    def control(self) -> tuple[Path, dict[str, Any]]:
        """Return the control file and what is in it."""
        (path,) = self.home.glob(".local/state/DocAssist Backup/launchers/*.json")
        return path, json.loads(path.read_text())

    def command_lines(self) -> list[str]:
        """Return the command line of every process that the launcher has begun, and of itself."""
        family = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
        told = []
        for process in family:
            try:
                told.append(" ".join(process.cmdline()))
            except psutil.Error:
                continue
        return told

    def end(self) -> None:
        """End the launcher as a logout does."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(PATIENCE) == 0, self.said.read_text()

    def holds(self, secret: str) -> list[Path]:
        """Return the files in which a secret stands, backups and the log included."""
        files = [path for path in self.folder.rglob("*") if path.is_file() and path.name != "seen.html"]
        return [path for path in files if secret.encode() in path.read_bytes()]


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    """A launcher that has opened its page."""
    clinic = Clinic(tmp_path)
    try:
        clinic.wait_for(clinic.home / "seen")
        yield clinic
    finally:
        clinic.end()


def ask(port: int, method: str, path: str, key: str = "", body: bytes | None = None) -> int:
    """Return the status of the answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    connection.request(method, path, body, headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_of_the_secrets_of_a_run_only_spent_ones_are_ever_on_disk_or_in_a_command_line(
    clinic: Clinic, context: BrowserContext
) -> None:
    redirect = clinic.home / "seen.html"
    address = redirect.read_text().partition("url=")[2].partition('"')[0]
    ticket = address.partition("#t=")[2]
    (there,) = clinic.home.glob(".local/state/DocAssist Backup/open/*.html")
    control_file, control = clinic.control()
    assert len(ticket) > 40
    assert clinic.holds(ticket) == [there]
    for path in (there, control_file):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    lines = clinic.command_lines()
    assert any(there.name in line for line in lines), lines
    assert not any(secret in line for line in lines for secret in (ticket, control["key"]))

    page = context.new_page()
    page.goto(address)
    expect(page.locator("#verdict")).to_be_visible()
    expect(page.get_by_role("link", name="Restore the backup of").first).to_be_visible(timeout=30_000)
    key = page.evaluate("sessionStorage.getItem('docassist-backup-key')")
    page.locator("summary", has_text="More").first.click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download").first.click()
    token = waiting.value.url.rpartition("/")[2]

    clinic.wait_for(there, there=False)
    assert any(there.name in line for line in clinic.command_lines()), "the browser is closed already"
    assert ask(control["port"], "GET", "/status", key) == 200
    assert clinic.holds(control["key"]) == [control_file]
    for secret in (ticket, key, token):
        assert clinic.holds(secret) == []
    assert ask(control["port"], "GET", f"/download/{token}") == 401
    assert ask(control["port"], "POST", "/session", body=json.dumps({"ticket": ticket}).encode()) == 401

    clinic.end()
    assert not control_file.exists()
    for secret in (ticket, key, token, control["key"]):
        assert clinic.holds(secret) == []
    assert "Admin page: http://127.0.0.1:" in clinic.said.read_text()


def test_what_we_write_is_for_this_user_only(clinic: Clinic) -> None:
    backups = clinic.data_dir / "backups"
    clinic.wait_for(backups)
    private = clinic.data_dir / ".docassist-backup"
    clinic.wait_for(private / "history.jsonl")
    clinic.end()

    ours = [path for top in (backups, private, clinic.home / ".local") for path in (top, *top.rglob("*"))]
    assert len(ours) > 10
    # It only marks the demo's folder; whoever may read that may know it.
    harmless = {"sample-clinic.txt", ".local", "state"}
    open_ones = [path for path in ours if path.name not in harmless and path.stat().st_mode & 0o077]
    assert open_ones == []
