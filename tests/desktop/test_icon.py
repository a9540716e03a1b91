"""The real icon on a real desktop: seen and clicked over D-Bus as a panel does, and once by mouse."""

import itertools
import os
import queue
import signal
from collections.abc import Iterator
from dataclasses import replace

import pytest
from PIL import Image, ImageChops, ImageGrab

from tray.art import draw
from tray.iconlink import IconLink
from tray.look import SEPARATOR, IconState, Item, Look

from .desk import PATIENCE, Desk, TrayMenu, eventually, program
from .mouse import Mouse
from .panel import Panel, Shown, panel_on

pytestmark = pytest.mark.desktop

MENU = (
    Item("open-page", "Backed up 12 minutes ago"),
    SEPARATOR,
    Item("back-up", "Backup Now"),
    Item("open-page", "Open admin page", default=True),
    Item("undo", "Go back to before the restore", enabled=False),
    Item("login", "Start at login", checked=True),
    SEPARATOR,
    Item("quit", "Quit"),
)
CALM = Look(IconState.PROTECTED, "DocAssist Backup: 12 minutes ago", MENU)


@pytest.fixture
def clicks() -> "queue.Queue[str]":
    return queue.Queue()


@pytest.fixture
def link(clicks: "queue.Queue[str]") -> Iterator[IconLink]:
    link = IconLink(clicks.put, pauses=(0.1, 0.1))
    link.show(CALM)
    yield link
    link.close()


@pytest.fixture
def panel(desk: Desk) -> Iterator[Panel]:
    desk.open_screen()
    desk.open_bus()
    with panel_on(desk) as panel:
        yield panel


@pytest.fixture
def menu(desk: Desk, panel: Panel, link: IconLink) -> Iterator[TrayMenu]:
    link.start()
    (owner,) = eventually(lambda: panel.icons)
    with desk.connection() as connection:
        menu = TrayMenu(connection, owner)
        eventually(menu.labels, lambda labels: "Backup Now" in labels)
        yield menu


def picture_of(menu: TrayMenu) -> Image.Image | None:
    """Return the picture that the icon shows now; None while it is being changed."""
    try:
        with Image.open(menu.property("IconName")) as image:
            return image.convert("RGBA")
    except OSError:
        return None


def shows(menu: TrayMenu, expected: Image.Image) -> bool:
    picture = picture_of(menu)
    return picture is not None and ImageChops.difference(picture, expected).getbbox() is None


def test_the_panel_reads_the_menu_and_the_title(menu: TrayMenu) -> None:
    assert menu.labels() == ["-" if item == SEPARATOR else item.text for item in MENU]
    assert menu.property("Title") == CALM.title
    assert menu.property("Status") == "Active"
    assert menu.item("Go back to before the restore")["enabled"] is False
    assert menu.item("Start at login")["toggle-state"] == 1


def test_a_click_in_the_menu_reaches_the_launcher(menu: TrayMenu, clicks: "queue.Queue[str]") -> None:
    menu.click("Backup Now")
    assert clicks.get(timeout=PATIENCE) == "back-up"


def test_a_click_on_a_greyed_item_is_not_passed_on(menu: TrayMenu, clicks: "queue.Queue[str]") -> None:
    menu.click("Go back to before the restore")
    menu.click("Quit")
    assert clicks.get(timeout=PATIENCE) == "quit"


def test_the_picture_and_the_menu_follow_the_state(menu: TrayMenu, link: IconLink) -> None:
    assert eventually(lambda: shows(menu, draw(IconState.PROTECTED, 48)))
    link.show(Look(IconState.BACKING_UP, "Backing up", (Item("back-up", "Backing up…", enabled=False),), 0.5))
    assert eventually(lambda: shows(menu, draw(IconState.BACKING_UP, 48, 0.5)))
    assert eventually(menu.labels, lambda labels: labels == ["Backing up…"])
    link.show(Look(IconState.FAILED, "Backup failed", MENU))
    assert eventually(lambda: shows(menu, draw(IconState.FAILED, 48)))
    assert eventually(menu.labels, lambda labels: "Backup Now" in labels)


def test_the_desktop_gets_a_notification(menu: TrayMenu, link: IconLink, panel: Panel) -> None:
    link.notify("Backup failed", "The disk is full.")
    assert eventually(lambda: panel.notifications) == [Shown("Backup failed", "The disk is full.")]


def test_a_hung_notification_daemon_does_not_hold_up_the_menu(
    desk: Desk, link: IconLink, clicks: "queue.Queue[str]"
) -> None:
    desk.open_screen()
    desk.open_bus()
    with panel_on(desk, hung=True) as panel, desk.connection() as connection:
        link.start()
        (owner,) = eventually(lambda: panel.icons)
        menu = TrayMenu(connection, owner)
        eventually(menu.labels, lambda labels: "Backup Now" in labels)
        link.notify("Backup failed", "The disk is full.")
        eventually(lambda: panel.notifications)
        menu.click("Backup Now")
        assert clicks.get(timeout=PATIENCE) == "back-up"
        link.close()


def test_an_icon_comes_back_when_its_process_was_killed(menu: TrayMenu, panel: Panel) -> None:
    os.kill(menu.process_id(), signal.SIGKILL)
    assert eventually(lambda: panel.icons[1:])


def test_the_launcher_outlives_the_screen(desk: Desk, link: IconLink) -> None:
    screen = desk.open_screen()
    desk.start(program("trayer"))
    link.start()
    eventually(lambda: Mouse().windows())
    screen.terminate()
    assert eventually(lambda: link.problem, lambda problem: "display cannot be reached" in problem)


def test_a_desktop_that_shows_no_icons_is_told_to_the_launcher(desk: Desk, link: IconLink) -> None:
    desk.open_screen()
    desk.open_bus()
    link.start()
    titles = (f"{minute} minutes ago" for minute in itertools.count())

    def problem() -> str:
        link.show(replace(CALM, title=next(titles)))
        return link.problem

    assert "no place for tray icons" in eventually(problem)
    with panel_on(desk):
        eventually(problem, lambda sentence: sentence == "")


def test_without_a_display_the_sentence_names_the_packages(desk: Desk, link: IconLink) -> None:
    link.start()
    sentence = eventually(lambda: link.problem)
    assert "this session has no desktop" in sentence
    assert "gir1.2-ayatanaappindicator3-0.1" in sentence


def test_the_icon_is_drawn_for_the_very_pixels_that_the_panel_has(desk: Desk, link: IconLink) -> None:
    desk.open_screen()
    desk.start(program("trayer"), "--height", "32")
    link.start()
    place = eventually(Mouse().icon)
    assert place.width == place.height

    def is_exact() -> bool:
        corners = (place.x, place.y, place.x + place.width, place.y + place.height)
        seen = ImageGrab.grab(xdisplay=os.environ["DISPLAY"]).crop(corners)
        drawn = draw(CALM.state, place.width)
        expected = Image.new("RGB", seen.size, seen.getpixel((0, 0)))
        expected.paste(drawn, (0, 0), drawn)
        return max(ImageChops.difference(expected, seen).tobytes()) < 3

    assert eventually(is_exact)


def test_the_title_is_shown_under_a_real_mouse(desk: Desk, link: IconLink) -> None:
    desk.open_screen()
    desk.start(program("trayer"), "--edge", "bottom", "--height", "32")
    link.start()
    mouse = Mouse()
    mouse.rest_on(eventually(mouse.icon).centre)
    first = eventually(mouse.opened)
    link.show(replace(CALM, title="DocAssist Backup: 12 minutes ago, 1,284 patients, next at 2:30 pm"))
    assert eventually(mouse.opened, lambda shown: shown.width > 1.5 * first.width)


def test_a_real_mouse_opens_the_menu_and_clicks(desk: Desk, link: IconLink, clicks: "queue.Queue[str]") -> None:
    desk.open_screen()
    desk.start(program("trayer"), "--edge", "bottom", "--align", "right", "--widthtype", "request", "--height", "32")
    link.start()
    mouse = Mouse()
    icon = eventually(mouse.icon)
    mouse.click(icon.centre, button=1)
    assert clicks.get(timeout=PATIENCE) == "open-page"
    mouse.click(icon.centre, button=3)
    opened = eventually(mouse.opened)
    mouse.click(opened.row(2, MENU), button=1)
    assert clicks.get(timeout=PATIENCE) == "back-up"
