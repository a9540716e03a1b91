"""The launcher's link to the icon's process, with real processes that behave, die and hang."""

import logging
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tray.iconlink import IconLink
from tray.look import IconState, Item, Look

from .desk import PATIENCE, eventually

#: Answers each look, and tells what it has seen by clicks.
GOOD = """
import json, os, sys
def say(**message): print(json.dumps(message), flush=True)
say(ready=True, backend="stand-in", click=f"started {os.getpid()}")
for line in sys.stdin:
    message = json.loads(line)
    say(shown=True, click=message["title"])
    if "notify" in message: say(click="notice " + message["notify"]["title"])
"""
LAST_WORDS = GOOD + "import pathlib; pathlib.Path(sys.argv[1]).write_text(os.environ['TMPDIR'])\n"
SLOW = GOOD.replace("    message =", "    import time; time.sleep(0.05); message =")
ENDS = "import json; print(json.dumps({'click': 'started'}), flush=True); raise SystemExit(3)"
SAYS_WHY_NOT = "import json; print(json.dumps({'unavailable': 'No desktop here.'}), flush=True)"
ENDS_AFTER_ONE = GOOD + "    break\n"
CHATS = "print('Gdk-CRITICAL: nothing', flush=True)\n" + GOOD
READS_NOTHING = """
import json, time
print(json.dumps({"click": "started"}), flush=True)
time.sleep(600)
"""

Connect = Callable[..., IconLink]


def look(title: str) -> Look:
    return Look(IconState.PROTECTED, title, (Item("quit", "Quit"),))


@pytest.fixture
def clicks() -> "queue.Queue[str]":
    return queue.Queue()


@pytest.fixture
def connect(clicks: "queue.Queue[str]") -> Iterator[Connect]:
    """Start a link to a stand-in for the icon, a program given as text."""
    links = []

    def start(
        program: str, *arguments: str, pauses: tuple[float, float] = (0.05, 0.05), patience: float = 60.0
    ) -> IconLink:
        command = [sys.executable, "-c", program, *arguments]
        link = IconLink(clicks.put, command=command, pauses=pauses, patience=patience)
        links.append(link)
        link.start()
        return link

    yield start
    for link in links:
        link.close(0.5)


def next_click(clicks: "queue.Queue[str]") -> str:
    return clicks.get(timeout=PATIENCE)


def next_process(clicks: "queue.Queue[str]") -> int:
    """Return the number of the stand-in that starts next."""
    return int(next_click(clicks).removeprefix("started "))


def test_a_look_reaches_the_child(connect: Connect, clicks: "queue.Queue[str]") -> None:
    link = connect(GOOD)
    next_process(clicks)
    link.show(look("first"))
    assert next_click(clicks) == "first"
    link.show(look("second"))
    assert next_click(clicks) == "second"


def test_a_look_that_is_shown_already_is_not_sent_again(connect: Connect, clicks: "queue.Queue[str]") -> None:
    link = connect(GOOD)
    next_process(clicks)
    link.show(look("one"))
    assert next_click(clicks) == "one"
    link.show(look("one"))
    link.show(look("two"))
    assert next_click(clicks) == "two"


def test_a_slow_child_is_told_the_newest_look_and_not_all(connect: Connect, clicks: "queue.Queue[str]") -> None:
    link = connect(SLOW)
    next_process(clicks)
    for number in range(200):
        link.show(look(str(number)))
    seen = [next_click(clicks)]
    while seen[-1] != "199":
        seen.append(next_click(clicks))
    assert len(seen) < 20


def test_a_killed_child_is_started_again_and_shows_the_same(connect: Connect, clicks: "queue.Queue[str]") -> None:
    link = connect(GOOD)
    first = next_process(clicks)
    link.show(look("all is well"))
    assert next_click(clicks) == "all is well"
    psutil.Process(first).kill()
    assert next_process(clicks) != first
    assert next_click(clicks) == "all is well"


def test_a_child_that_keeps_ending_is_started_at_growing_intervals(
    connect: Connect, clicks: "queue.Queue[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    rests: list[float] = []

    def rest(link: IconLink, seconds: float) -> bool:
        if seconds:
            rests.append(seconds)
        return link._closed

    monkeypatch.setattr(IconLink, "_wait_for_close", rest)
    link = connect(ENDS, pauses=(0.1, 0.4))
    for _ in range(5):
        assert next_click(clicks) == "started"
    assert rests[:4] == [0.1, 0.2, 0.4, 0.4]
    assert link.problem == "The tray icon stopped. It will be started again."


def test_a_child_that_lived_long_is_missed_no_longer_than_the_first_time(
    connect: Connect, clicks: "queue.Queue[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tray.iconlink.STEADY", 0.0)
    connect(ENDS, pauses=(0.05, 600.0))
    for _ in range(12):
        assert next_click(clicks) == "started"


def test_the_link_outlives_children_that_end_while_they_are_told(connect: Connect, clicks: "queue.Queue[str]") -> None:
    link = connect(ENDS_AFTER_ONE, pauses=(0.0, 0.0))
    for number in range(15):
        link.show(look(str(number)))
        while next_click(clicks) != str(number):
            pass


def test_a_child_that_hangs_is_killed_and_started_again(connect: Connect, clicks: "queue.Queue[str]") -> None:
    link = connect(READS_NOTHING, patience=0.2)
    assert next_click(clicks) == "started"
    link.show(look("never seen"))
    assert next_click(clicks) == "started"


def test_a_child_that_hangs_holds_up_neither_looks_nor_the_end(connect: Connect, clicks: "queue.Queue[str]") -> None:
    link = connect(READS_NOTHING)
    assert next_click(clicks) == "started"
    for number in range(1000):
        link.show(look(f"{number} {'x' * 10_000}"))
        link.notify("Backup failed", "The disk is full.")
    link.close(0.2)
    assert "icon-keeper" not in {thread.name for thread in threading.enumerate()}


def test_the_end_of_the_link_is_the_end_of_the_child(
    connect: Connect, clicks: "queue.Queue[str]", tmp_path: Path
) -> None:
    told = tmp_path / "last words"
    link = connect(LAST_WORDS, str(told))
    process = next_process(clicks)
    link.close()
    temporary = Path(told.read_text(encoding="utf-8"))
    assert temporary.name.startswith("docassist-icon-")
    assert not temporary.exists()
    assert not psutil.pid_exists(process)


def test_a_notification_is_sent_once_and_not_to_the_next_child(connect: Connect, clicks: "queue.Queue[str]") -> None:
    link = connect(GOOD)
    first = next_process(clicks)
    link.show(look("calm"))
    link.notify("Restored", "Yesterday is back.")
    eventually(lambda: next_click(clicks), lambda click: click == "notice Restored")
    psutil.Process(first).kill()
    next_process(clicks)
    assert next_click(clicks) == "calm"
    link.show(look("still calm"))
    assert next_click(clicks) == "still calm"


def test_why_no_icon_can_be_shown_is_known_to_the_launcher(connect: Connect) -> None:
    link = connect(SAYS_WHY_NOT)
    assert eventually(lambda: link.problem) == "No desktop here."


def test_a_program_that_is_missing_is_a_problem_and_no_crash(tmp_path: Path) -> None:
    link = IconLink(lambda click: None, command=[str(tmp_path / "nothing")], pauses=(0.05, 0.05))
    link.start()
    assert "No such file" in eventually(lambda: link.problem)
    link.close()


def test_what_a_library_prints_is_logged_and_disturbs_nothing(
    connect: Connect, clicks: "queue.Queue[str]", caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    connect(CHATS)
    next_process(clicks)
    assert "icon: Gdk-CRITICAL: nothing" in caplog.messages


def test_a_click_that_fails_is_logged_and_the_next_one_arrives(caplog: pytest.LogCaptureFixture) -> None:
    seen: queue.Queue[str] = queue.Queue()

    def fails_at_first(click: str) -> None:
        seen.put(click)
        if click.startswith("started"):
            raise RuntimeError("planted")

    link = IconLink(fails_at_first, command=[sys.executable, "-c", GOOD])
    link.start()
    link.show(look("calm"))
    assert next_click(seen).startswith("started")
    assert next_click(seen) == "calm"
    link.close()
    assert "was not carried out" in caplog.text


def test_a_click_may_take_its_time_and_may_end_the_link() -> None:
    ended = threading.Event()

    def quits(click: str) -> None:
        link.close()
        ended.set()

    link = IconLink(quits, command=[sys.executable, "-c", GOOD])
    link.start()
    link.show(look("calm"))
    assert ended.wait(PATIENCE)
