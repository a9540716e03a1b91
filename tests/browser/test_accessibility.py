"""Everybody can use every page: axe-core finds nothing, the keyboard is enough, and nothing moves for who asks so."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from backup_core.errors import BackupError
from tests.web.test_look_only import DeskOfAnother

from .site import Site, hostile, served

pytestmark = pytest.mark.browser

#: axe-core 4.14.1 as npm has it, with its licence beside it.
AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: The rules of colours: the only ones that can tell more of a page by night, where it was looked at by day.
OF_COLOURS = ["color-contrast", "link-in-text-block"]
#: The page's ground by day and by night, as a browser tells it.
GROUNDS = {"light": "rgb(244, 246, 245)", "dark": "rgb(17, 22, 20)"}
#: A phone and a front-desk PC, in CSS pixels.
WIDTHS = (360, 1280)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A page of a small clinic."""
    with served(tmp_path) as site:
        yield site


@pytest.fixture(params=WIDTHS)
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A page of a browser of that width that lets axe-core in."""
    context = browser.new_context(
        viewport={"width": request.param, "height": 900}, reduced_motion="reduce", bypass_csp=True
    )
    page = context.new_page()
    yield page
    context.close()


def violations(page: Page) -> list[str]:
    """Return what axe-core finds wrong with the page as it is now, by day and by night."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    by_day = _found(page, "light", RULES)
    return by_day + _found(page, "dark", OF_COLOURS)


def _found(page: Page, scheme: Literal["light", "dark"], rules: list[str]) -> list[str]:
    page.emulate_media(color_scheme=scheme)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == GROUNDS[scheme]
    found: dict[str, Any] = page.evaluate(
        "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", rules
    )
    return [
        f"{rule['id']} ({scheme}): {node['html'][:150]} {node['failureSummary'][:300]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def settled(page: Page, address: str) -> None:
    """Open an address and wait until all that loads by itself is there."""
    page.goto("about:blank")
    page.goto(address)
    expect(page.get_by_role("heading").filter(visible=True).first).to_be_visible()
    page.wait_for_timeout(400)
    for menu in page.locator("#page details").all():
        menu.evaluate("element => { element.open = true; }")


def test_every_page_with_backups_and_hostile_names(site: Site, page: Page) -> None:
    name = hostile(site)
    page.goto(site.address())
    expect(page.locator("#page[data-room]")).to_be_visible()
    paths = [
        "/",
        "/activity",
        "/activity/log",
        "/activity/diagnostics",
        "/preferences",
        "/pin",
        "/help",
        "/copies",
        "/uploads",
        "/unlock",
        "/undo",
        f"/backups/{name}/restore",
        f"/backups/{name}/compare",
        f"/backups/{name}/compare/all",
        f"/backups/{name}/delete",
        "/nowhere",
    ]
    for path in paths:
        settled(page, site.origin + path)
        assert violations(page) == [], path
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{path} reaches {wide} pixels beyond the edge"


def test_every_state(site: Site, page: Page) -> None:
    settled(page, site.origin)
    assert violations(page) == [], "no ticket"
    settled(page, f"{site.origin}/download/spent")
    assert violations(page) == [], "refusal"
    settled(page, site.address())
    assert violations(page) == [], "empty"
    name = site.engine.create().name
    site.clinic.admit(1)
    with pytest.raises(BackupError):
        site.engine.restore(site.engine.find("nothing.zip"))
    settled(page, f"{site.origin}/backups/{name}/restore")
    page.get_by_role("checkbox", name="I know").check()
    page.locator("#page form button").first.click()
    expect(page.get_by_role("heading", name="is back")).to_be_visible(timeout=30_000)
    assert violations(page) == [], "restored"
    settled(page, f"{site.origin}/")
    assert violations(page) == [], "can be undone"
    settled(page, f"{site.origin}/preferences")
    page.get_by_label("How many to keep").fill("many")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[aria-invalid]").first).to_be_visible()
    assert violations(page) == [], "wrong preference"
    (site.engine.backup_dir).rename(site.clinic.data_dir / "away")
    settled(page, f"{site.origin}/")
    assert violations(page) == [], "backup folder away"
    (site.clinic.data_dir / "away").rename(site.engine.backup_dir)
    site.clock.pass_time(timedelta(minutes=15))
    settled(page, f"{site.origin}/")
    assert violations(page) == [], "locked"
    settled(page, f"{site.origin}/preferences")
    assert violations(page) == [], "unlock"


def test_every_step_of_a_file_and_of_the_pin(site: Site, page: Page, tmp_path: Path) -> None:
    made = tmp_path / "stick.zip"
    made.write_bytes((site.engine.backup_dir / site.engine.create().name).read_bytes())
    holiday = tmp_path / "holiday.zip"
    holiday.write_bytes(b"no backup at all")
    settled(page, site.address())
    for file, words in ((holiday, "This file cannot be restored"), (made, "This backup is whole")):
        settled(page, f"{site.origin}/uploads")
        page.set_input_files("#file", file)
        page.locator("#upload-start").click()
        expect(page.get_by_role("heading", name=words)).to_be_visible(timeout=30_000)
        assert violations(page) == [], words
    settled(page, f"{site.origin}/pin")
    for field in page.get_by_label("New PIN").all():
        field.fill("12")
    page.get_by_role("button", name="Ask for this PIN").click()
    expect(page.get_by_text("A PIN has from 4 to 64 characters.")).to_be_visible()
    assert violations(page) == [], "a PIN that is too short"
    for field in page.get_by_label("New PIN").all():
        field.fill("2468")
    page.get_by_role("button", name="Ask for this PIN").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.get_by_role("button", name="Lock now").click()
    page.get_by_role("link", name="Unlock").click()
    page.get_by_label("PIN").fill("1357")
    page.get_by_role("button", name="Unlock").click()
    expect(page.get_by_text("This is not the PIN.")).to_be_visible()
    assert violations(page) == [], "a wrong PIN"


def test_a_launcher_that_is_gone(site: Site, page: Page) -> None:
    page.clock.install()
    settled_by_clock(page, site.address("/preferences"))
    page.route("**/*", lambda route: route.abort("connectionrefused"))
    page.clock.run_for(10_000)
    expect(page.locator("#lost")).to_be_visible()
    page.clock.resume()
    assert violations(page) == [], "gone"
    page.clock.pause_at(datetime.now(UTC) + timedelta(minutes=20))
    page.clock.run_for(10_000)
    expect(page.get_by_role("heading", name="Locked while nobody is here")).to_be_visible()
    page.clock.resume()
    assert violations(page) == [], "gone for long"


def settled_by_clock(page: Page, address: str) -> None:
    """Open an address where the time of the page passes only as the test lets it."""
    page.goto(address)
    expect(page.locator("#page[data-room]")).to_be_visible()
    page.clock.run_for(1_000)


def test_another_pc_looks_after_the_data(tmp_path: Path, page: Page) -> None:
    with served(tmp_path, DeskOfAnother) as site:
        name = site.engine.create().name
        settled(page, site.address())
        expect(page.get_by_text("You can only look here")).to_be_visible()
        for path in ("/", "/preferences", "/copies", f"/backups/{name}/compare"):
            settled(page, site.origin + path)
            assert violations(page) == [], path


def test_the_keyboard_alone_restores_a_backup(site: Site, browser: Browser) -> None:
    name = site.engine.create().name
    site.clinic.admit(1)
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(site.address())
    expect(page.locator(f"[id='{name}']")).to_be_visible()

    tab_to(page, "Restore the backup of")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Put back the backup of")).to_be_visible()
    expect(page.locator("#page")).to_be_focused()
    tab_to(page, "I know that")
    page.keyboard.press("Space")
    tab_to(page, "Close DocAssist and put back", "Put back")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="is back")).to_be_visible(timeout=30_000)

    assert site.clinic.count("patients") == 3
    context.close()


def tab_to(page: Page, *words: str) -> None:
    """Press Tab until the focus, which must be visible, is on what begins with one of these words."""
    for _step in range(80):
        page.keyboard.press("Tab")
        named, outline = page.evaluate(
            """() => {
              const e = document.activeElement;
              const label = e.labels && e.labels.length ? e.labels[0].innerText : "";
              const name = e.getAttribute("aria-label") || label || e.innerText || "";
              return [name.trim(), getComputedStyle(e).outlineStyle];
            }"""
        )
        if named.startswith(words):
            assert outline != "none", f"nobody sees that the focus is on {named}"
            return
    raise AssertionError(f"Tab never comes to {words}")


def test_nothing_moves_for_those_who_ask_so(site: Site, page: Page) -> None:
    site.engine.create()
    for path in ("/", "/activity", "/preferences"):
        settled(page, site.address(path) if path == "/" else site.origin + path)
        moving = page.evaluate(
            """[...document.querySelectorAll("*")].filter(e => {
              const s = getComputedStyle(e);
              const long = times => times.split(",").some(time => parseFloat(time) > 0.01);
              return (s.animationName !== "none" && long(s.animationDuration)) || long(s.transitionDuration);
            }).map(e => e.outerHTML.slice(0, 100))"""
        )
        assert moving == [], path
