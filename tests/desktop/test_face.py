"""The facts behind the icon, from the launcher's real parts."""

import os
from datetime import timedelta

import pytest

from backup_core.due import Hold
from backup_core.engine import BackupEngine
from backup_core.history import Outcome
from tray.face import Face
from tray.look import Choice, IconState
from tray.menu import icon_state_for, verdict_for

from .clinic import until
from .parts import Launcher

HOUR = timedelta(hours=1)
FIRST = "The first backup is made and checked: 50 patients. The next ones come by themselves."


@pytest.fixture
def face(launcher: Launcher) -> Face:
    return Face(launcher, shown=False)


def test_a_backup_is_shown_as_soon_as_it_is_there(launcher: Launcher, face: Face) -> None:
    """The plan learns of it at the next tick only, up to half a minute later."""
    assert verdict_for(face.state()) == "No backup yet"
    seen: list[str] = []
    launcher.jobs.add_listener(lambda job: seen.append(verdict_for(face.state())) if job.state != "running" else None)
    launcher.finish(launcher.desk.back_up_now())
    # It hears of the end after those that were there before it.
    until(lambda: bool(seen))
    assert seen == ["Backed up just now"]


def test_the_time_shown_is_that_of_the_newest_backup_that_is_still_there(launcher: Launcher, face: Face) -> None:
    for _ in range(2):
        launcher.finish(launcher.desk.back_up_now())
        launcher.change()
        launcher.clock.pass_time(3 * HOUR)
    launcher.look()
    assert face.state().last_backup == launcher.clock.now() - 3 * HOUR
    newest = launcher.engine.archives()[0]
    launcher.engine.delete(newest)
    launcher.sight.forget()
    assert face.state().last_backup == launcher.clock.now() - 6 * HOUR


def test_the_icon_turns_orange_by_the_rules_of_the_page(launcher: Launcher, face: Face) -> None:
    launcher.finish(launcher.desk.back_up_now())
    launcher.clock.pass_time(60 * HOUR)
    launcher.since = launcher.clock.now()  # the launcher is started on Monday
    launcher.sight.forget()
    launcher.desk.pause("hour")
    launcher.go_round()
    assert launcher.told == [FIRST], "a weekend is no fault"
    assert icon_state_for(face.state()) is IconState.PAUSED
    launcher.clock.pass_time(HOUR / 4)
    launcher.go_round()
    assert launcher.told == [FIRST, "There has been no backup for more than 24 hours."]
    assert icon_state_for(face.state()) is IconState.ATTENTION
    launcher.clock.pass_time(7 * 24 * HOUR)
    launcher.finish(launcher.desk.back_up_now())
    assert icon_state_for(face.state()) is IconState.ATTENTION
    assert verdict_for(face.state()) == "Backed up, but not opened"
    newest = launcher.engine.archives()[0]
    assert launcher.engine.prove(newest).ok
    launcher.sight.forget()
    assert icon_state_for(face.state()) is IconState.PROTECTED


def test_a_pause_and_its_end_are_shown(launcher: Launcher, face: Face) -> None:
    launcher.finish(launcher.desk.back_up_now())
    launcher.look()
    launcher.desk.pause("hour")
    state = face.state()
    assert icon_state_for(state) is IconState.PAUSED
    assert state.paused_until == launcher.clock.now() + HOUR
    launcher.clock.pass_time(HOUR)
    assert icon_state_for(face.state()) is IconState.PROTECTED


def test_a_backup_that_waits_for_the_charger_is_shown_with_its_latest_time(launcher: Launcher, face: Face) -> None:
    launcher.go_round()
    launcher.battery_is_low = True
    launcher.clock.pass_time(4 * HOUR)
    launcher.go_round()
    state = face.state()
    assert (state.hold, state.next_due) == (Hold.BATTERY, launcher.clock.now() + 2 * HOUR)


def test_a_backup_folder_that_cannot_be_read_is_a_failure_and_not_a_missing_backup(
    launcher: Launcher, face: Face
) -> None:
    launcher.engine.backup_dir.write_text("a file where the folder should be")
    launcher.sight.forget()
    assert icon_state_for(face.state()) is IconState.FAILED


def test_a_failure_is_shown_until_the_next_good_backup(launcher: Launcher, face: Face) -> None:
    launcher.go_round()
    there = launcher.engine
    launcher.engine = BackupEngine(
        launcher.data_dir, launcher.data_dir / "clinic.db" / "below a file", clock=launcher.clock
    )
    launcher.desk = launcher.desk_for(launcher.emr)
    launcher.finish(launcher.desk.back_up_now())
    launcher.engine = there
    launcher.sight.forget()
    assert icon_state_for(face.state()) is IconState.FAILED
    launcher.desk = launcher.desk_for(launcher.emr)
    launcher.finish(launcher.desk.back_up_now())
    assert icon_state_for(face.state()) is IconState.PROTECTED


def test_a_click_that_comes_twice_does_its_work_once(launcher: Launcher, face: Face) -> None:
    face.click(Choice.BACK_UP)
    face.click(Choice.BACK_UP)
    job = launcher.jobs.current() or launcher.jobs.last()
    assert job is not None
    launcher.finish(job)
    assert len(launcher.engine.history.runs()) == 1
    face.click(Choice.UNDO)  # nothing was restored: the page, which these parts do not have, is not opened
    face.click(Choice.PAUSE_HOUR)
    face.click(Choice.PAUSE_HOUR)
    assert launcher.desk.paused_until() == launcher.clock.now() + HOUR
    face.click(Choice.RESUME)
    assert launcher.desk.paused_until() is None


def test_a_damaged_backup_keeps_the_icon_orange_until_it_is_found_good(launcher: Launcher, face: Face) -> None:
    launcher.finish(launcher.desk.back_up_now())
    (made,) = launcher.engine.archives()
    whole = made.path.read_bytes()
    times = (made.path.stat().st_atime_ns, made.path.stat().st_mtime_ns)
    made.path.write_bytes(whole[:300] + bytes([whole[300] ^ 1]) + whole[301:])
    os.utime(made.path, ns=times)
    assert launcher.engine.prove(made).problem
    launcher.sight.forget()
    assert face.state().attention.startswith("The backup of ")
    assert icon_state_for(face.state()) is IconState.ATTENTION

    made.path.write_bytes(whole)
    os.utime(made.path, ns=times)
    assert launcher.engine.prove(launcher.engine.find(made.name)).is_full
    launcher.sight.forget()
    assert face.state().attention == ""


def test_where_the_newest_backup_is_damaged_another_is_made_in_its_place(launcher: Launcher) -> None:
    launcher.finish(launcher.desk.back_up_now())
    (made,) = launcher.engine.archives()
    whole = made.path.read_bytes()
    made.path.write_bytes(whole[:300] + bytes([whole[300] ^ 1]) + whole[301:])
    launcher.look()
    assert launcher.go_round() == []
    proof = launcher.engine.prove(launcher.engine.find(made.name))
    assert proof.problem
    assert proof.was_newest
    launcher.rounds.newest_is_damaged()
    (run,) = launcher.go_round()
    assert run.outcome is Outcome.MADE
    assert launcher.go_round() == []
