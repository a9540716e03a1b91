"""The first run, from a fresh home to the first backup, through the real launcher and a real browser."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.clinic import PATIENTS, make_clinic

from .conftest import Watch
from .newhome import NewHome, new_home

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

#: Milliseconds that looking through a fresh home, or a first backup, may take on a slow machine.
SLOW = 45_000


@pytest.fixture
def computer(tmp_path: Path) -> Iterator[NewHome]:
    """A computer on which nobody has set up anything."""
    with new_home(tmp_path) as made:
        yield made


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that is watched for faults."""
    watch, opened = Watch([]), context.new_page()
    watch.follow(opened)
    yield opened
    assert watch.faults == []


def expect_first_backup(page: Page, patients: int = PATIENTS) -> None:
    """Wait until the page has become the launcher's, with the first backup in its list."""
    expect(page.locator("table.backups tbody tr")).to_have_count(1, timeout=SLOW)
    expect(page.locator("table.backups tbody tr").first).to_contain_text(f"{patients}")
    expect(page.locator("#verdict")).to_have_text("Protected on this PC", timeout=SLOW)
    assert re.search(r":\d+/$", page.url)


def take_the_other_steps(page: Page) -> None:
    """Take what is proposed, from the question how DocAssist is started on, and start."""
    for heading in ("How is DocAssist started?", "When it starts, and where the backups go"):
        expect(page.get_by_role("heading", name=heading)).to_be_visible(timeout=SLOW)
        page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Start protecting").click()


def test_the_whole_way_from_the_start_to_the_first_backup(computer: NewHome, page: Page) -> None:
    data_dir = computer.install_emr(with_records=True)
    with computer.open_emr(), computer.started():
        page.goto(computer.address())
        expect(page.get_by_role("heading", name="Which records shall be protected?")).to_be_visible()
        choice = page.locator(".choice").filter(has_text=str(data_dir))
        expect(choice).to_contain_text("DocAssist is open", timeout=SLOW)
        expect(choice).to_contain_text(f"{PATIENTS} patients")
        page.get_by_role("button", name=f"Protect these records, in {data_dir}").click()

        expect(page.get_by_role("radio", name=re.compile("As it is open now:.*main.py"))).to_be_checked()
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_role("checkbox", name=re.compile("when I log in"))).to_be_checked()
        expect(page.get_by_role("radio", name=re.compile("Beside the records"))).to_be_checked()
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_role("heading", name="All is ready")).to_be_visible()
        assert not (data_dir / "backups").exists()
        page.get_by_role("button", name="Start protecting").click()

        expect_first_backup(page)
        expect(page.get_by_role("link", name="Preferences")).to_be_visible()
        expect(page.locator("#bar")).to_contain_text("DocAssist: open")

    kept = json.loads((data_dir / ".docassist-backup" / "preferences.json").read_bytes())
    entry = (computer.home / ".config" / "autostart" / "docassist-backup.desktop").read_text(encoding="utf-8")
    assert kept["emr_command"].endswith("main.py")
    assert kept["emr_dir"] == str(computer.program_dir)
    assert f'"{data_dir}"' in entry
    assert str(data_dir) in (computer.home / ".config" / "DocAssist Backup" / "data-folder").read_text(encoding="utf-8")


def test_the_folders_are_walked_through_by_keyboard_alone(computer: NewHome, page: Page) -> None:
    hidden = computer.home / "Documents" / "2026" / "a" / "b" / "c" / "d" / "e" / "records"
    hidden.parent.mkdir(parents=True)
    make_clinic(hidden)
    with computer.started():
        page.goto(computer.address())
        press(page, "Choose another folder…")
        press(page, "Documents")
        for name in ("2026", "a", "b", "c", "d", "e"):
            press(page, name)
        expect(page.get_by_text("holds records")).to_be_visible()
        press(page, "records holds records")
        press(page, "Protect the records in this folder")
        expect(page.get_by_role("radio", name="I open DocAssist myself")).to_be_checked()
        press(page, "Continue")
        page.get_by_role("checkbox", name=re.compile("when I log in")).focus()
        page.keyboard.press("Space")
        press(page, "Continue")
        expect(page.get_by_text("does not start by itself")).to_be_visible()
        press(page, "Start protecting")

        expect_first_backup(page)

    assert not (computer.home / ".config" / "autostart").exists()


def press(page: Page, name: str) -> None:
    """Reach a button by Tab alone, and press Enter."""
    button = page.get_by_role("button", name=name, exact=True)
    expect(button).to_be_visible(timeout=SLOW)
    for _step in range(60):
        if button.evaluate("element => element === document.activeElement"):
            page.keyboard.press("Enter")
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{name} cannot be reached by Tab")


def test_a_new_pc_gets_the_records_from_a_usb_stick(computer: NewHome, page: Page, tmp_path: Path) -> None:
    clinic = make_clinic(tmp_path / "the old PC")
    clinic.admit("Zoë from the old PC")
    computer.backup_of(clinic.data_dir, computer.home / "stick")
    data_dir = computer.install_emr(with_records=False)
    with computer.started():
        page.goto(computer.address())
        page.get_by_role("link", name=re.compile("USB stick")).click()
        page.get_by_role("button", name="Choose the backup…").click()
        page.get_by_role("button", name="Home").click()
        page.get_by_role("button", name="stick", exact=True).click()
        page.get_by_role("button", name=re.compile(r"^backup_.*\.zip")).click()
        expect(page.locator("dl.facts")).to_contain_text(f"Patients\n{PATIENTS + 1}", use_inner_text=True)
        page.get_by_role("button", name="Another folder…").click()
        page.get_by_role("button", name="Documents").click()
        page.get_by_role("button", name="Our clinic").click()
        page.get_by_role("button", name="DocAssist", exact=True).click()
        expect(page.get_by_text(f"They will lie in {data_dir}")).to_be_visible()
        page.get_by_role("button", name="Put the records here").click()
        page.get_by_role("button", name="Check the backup and put its records there").click()
        expect(page.get_by_role("heading", name="The records are on this PC")).to_be_visible(timeout=SLOW)
        assert f"{PATIENTS + 1} patients" in page.get_by_role("status").inner_text()
        page.get_by_role("link", name="Continue").click()
        take_the_other_steps(page)

        expect_first_backup(page, PATIENTS + 1)

    assert (data_dir / "clinic.db").is_file()
    assert (data_dir / "settings.json").is_file()


def test_a_folder_that_is_away_is_told_and_another_one_can_be_chosen_on_the_same_page(
    computer: NewHome, page: Page
) -> None:
    data_dir = computer.install_emr(with_records=True)
    with computer.started():
        page.goto(computer.address())
        page.get_by_role("button", name=f"Protect these records, in {data_dir}").click(timeout=SLOW)
        page.get_by_role("radio", name="I open DocAssist myself").check()
        take_the_other_steps(page)
        expect_first_backup(page)
        moved = data_dir.rename(data_dir.with_name("records"))
        # The open page tells it by itself.
        expect(page.get_by_role("heading", name="The data folder is not there")).to_be_visible(timeout=SLOW)

        page.get_by_role("button", name="Choose another folder…").click()
        page.get_by_role("button", name=f"Protect these records, in {moved}").click(timeout=SLOW)
        take_the_other_steps(page)
        expect(page.locator("#verdict")).to_have_text("Protected on this PC", timeout=SLOW)

        moved.rename(data_dir)
        expect(page.get_by_role("heading", name="The data folder is not there")).to_be_visible(timeout=SLOW)
        data_dir.rename(moved)
        expect(page.locator("#verdict")).to_be_visible(timeout=SLOW)


def test_an_old_tab_of_the_set_up_finds_the_page_that_followed_it(
    computer: NewHome, page: Page, context: BrowserContext
) -> None:
    data_dir = computer.install_emr(with_records=True)
    with computer.started():
        page.goto(computer.address())
        old = context.new_page()
        old.goto(computer.address())
        page.get_by_role("button", name=f"Protect these records, in {data_dir}").click(timeout=SLOW)
        take_the_other_steps(page)
        expect_first_backup(page)

        old.get_by_role("link", name=re.compile("USB stick")).click(timeout=SLOW)

        expect(old.locator("#verdict")).to_be_visible(timeout=SLOW)
