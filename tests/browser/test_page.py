"""The page as a browser meets it: locked without the tray, at home with reload and Back, and readable on a phone."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from backup_core.manifest import MANIFEST_NAME

from .launcher import Launcher

pytestmark = pytest.mark.browser

#: Milliseconds that the first backup of a fresh sample clinic may take.
SLOW = 45_000


def test_without_a_ticket_the_page_is_locked_and_tells_nothing(launcher: Launcher, context: BrowserContext) -> None:
    address = launcher.address().partition("#")[0]
    page = context.new_page()

    for path in ("", "activity", "preferences"):
        page.goto(address + path)
        expect(page.get_by_role("heading", name="This page is locked")).to_be_visible()
        assert "Sample" not in page.locator("body").inner_text()


def test_a_ticket_opens_the_page_once_and_leaves_no_trace_in_the_address(
    launcher: Launcher, context: BrowserContext
) -> None:
    address = launcher.address()
    first, second = context.new_page(), context.new_page()
    first.goto(address)
    expect(first.locator("#verdict")).to_be_visible(timeout=SLOW)
    assert "#" not in first.url

    second.goto(address)

    expect(second.get_by_role("heading", name="This page is locked")).to_be_visible()


def test_reload_and_back_stay_where_they_are(page: Page) -> None:
    page.get_by_role("link", name="Activity").click()
    expect(page.get_by_role("heading", name="Activity")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Activity")).to_be_visible()

    page.go_back()

    expect(page.locator("#verdict")).to_be_visible()
    assert page.evaluate("localStorage.length") == 0


def test_the_page_that_was_asked_for_last_stays_however_slow_the_one_before_it_was(page: Page) -> None:
    page.get_by_role("link", name="Preferences").click()
    expect(page.get_by_role("heading", name="Preferences")).to_be_visible()
    held: list[Route] = []
    page.route(re.compile(r":\d+/$"), lambda route: held.append(route))
    page.get_by_role("link", name="Backups").click()
    page.get_by_role("link", name="Activity").click()
    expect(page.get_by_role("heading", name="Activity")).to_be_visible()

    for route in held:
        route.continue_()
    page.wait_for_timeout(500)

    expect(page.get_by_role("heading", name="Activity")).to_be_visible()
    assert held


def test_a_download_is_the_backup_itself(page: Page, launcher: Launcher, tmp_path: Path) -> None:
    with page.expect_download(timeout=SLOW) as waiting:
        page.locator("details.menu summary").first.click(timeout=SLOW)
        page.get_by_role("button", name="Download").first.click()
    download = waiting.value
    download.save_as(tmp_path / "fetched.zip")

    assert (tmp_path / "fetched.zip").read_bytes() == (
        launcher.data_dir / "backups" / download.suggested_filename
    ).read_bytes()
    with zipfile.ZipFile(tmp_path / "fetched.zip") as fetched:
        assert MANIFEST_NAME in fetched.namelist()


def test_a_preference_that_cannot_be_is_named_beside_its_field_and_a_good_one_is_kept(page: Page) -> None:
    page.get_by_role("link", name="Preferences").click()
    hours = page.get_by_role("textbox", name="Hours between two backups")
    hours.fill("0")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("A backup every 0 hours is not possible.")).to_be_visible()

    hours.fill("2")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()

    page.reload()
    expect(hours).to_have_value("2")


@pytest.mark.parametrize("path", ["", "preferences", "activity"])
def test_nothing_reaches_beyond_the_edge_of_a_phone(open_page: Callable[[], Page], path: str) -> None:
    page = open_page()
    page.set_viewport_size({"width": 360, "height": 740})
    expect(page.locator("table.backups tbody tr").first).to_be_visible(timeout=SLOW)
    if path:
        page.locator(f"nav a[data-room={path}]").click()
        expect(page.locator(f"main[data-room={path}]")).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_page_that_nobody_sees_asks_for_nothing_and_is_up_to_date_at_the_first_look(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    see = """(hidden) => {
        Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    ask = 'for (const part of document.querySelectorAll("[hx-trigger^=every]")) htmx.trigger(part, "every", {}, false)'
    page.wait_for_load_state("networkidle")

    page.evaluate(see, True)
    asked.clear()
    page.evaluate(ask)
    page.wait_for_timeout(300)
    assert asked == []

    with page.expect_request(re.compile("/status/bar|/bar")):
        page.evaluate(see, False)
