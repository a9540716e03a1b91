"""A launcher for each test, one browser for all, and a watch over what the page does."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Request, sync_playwright

from tray import demo

from .launcher import Launcher, launched, started


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample clinic that all others are copies of: making one takes longer than most tests."""
    folder = demo.demo_folder(tmp_path_factory.mktemp("sample") / "clinic")
    demo.fill(folder)
    return folder


@pytest.fixture
def launcher(tmp_path: Path, sample: Path) -> Iterator[Launcher]:
    """A launcher with a sample clinic of its own."""
    with launched(tmp_path, sample=sample) as running:
        yield running


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """What drives every browser of this folder."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """One headless Chromium for all tests of this folder."""
    with started(playwright) as browser:
        yield browser


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh profile of the browser."""
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
        # A browser reports the answer to a form that was filled in wrongly; the page shows it beside the field.
        if message.type in ("error", "warning") and "status of 422" not in message.text:
            self.faults.append(f"console: {message.text} ({message.location['url']})")

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
