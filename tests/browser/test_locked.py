"""A page that nobody looks after: what hides its names, and what is not lost by that."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from .site import Site, served

pytestmark = pytest.mark.browser

IDLE = timedelta(minutes=15)
#: Milliseconds in which the status bar has asked again.
SOON = 15_000


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A page of a small clinic on its own port."""
    with served(tmp_path) as site:
        yield site


def opened(context: BrowserContext, site: Site, path: str) -> Page:
    """Return the page, opened as the tray icon does."""
    page = context.new_page()
    page.goto(site.address(path))
    expect(page.locator("#page[data-room]")).to_be_visible()
    return page


def test_lock_now_hides_the_names_of_every_page_that_is_open(site: Site, context: BrowserContext) -> None:
    name = site.engine.create().name
    site.clinic.admit(1)
    other = opened(context, site, f"/backups/{name}/restore")
    expect(other.locator("bdi", has_text="P 4").first).to_be_attached()
    page = opened(context, site, "/preferences")

    page.get_by_role("button", name="Lock now").click()

    expect(page.get_by_text("Locked: names are hidden")).to_be_visible()
    expect(page.get_by_role("button", name="Lock now")).to_have_count(0)
    expect(other.get_by_role("heading", name="Locked while nobody is here")).to_be_visible(timeout=SOON)
    assert "P 4" not in other.content()
    other.get_by_role("button", name="Unlock").click()
    expect(other.get_by_role("heading", name="Put back the backup of")).to_be_visible()


def test_names_go_from_a_page_whose_launcher_is_gone_and_where_nobody_clicks(
    site: Site, context: BrowserContext
) -> None:
    name = site.engine.create().name
    site.clinic.admit(1)
    page = context.new_page()
    page.clock.install()
    page.goto(site.address(f"/backups/{name}/restore"))
    expect(page.locator("bdi", has_text="P 4").first).to_be_attached()
    page.route("**/*", lambda route: route.abort("connectionrefused"))
    page.clock.run_for(14 * 60_000)
    expect(page.locator("#lost")).to_be_visible()
    page.locator("#lost").click()
    page.clock.run_for(14 * 60_000)
    assert "P 4" in page.content()
    page.clock.run_for(70_000)

    expect(page.get_by_role("heading", name="Locked while nobody is here")).to_be_visible()
    expect(page.locator("#lost")).to_be_visible()
    assert "P 4" not in page.content()
    expect(page.get_by_role("button")).to_have_count(0)

    # What is there again shows what it allows: here the session has been locked meanwhile.
    site.clock.pass_time(IDLE)
    page.unroute("**/*")
    page.clock.run_for(10_000)
    expect(page.get_by_role("button", name="Unlock")).to_be_visible()
    expect(page.locator("#lost")).to_be_hidden()


def test_what_was_typed_is_there_again_after_unlocking(site: Site, context: BrowserContext) -> None:
    page = opened(context, site, "/preferences")
    page.get_by_label("How many to keep").fill("23")
    page.get_by_label("Folder of DocAssist").fill("/opt/docassist")
    page.get_by_label("Dark").check()
    page.get_by_label("Show a note beside the clock").uncheck()

    site.clock.pass_time(IDLE)
    expect(page.get_by_role("heading", name="Locked while nobody is here")).to_be_visible(timeout=SOON)
    assert "/opt/docassist" not in page.content()
    page.get_by_role("button", name="Unlock").click()

    expect(page.get_by_label("How many to keep")).to_have_value("23")
    expect(page.get_by_label("Folder of DocAssist")).to_have_value("/opt/docassist")
    expect(page.get_by_label("Dark")).to_be_checked()
    expect(page.get_by_label("Show a note beside the clock")).not_to_be_checked()
    page.get_by_role("link", name="Activity").click()
    expect(page.get_by_role("heading", name="Activity")).to_be_visible()
    page.get_by_role("link", name="Preferences").click()
    expect(page.get_by_label("How many to keep")).to_have_value("10")
