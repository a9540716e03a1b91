"""The Backups page in a real browser: its menu, the picture, cancelling, a backup from a file, and a lost launcher."""

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from .launcher import Launcher

pytestmark = pytest.mark.browser

#: Milliseconds that the demo's first backup, or checking one, may take.
SLOW = 45_000


@pytest.fixture
def home(page: Page) -> Page:
    """The page once the first backup is in its list."""
    expect(page.locator("table.backups tbody tr").first).to_be_visible(timeout=SLOW)
    expect(page.get_by_role("progressbar")).to_have_count(0, timeout=SLOW)
    return page


def test_the_menu_of_a_backup_needs_no_mouse_and_stays_open_while_the_page_refreshes_itself(home: Page) -> None:
    more = home.locator("details.menu summary").first
    more.focus()
    home.keyboard.press("Enter")
    check = home.get_by_role("button", name="Check: try a restore").first
    expect(check).to_be_visible()
    with home.expect_response(re.compile(r"/overview")):
        pass
    home.wait_for_timeout(300)
    expect(check).to_be_visible()

    home.keyboard.press("Escape")

    expect(check).to_be_hidden()
    expect(more).to_be_focused()


def test_check_opens_the_backup_and_the_list_tells_its_evidence(home: Page) -> None:
    home.locator("details.menu summary").first.click()
    home.get_by_role("button", name="Check: try a restore").first.click()

    expect(home.locator("#job")).to_contain_text("opened and checked, and nothing was changed", timeout=SLOW)
    expect(home.locator("table.backups tbody tr").first).to_contain_text("search entries answer.")


def test_keep_for_ever_is_marked_on_the_backup(home: Page) -> None:
    home.locator("details.menu summary").first.click()
    home.get_by_role("button", name="Keep for ever").first.click()

    expect(home.locator("table.backups tbody tr").first.locator(".pill", has_text="Kept for ever")).to_be_visible()


def test_the_picture_has_words_and_a_table(home: Page, launcher: Launcher) -> None:
    expect(home.get_by_text("After a day of backups a picture grows here")).to_be_visible()
    launcher.look_back(9)
    home.reload()
    picture = home.get_by_role("img", name=re.compile("Patients and size of the backups over time"))
    expect(picture).to_be_visible()
    home.get_by_text("The same as a table").click()

    expect(home.get_by_role("region", name="The history day by day").get_by_role("row").nth(3)).to_be_visible()


def test_the_list_is_sent_again_only_when_it_has_changed(home: Page, launcher: Launcher) -> None:
    with home.expect_response(lambda answer: "/overview" in answer.url and answer.status == 304, timeout=SLOW):
        pass
    rows = home.locator("table.backups tbody tr")
    before = rows.count()
    launcher.wait_for_patients(62)

    assert launcher.command("create").returncode == 0

    expect(rows).to_have_count(before + 1, timeout=SLOW)


@pytest.mark.parametrize("width", [360, 760, 1920])
@pytest.mark.parametrize("path", ["", "uploads", "comparison", "restore"])
def test_nothing_reaches_beyond_the_edge(home: Page, width: int, path: str) -> None:
    home.set_viewport_size({"width": width, "height": 800})
    if path == "uploads":
        home.get_by_role("link", name="Restore from a file").click()
        expect(home.get_by_label("Backup file")).to_be_visible()
    elif path == "restore":
        home.get_by_role("link", name=re.compile("^Restore the backup")).first.click()
        expect(home.get_by_role("heading", name="What happens")).to_be_visible()
    else:
        home.locator("details.menu summary").first.click()
        expect(home.get_by_role("link", name="Compare with today…").first).to_be_visible()
        if path == "comparison":
            home.get_by_role("link", name="Compare with today…").first.click()
            expect(home.get_by_role("region", name="Comparison")).to_be_visible()

    assert home.evaluate("document.documentElement.scrollWidth") <= width


def test_a_backup_from_a_file_comes_in_slices_and_is_looked_at_before_anything_is_changed(
    home: Page, launcher: Launcher, tmp_path: Path
) -> None:
    made = next((launcher.data_dir / "backups").glob("backup_*.zip"))
    stick = shutil.copy(made, tmp_path / "from the stick.zip")
    slices: list[str] = []

    def smaller(route: Route) -> None:
        slices.append(route.request.headers["authorization"][:7])
        route.continue_()

    home.route(re.compile("/slices"), smaller)
    home.get_by_role("link", name="Restore from a file").click()
    expect(home.get_by_role("button", name="Take in this file")).to_be_disabled()
    home.evaluate("document.getElementById('upload').dataset.slice = 100000")
    home.get_by_label("Backup file").set_input_files(stick)
    home.get_by_role("button", name="Take in this file").click()

    expect(home.get_by_role("heading", name="This backup is whole")).to_be_visible(timeout=SLOW)
    assert slices == ["Bearer "] * -(-made.stat().st_size // 100_000)
    home.get_by_role("link", name="Look at what a restore would change").click()
    expect(home.get_by_role("heading", name=re.compile("^Put back the backup of"))).to_be_visible()


def test_a_file_that_is_being_taken_in_can_be_cancelled(home: Page, launcher: Launcher, tmp_path: Path) -> None:
    (tmp_path / "large.zip").write_bytes(b"x" * 1_000_000)
    held: list[Route] = []
    home.route(re.compile("/slices"), lambda route: held.append(route))
    home.get_by_role("link", name="Restore from a file").click()
    expect(home.get_by_role("button", name="Take in this file")).to_be_disabled()
    home.evaluate("document.getElementById('upload').dataset.slice = 100000")
    home.get_by_label("Backup file").set_input_files(tmp_path / "large.zip")
    home.get_by_role("button", name="Take in this file").click()
    home.get_by_role("button", name="Cancel").click()
    with home.expect_response(re.compile("/cancel")):
        held[0].continue_()

    expect(home.get_by_text("Cancelled. Nothing of the file was kept.")).to_be_visible()
    expect(home.get_by_role("button", name="Take in this file")).to_be_enabled()
    assert len(held) == 1
    assert list((launcher.data_dir / ".docassist-backup" / "staging").rglob("*.zip")) == []


def test_a_file_that_is_no_backup_is_refused_in_words(home: Page, tmp_path: Path) -> None:
    (tmp_path / "photo.zip").write_bytes(b"holiday" * 1000)
    home.get_by_role("link", name="Restore from a file").click()
    home.get_by_label("Backup file").set_input_files(tmp_path / "photo.zip")
    home.get_by_role("button", name="Take in this file").click()

    expect(home.get_by_role("heading", name="This file cannot be restored")).to_be_visible(timeout=SLOW)
    expect(home.get_by_text("Nothing was changed.")).to_be_visible()


def test_the_list_to_print_has_no_frame_on_paper(home: Page, launcher: Launcher) -> None:
    launcher.wait_for_patients(62)
    home.locator("details.menu summary").first.click()
    home.get_by_role("link", name="Compare with today…").first.click()
    home.get_by_role("link", name="All of it as a list to print").click(timeout=SLOW)
    expect(home.get_by_role("heading", name="To enter again after a restore")).to_be_visible()
    home.emulate_media(media="print")

    expect(home.get_by_role("button", name="Print this list")).to_be_hidden()
    expect(home.locator("#bar")).to_be_hidden()
    expect(home.locator("ul.entries li").first).to_be_visible()


def test_a_launcher_that_has_gone_is_noticed_and_said(launcher: Launcher, context: BrowserContext) -> None:
    page = context.new_page()  # not the watched one: that nobody answers is an error of the console
    page.goto(launcher.address())
    expect(page.locator("table.backups tbody tr").first).to_be_visible(timeout=SLOW)
    page.route("**/*", lambda route: route.abort("connectionrefused"))
    lost = page.get_by_role("alert").filter(has_text="does not answer")
    expect(lost).to_be_visible(timeout=SLOW)

    page.unroute("**/*")

    expect(lost).to_be_hidden(timeout=SLOW)
