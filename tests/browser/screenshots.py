"""Take the pictures of the README: `python -m tests.browser.screenshots FOLDER`."""

import sys
import tempfile
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, expect

from .launcher import Launcher, chromium, launched

DESK: ViewportSize = {"width": 1100, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
#: Milliseconds that making the sample clinic and its first backup may take.
SLOW = 45_000


def main(folder: Path) -> None:
    """Write light.png, dark.png, phone.png and restore.png to `folder`."""
    with tempfile.TemporaryDirectory() as work, launched(Path(work)) as launcher, chromium() as browser:
        light = _open(browser, launcher, DESK, "light")
        for patients in (63, 66):
            launcher.wait_for_patients(patients)
            _back_up(light)
        launcher.look_back(40)
        light.reload()
        expect(light.get_by_text("The same as a table")).to_be_visible()
        _take(light, folder / "light.png")
        _take(_open(browser, launcher, DESK, "dark"), folder / "dark.png")
        _take(_open(browser, launcher, PHONE, "light"), folder / "phone.png")
        light.get_by_role("link", name="Restore").last.click()
        expect(light.get_by_text("All of it as a list to print")).to_be_visible()
        _take(light, folder / "restore.png")


def _back_up(page: Page) -> None:
    rows = page.locator("table.backups tbody tr")
    before = rows.count()
    page.get_by_role("button", name="Backup Now").click()
    expect(rows).to_have_count(before + 1, timeout=SLOW)
    expect(page.get_by_role("progressbar")).to_have_count(0, timeout=SLOW)


def _open(browser: Browser, launcher: Launcher, size: ViewportSize, scheme: Literal["light", "dark"]) -> Page:
    page = browser.new_page(viewport=size, color_scheme=scheme, reduced_motion="reduce")
    page.goto(launcher.address())
    expect(page.locator("table.backups tbody tr").first).to_be_visible(timeout=SLOW)
    return page


def _take(page: Page, path: Path) -> None:
    """Write the picture with 256 colours: half of the bytes, and no difference to be seen on a flat page."""
    page.screenshot(path=path)
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(256)
    small.save(path, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
