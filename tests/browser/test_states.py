"""Every state that comes seldom, in a real browser: said in words, inside the screen, and usable by everybody."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from .site import Site, served
from .states import STATES, at_work
from .test_accessibility import WIDTHS, settled, violations

pytestmark = pytest.mark.browser


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A page of a small clinic."""
    with served(tmp_path) as site:
        yield site


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a browser that lets axe-core in."""
    context = browser.new_context(reduced_motion="reduce", bypass_csp=True)
    yield context.new_page()
    context.close()


def opened(page: Page, site: Site) -> None:
    """Open the page by a ticket, and wait until it is there."""
    page.goto(site.address())
    expect(page.locator("#page[data-room]")).to_be_visible()


@pytest.mark.parametrize(("state", "words"), STATES.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_it_is_said_in_words_and_everybody_can_use_it(
    site: Site, page: Page, state: Callable[[Site], str], words: str
) -> None:
    path = state(site)
    opened(page, site)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        settled(page, site.origin + path)
        for menu in page.locator("details.menu").all()[:-1]:
            menu.evaluate("element => { element.open = false; }")  # one at a time, as they are
        expect(page.get_by_text(words).filter(visible=True).first).to_be_visible()
        assert violations(page) == [], width
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, width


@pytest.mark.parametrize("kind", ["create", "restore"])
def test_what_runs_can_be_cancelled_by_a_click(site: Site, page: Page, kind: str) -> None:
    with at_work(site, kind) as path:
        opened(page, site)
        settled(page, site.origin + path)
        assert violations(page) == []
        page.get_by_role("button", name="Cancel").click()

        expect(page.get_by_text("Cancelled. Everything is as it was before.").first).to_be_visible()
        assert site.jobs.current() is None
