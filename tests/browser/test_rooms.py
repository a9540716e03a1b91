"""Preferences, Activity and Help as a person uses them, with mouse, keyboard and printer."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from .launcher import Launcher

pytestmark = pytest.mark.browser

#: Milliseconds that the first backup of a fresh sample clinic, or moving it, may take.
SLOW = 45_000


@pytest.fixture
def ready(page: Page) -> Page:
    """The page once there is a backup."""
    expect(page.locator("table.backups tbody tr").first).to_be_visible(timeout=SLOW)
    return page


def go_to(page: Page, room: str) -> None:
    page.locator(f"nav a[data-room={room}]").click()
    expect(page.locator(f"main[data-room={room}]")).to_be_visible()


def test_advice_comes_while_typing_and_folder_and_command_can_be_tried(page: Page) -> None:
    go_to(page, "preferences")
    page.get_by_label("Hours between two backups").fill("8")
    expect(page.get_by_text("Up to 8 hours of work could be lost")).to_be_visible()
    page.get_by_label("How many to keep").fill("3")
    expect(page.get_by_text("10 or more is safer")).to_be_visible()

    page.get_by_label("Backup folder").fill("/nowhere/at/all")
    page.get_by_role("button", name="Test this folder").click()
    expect(page.get_by_text("There is no folder /nowhere/at")).to_be_visible()
    page.get_by_label("Backup folder").fill("")
    page.get_by_role("button", name="Test this folder").click()
    expect(page.get_by_text("This folder works")).to_be_visible()
    page.get_by_label("Command that starts DocAssist").fill("no-such-program")
    page.get_by_role("button", name="Test this command").click()
    expect(page.get_by_text("There is no program no-such-program")).to_be_visible()

    # Nothing of that is saved; Enter in a field saves, and does not try a folder.
    page.reload()
    expect(page.get_by_label("Hours between two backups")).to_have_value("4")
    page.get_by_label("Hours between two backups").press("Enter")
    expect(page.get_by_text("Saved.")).to_be_visible()


def test_dark_is_dark_at_once_and_after_a_reload(page: Page) -> None:
    go_to(page, "preferences")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_label("Dark").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_backups_of_the_old_folder_stay_listed_until_they_are_moved(ready: Page, tmp_path: Path) -> None:
    new = tmp_path / "Other disk"
    go_to(ready, "preferences")
    ready.get_by_label("Backup folder").fill(str(new))
    ready.get_by_role("button", name="Save").click()
    expect(ready.get_by_text("Saved.")).to_be_visible()
    go_to(ready, "backups")
    expect(ready.locator("table.backups tbody tr").first).to_be_visible()
    assert list(new.glob("*.zip")) == []

    go_to(ready, "preferences")
    ready.get_by_role("button", name=re.compile("Move . backups? to the new folder")).click()

    expect(ready.get_by_text("Backups in an earlier folder")).to_have_count(0, timeout=SLOW)
    expect(ready.get_by_role("progressbar")).to_have_count(0, timeout=SLOW)
    assert list(new.glob("*.zip"))
    go_to(ready, "backups")
    expect(ready.locator("table.backups tbody tr").first).to_be_visible()


def test_the_activity_is_filtered_and_diagnostics_are_copied(
    ready: Page, context: BrowserContext, launcher: Launcher
) -> None:
    go_to(ready, "activity")
    ready.locator(".took summary").first.click()
    expect(ready.get_by_text("Reading again and comparing").first).to_be_visible()
    ready.get_by_role("link", name="Restores").click()
    expect(ready.get_by_text("There is nothing of that kind.")).to_be_visible()
    expect(ready.get_by_role("link", name="Restores")).to_have_attribute("aria-current", "true")

    context.grant_permissions(["clipboard-read", "clipboard-write"])
    ready.get_by_role("link", name="Copy diagnostics").click()
    ready.get_by_role("button", name="Copy").click()
    expect(ready.get_by_role("button", name="Copied")).to_be_visible()
    copied = ready.evaluate("navigator.clipboard.readText()")
    assert "SQLite" in copied
    assert str(launcher.data_dir) not in copied

    ready.get_by_role("link", name="Back to the activity").click()
    ready.get_by_role("link", name="Log file").click()
    expect(ready.get_by_role("region", name="Log file")).to_contain_text("INFO")


def test_f1_and_the_question_mark_open_the_help_but_not_while_typing(page: Page) -> None:
    go_to(page, "preferences")
    page.get_by_label("Command that starts DocAssist").press("?")
    expect(page.get_by_label("Command that starts DocAssist")).to_have_value("?")
    page.get_by_label("Command that starts DocAssist").press("F1")
    expect(page.get_by_role("heading", name="Help: getting your records back")).to_be_visible()

    go_to(page, "activity")
    page.keyboard.press("?")
    expect(page.locator("main[data-room=help]")).to_be_visible()


def test_the_pages_can_be_clicked_once_the_first_is_there_and_not_before(
    open_page: Callable[[], Page], context: BrowserContext
) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    context.route("**/session", hold)
    page = open_page()
    pages = page.locator("nav")
    expect(pages).to_have_attribute("inert", "")
    held.pop().continue_()
    expect(pages).not_to_have_attribute("inert", "")
    go_to(page, "help")


def test_the_paper_for_the_drawer_is_one_page_with_the_places_of_this_pc(page: Page, launcher: Launcher) -> None:
    go_to(page, "help")
    printed = page.pdf(format="A4")
    assert len(re.findall(rb"/Type\s*/Page[^s]", printed)) == 1

    page.emulate_media(media="print", color_scheme="dark")
    expect(page.get_by_text("By hand, if there is no DocAssist Backup")).to_be_visible()
    expect(page.get_by_text(str(launcher.data_dir), exact=True)).to_be_visible()
    for hidden in ("Run the self-test", "Print this page"):
        expect(page.get_by_role("button", name=hidden)).to_be_hidden()
    expect(page.get_by_role("navigation")).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"


@pytest.mark.timeout(300)
def test_the_self_test_shows_its_steps_and_its_table(page: Page) -> None:
    # The first backup has the launcher's one place for work until it is made.
    expect(page.locator("table.backups tbody tr").first).to_be_visible(timeout=SLOW)
    expect(page.get_by_role("button", name="Backup Now")).to_be_enabled(timeout=SLOW)
    go_to(page, "help")
    page.get_by_role("button", name="Run the self-test").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Everything passed.")).to_be_visible(timeout=240_000)
    expect(page.get_by_role("region", name="Self-test").get_by_text("Passed")).to_have_count(8)


@pytest.mark.parametrize("width", [360, 760, 1920])
@pytest.mark.parametrize("room", ["preferences", "activity", "help"])
def test_nothing_reaches_beyond_the_edge(open_page: Callable[[], Page], room: str, width: int) -> None:
    page = open_page()
    page.set_viewport_size({"width": width, "height": 800})
    go_to(page, room)
    for summary in page.locator("main summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
