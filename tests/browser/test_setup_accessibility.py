"""Everybody can take every step of the set-up: axe-core finds nothing, on a phone and on a PC, by day and by night."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.clinic import make_clinic

from .newhome import new_home
from .test_accessibility import WIDTHS, violations

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

#: Milliseconds that a look through a fresh home may take on a slow machine.
SLOW = 45_000


def check(page: Page, heading: str) -> None:
    """Fail on anything that axe-core finds on the page with this heading, in either width, or that is wider than it."""
    expect(page.get_by_role("heading", name=heading, level=1)).to_be_visible(timeout=SLOW)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert violations(page) == [], f"{heading}, {width}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{heading}, {width}"


def test_every_step_of_the_set_up(browser: Browser, tmp_path: Path) -> None:
    context = browser.new_context(reduced_motion="reduce", bypass_csp=True)
    page = context.new_page()
    with new_home(tmp_path) as computer:
        data_dir = computer.install_emr(with_records=True)
        settings = {"backup": {"auto_backup_enabled": True, "backup_on_close": True}}
        (data_dir / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
        computer.backup_of(make_clinic(tmp_path / "old").data_dir, computer.home / "stick")
        (computer.home / ("A folder with a name that does not end soon " * 5)).mkdir()
        with computer.started():
            page.goto(computer.address())
            check(page, "Which records shall be protected?")
            page.get_by_role("button", name="Choose another folder…").click()
            check(page, "Where are DocAssist's records?")
            page.get_by_role("button", name="Home").click()
            expect(page.get_by_role("button", name="All places")).to_be_visible()
            check(page, "Where are DocAssist's records?")
            page.get_by_role("link", name="Back").click()
            page.get_by_role("link", name=re.compile("USB stick")).click()
            check(page, "Bring the records to this PC")
            page.get_by_role("button", name="Choose the backup…").click()
            page.get_by_role("button", name="Home").click()
            page.get_by_role("button", name="stick", exact=True).click()
            expect(page.get_by_role("heading", name="ZIP files")).to_be_visible()
            check(page, "Where is the backup?")
            page.get_by_role("button", name=re.compile(r"^backup_.*\.zip")).click()
            check(page, "Bring the records to this PC")
            page.get_by_role("button", name="Check the backup").click()
            check(page, "The records are on this PC")
            page.get_by_role("link", name="Continue").click()
            check(page, "How is DocAssist started?")
            page.get_by_role("radio", name="In another way:").check()
            page.get_by_role("textbox", name="Folder in which it is started").fill("nowhere")
            page.get_by_role("button", name="Continue").click()
            expect(page.get_by_text("is not the whole path of a folder")).to_be_visible()
            check(page, "How is DocAssist started?")
            page.get_by_role("radio", name="I open DocAssist myself").check()
            page.get_by_role("button", name="Continue").click()
            check(page, "When it starts, and where the backups go")
            page.get_by_role("button", name="Continue").click()
            check(page, "All is ready")
    context.close()
