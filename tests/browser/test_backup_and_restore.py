"""The doctor's way through the page: back up, look, restore, and go back."""

import re

import pytest
from playwright.sync_api import Page, expect

from .launcher import Launcher

pytestmark = pytest.mark.browser

#: Milliseconds: the demo's first backup waits for its sample clinic, a restore for the stand-in EMR to close.
SLOW = 45_000


def rows(page: Page) -> list[str]:
    """Return the list of backups as text, newest first, once there is one."""
    expect(page.locator("table.backups tbody tr").first).to_be_visible(timeout=SLOW)
    return page.locator("table.backups tbody tr").all_inner_texts()


def patients_in(page: Page, row: int) -> int:
    """Return how many patients the backup in this row holds; -1 is the oldest."""
    cells = page.locator("table.backups tbody tr").nth(row).locator("td[data-label=Patients]")
    return int(cells.inner_text().replace(",", ""))


def back_up(page: Page) -> None:
    """Click Backup Now, see it work, and wait for the new backup in the list."""
    before = len(rows(page))
    page.get_by_role("button", name="Backup Now").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(page.locator("table.backups tbody tr")).to_have_count(before + 1, timeout=SLOW)
    expect(page.locator("table.backups tbody tr").first).to_contain_text("by hand")


def answer_yes(page: Page, button: str) -> str:
    """Tick the sentence, click the button, and return the result's counts once all is done."""
    page.get_by_role("checkbox", name=re.compile("^I know that")).check()
    page.get_by_role("button", name=button).click()
    expect(page.get_by_role("heading", name=re.compile("is back$"))).to_be_visible(timeout=SLOW)
    return page.get_by_role("status").inner_text()


def test_back_up_now_shows_its_progress_and_then_the_new_backup(page: Page) -> None:
    back_up(page)

    expect(page.locator("#verdict")).to_have_text("Protected on this PC")
    expect(page.locator("#bar")).to_contain_text("Backup: just now")


def test_ctrl_b_makes_a_backup_but_not_while_somebody_types(page: Page) -> None:
    before = len(rows(page))
    expect(page.get_by_role("button", name="Backup Now")).to_be_enabled(timeout=SLOW)
    page.keyboard.press("Control+b")
    expect(page.locator("table.backups tbody tr")).to_have_count(before + 1, timeout=SLOW)

    page.get_by_role("link", name="Preferences").click()
    page.get_by_role("textbox").first.press("Control+b")
    page.get_by_role("link", name="Backups").click()

    assert len(rows(page)) == before + 1


def test_a_restore_asks_first_and_can_be_taken_back(page: Page, launcher: Launcher) -> None:
    oldest = len(rows(page)) - 1
    then = patients_in(page, oldest)
    launcher.wait_for_patients(then + 2)
    back_up(page)

    page.get_by_role("link", name=re.compile("^Restore")).last.click()
    expect(page.get_by_role("heading", name=re.compile("^Put back the backup of"))).to_be_visible()
    expect(page.get_by_role("region", name="Comparison")).to_contain_text("fewer")
    assert f"{then} patients" in answer_yes(page, "Put back this backup")

    page.get_by_role("link", name=re.compile("^Go back to before")).click()
    assert f"{then} patients" not in answer_yes(page, "Go back to before the restore")
