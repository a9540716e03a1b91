"""The real `docassist-tray --demo` and the real Chromium, for tests and for pictures."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Playwright, sync_playwright

from backup_core.files import PRIVATE
from backup_core.runs import Action, Outcome, Run, Trigger

#: Seconds until the launcher must have told where its page is, and to have ended.
PATIENCE = 60
BIN = Path(sys.executable).parent
_OF_THIS_DESKTOP = ("XDG_", "DOCASSIST_", "DISPLAY", "WAYLAND_DISPLAY", "DBUS_")


@dataclass(frozen=True)
class Launcher:
    """A running `docassist-tray --demo`."""

    data_dir: Path
    bin_dir: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes]

    def address(self) -> str:
        """Return the page's address with a fresh ticket, as `docassist-backup open --print` tells it."""
        asked = self.command("open", "--print")
        assert asked.returncode == 0, asked.stderr
        return asked.stdout.strip()

    def wait_for_patients(self, count: int) -> None:
        """Return once the stand-in for the EMR has brought the live database to `count` patients."""
        give_up = time.monotonic() + PATIENCE
        while self._patients() < count:
            assert time.monotonic() < give_up, f"there are still fewer than {count} patients"
            time.sleep(0.2)

    def look_back(self, days: int) -> None:
        """Give the sample clinic a past: a backup on each working day of so many days, a failure, and a week off."""
        history = self.data_dir / PRIVATE / "history.jsonl"
        past = b"".join(run.to_json() + b"\n" for run in _past(days, datetime.now(UTC)))
        history.write_bytes(past + history.read_bytes())

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `docassist-backup` on the same data folder."""
        command = [str(self.bin_dir / "docassist-backup"), "--data-dir", str(self.data_dir), *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)

    def _patients(self) -> int:
        with closing(sqlite3.connect(self.data_dir / "clinic.db")) as database:
            return int(database.execute("SELECT count(*) FROM patients").fetchone()[0])


def _past(days: int, now: datetime) -> Iterator[Run]:
    for ago in range(days, 0, -1):
        at = now - timedelta(days=ago)
        if at.weekday() == 6 or 9 < ago < 16:
            continue
        for hours in (1, 5, 9):
            run = Run(
                action=Action.BACKUP,
                trigger=Trigger.INTERVAL,
                outcome=Outcome.FAILED if (ago, hours) == (5, 5) else Outcome.MADE if hours == 9 else Outcome.UNCHANGED,
                started_at=at - timedelta(hours=hours),
                reason="The disk is full." if (ago, hours) == (5, 5) else "",
            )
            facts = {"patients": 60 - ago // 2, "size": 300_000 - ago * 3_000}
            yield replace(run, facts=facts, archive=f"gone_{ago}") if run.outcome is Outcome.MADE else run


@contextmanager
def launched(
    folder: Path, bin_dir: Path = BIN, python_path: str = "", sample: Path | None = None
) -> Iterator[Launcher]:
    """Run a launcher without an icon, with its own sample clinic and home below `folder`; end it as a logout does.

    The clinic is a copy of `sample` where one is given; else the launcher makes it.
    """
    home, data_dir, log_path = folder / "home", folder / "Sample Clinic", folder / "launcher.log"
    home.mkdir()
    if sample is not None:
        shutil.copytree(sample, data_dir)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_OF_THIS_DESKTOP)}
    environment |= {"HOME": str(home), "PYTHONPATH": python_path}
    command = [str(bin_dir / "docassist-tray"), "--demo", "--data-dir", str(data_dir), "--no-icon", "--no-browser"]
    with log_path.open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        _wait_until_served(process, log_path)
        yield Launcher(data_dir, bin_dir, environment, process)
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(PATIENCE)
    assert status == 0, log_path.read_text()


def _wait_until_served(process: subprocess.Popen[bytes], log_path: Path) -> None:
    give_up = time.monotonic() + PATIENCE
    while "Admin page" not in log_path.read_text():
        assert process.poll() is None, log_path.read_text()
        assert time.monotonic() < give_up, "the launcher does not say where its page is"
        time.sleep(0.1)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the system's Chromium without a window."""
    with sync_playwright() as playwright, started(playwright) as browser:
        yield browser


@contextmanager
def started(playwright: Playwright, arguments: Sequence[str] = ()) -> Iterator[Browser]:
    """Run one more Chromium beside others: there can be one playwright in a process only."""
    program = shutil.which("chromium")
    assert program is not None, "the program chromium is missing"
    browser = playwright.chromium.launch(executable_path=program, args=list(arguments))
    yield browser
    browser.close()
