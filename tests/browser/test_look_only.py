"""The page of a launcher that looks on while another PC's looks after the data, in a real browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import BrowserContext, expect

from backup_core.history import Outcome, Trigger
from tests.desktop.clinic import ALREADY_RUNNING, Computer, computer_in, make_clinic
from tests.desktop.test_looking_on import SENTENCE, another_launcher

pytestmark = pytest.mark.browser

#: Milliseconds that a take-over may take.
SLOW = 45_000
_CHANGES: tuple[tuple[Literal["button", "link"], str], ...] = (
    ("button", "Backup Now"),
    ("button", "Keep for ever"),
    ("button", "Pause for 1 hour"),
    ("link", "Restore"),
    ("link", "Delete"),
    ("link", "Save a copy"),
)


@pytest.fixture
def computer(tmp_path: Path) -> Iterator[Computer]:
    """A clinic with one backup, and nobody who looks after it."""
    with computer_in(tmp_path) as computer:
        computer.open_clinic(make_clinic(tmp_path / "made"))
        first = computer.start("--no-browser", with_emr=False)
        computer.wait_for_run(Trigger.STARTUP, Outcome.MADE)
        assert first.end() == 0
        yield computer


def test_who_looks_on_sees_everything_and_is_offered_nothing_until_the_other_has_ended(
    computer: Computer, context: BrowserContext
) -> None:
    with another_launcher(computer) as other:
        launched = computer.start("--no-browser", with_emr=False)
        launched.said("Admin page:")
        page = context.new_page()
        page.goto(computer.start("--no-browser").said(ALREADY_RUNNING))
        expect(page.get_by_text(SENTENCE)).to_be_visible()
        expect(page.get_by_text("You can only look here")).to_be_visible()
        expect(page.get_by_role("heading", name="Protected on this PC")).to_be_visible()
        page.get_by_text("More", exact=True).first.click()
        expect(page.get_by_role("button", name="Download").first).to_be_visible()
        for role, name in _CHANGES:
            expect(page.get_by_role(role, name=name)).to_have_count(0)
        page.get_by_role("link", name="Preferences").click()
        expect(page.get_by_role("button", name="Save")).to_have_count(0)
        page.get_by_role("link", name="Backups").click()

        assert other.stdin is not None
        other.stdin.write("\n")
        other.stdin.flush()
        expect(page.get_by_role("button", name="Backup Now")).to_be_visible(timeout=SLOW)
    assert launched.end() == 0
