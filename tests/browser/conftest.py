"""The real launcher with its sample clinic on a free port, and Debian's Chromium to drive its page."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

#: Seconds until the launcher must have told where its page is, and to have ended.
PATIENCE = 60
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Launcher:
    """A running `docassist-tray --demo`."""

    data_dir: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes]

    def address(self) -> str:
        """Return the page's address with a fresh ticket; raise AssertionError if there is none in time."""
        give_up = time.monotonic() + PATIENCE
        while True:
            asked = self.command("open", "--print")
            if asked.returncode == 0:
                return asked.stdout.strip()
            assert self.process.poll() is None, "the launcher has ended"
            assert time.monotonic() < give_up, asked.stderr

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `docassist-backup` on the same data folder."""
        command = [str(BIN / "docassist-backup"), "--data-dir", str(self.data_dir), *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[Launcher]:
    """A launcher with a sample clinic of its own, ended as a user's logout ends it."""
    home = tmp_path / "home"
    home.mkdir()
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("XDG_", "DOCASSIST_", "DISPLAY", "WAYLAND_DISPLAY", "DBUS_"))
    } | {"HOME": str(home)}
    data_dir = tmp_path / "clinic"
    command = [str(BIN / "docassist-tray"), "--demo", "--data-dir", str(data_dir), "--no-icon", "--no-browser"]
    with (tmp_path / "launcher.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield Launcher(data_dir, environment, process)
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(PATIENCE)
    assert status == 0, (tmp_path / "launcher.log").read_text()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One headless Chromium for all tests of this folder."""
    chromium = shutil.which("chromium")
    assert chromium is not None, "the browser tests need the program chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium)
        yield started
        started.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh profile, in which no page may break the rules that `Watch` keeps."""
    fresh = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    yield fresh
    fresh.close()


@dataclass
class Watch:
    """What a page did that it should not do."""

    faults: list[str]

    def follow(self, page: Page) -> None:
        """Collect the console's errors, uncaught exceptions, policy violations, and requests that leave the PC."""
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.faults.append(f"uncaught: {error}"))
        page.on("request", self._asked)
        page.add_init_script(
            "document.addEventListener('securitypolicyviolation', e => console.error('policy: ' + e.violatedDirective))"
        )

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            self.faults.append(f"left the PC: {request.url}")


@pytest.fixture
def open_page(launcher: Launcher, context: BrowserContext) -> Iterator[Callable[[], Page]]:
    """Return a function that opens the admin page by a fresh ticket; afterwards, fail on any fault the page had."""
    watch = Watch([])

    def opened() -> Page:
        page = context.new_page()
        watch.follow(page)
        page.goto(launcher.address())
        return page

    yield opened
    assert watch.faults == []
    assert context.cookies() == []


@pytest.fixture
def page(open_page: Callable[[], Page]) -> Page:
    """The admin page, just opened."""
    return open_page()
