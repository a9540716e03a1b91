"""What is told by a notification, and how often."""

from datetime import timedelta

import pytest

from backup_core.history import Trigger
from tests.fakeclock import FakeClock
from tray.emr import EmrEnd
from tray.news import Cause, News
from tray.tidings import good_night

from .parts import Launcher

HOUR = timedelta(hours=1)


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def news(clock: FakeClock, told: list[str]) -> News:
    return News(clock, told.append)


def test_what_is_so_is_told_once_a_day(news: News, clock: FakeClock, told: list[str]) -> None:
    for _ in range(3):
        news.tell(Cause.ALARM, "Patients have gone.")
        clock.pass_time(10 * HOUR)
    assert told == ["Patients have gone."]
    news.tell(Cause.ALARM, "Patients have gone.")
    assert len(told) == 2


def test_another_cause_and_a_change_are_told_at_once(news: News, told: list[str]) -> None:
    news.tell(Cause.ALARM, "Patients have gone.")
    news.tell(Cause.OLD, "There has been no backup.")
    news.tell(Cause.ALARM, "Visits have gone.")
    assert told == ["Patients have gone.", "There has been no backup.", "Visits have gone."]


def test_what_was_over_and_comes_again_is_told_again(news: News, told: list[str]) -> None:
    for sentence in ("The disk is full.", "", "The disk is full."):
        news.tell(Cause.FAILED, sentence)
    assert told == ["The disk is full.", "The disk is full."]


def test_a_figure_that_changes_makes_no_news(news: News, told: list[str]) -> None:
    for free in (12, 11, 10):
        news.tell(Cause.FAILED, f"There are {free} MB free.", kind="full")
    assert told == ["There are 12 MB free."]


def test_a_clock_that_is_set_back_does_not_keep_the_news_away(news: News, clock: FakeClock, told: list[str]) -> None:
    news.tell(Cause.OLD, "There has been no backup.")
    clock.set_back(timedelta(days=6000))
    clock.pass_time(25 * HOUR)
    news.tell(Cause.OLD, "There has been no backup.")
    assert len(told) == 2


def test_the_first_backup_is_told_and_the_second_is_not(launcher: Launcher) -> None:
    launcher.go_round()
    assert launcher.told == ["The first backup is made and checked: 50 patients. The next ones come by themselves."]
    launcher.change()
    launcher.clock.pass_time(5 * HOUR)
    launcher.go_round()
    assert len(launcher.told) == 1


def test_a_failure_is_told_once_and_again_after_a_good_backup(launcher: Launcher) -> None:
    launcher.go_round()
    launcher.told.clear()
    away = launcher.engine.backup_dir.rename(launcher.data_dir.parent / "away")
    for _ in range(2):
        launcher.engine.backup_dir.write_text("a file where the folder should be")
        for _ in range(2):
            launcher.clock.pass_time(5 * HOUR)
            launcher.go_round()
        launcher.engine.backup_dir.unlink()
        away.rename(launcher.engine.backup_dir)
        launcher.clock.pass_time(5 * HOUR)
        launcher.change()
        launcher.go_round()
        launcher.engine.backup_dir.rename(away)
    assert len(launcher.told) == 2


def test_a_backup_of_more_than_a_day_ago_is_told(launcher: Launcher) -> None:
    launcher.go_round()
    launcher.told.clear()
    launcher.desk.pause("tomorrow")
    launcher.clock.utc += timedelta(hours=25)
    launcher.desk.pause("tomorrow")
    launcher.sight.forget()
    launcher.go_round()
    assert launcher.told == ["There has been no backup for more than 24 hours."]


def test_a_restore_and_the_way_back_are_told_each_time(launcher: Launcher) -> None:
    launcher.go_round()
    launcher.told.clear()
    [archive] = launcher.engine.archives()
    launcher.change()
    for _ in range(2):
        job = launcher.desk.restore(archive.name, other_clinic=False, newer=False, with_settings=False)
        launcher.finish(job)
    job = launcher.desk.undo()
    launcher.finish(job)
    assert ["put back" in sentence for sentence in launcher.told] == [True, True, False]
    assert "before the restore" in launcher.told[2]


def work_with_the_emr(launcher: Launcher, seconds: float) -> None:
    """Let the EMR be open for so long, add a visit, and end."""
    launcher.change("CREATE TABLE IF NOT EXISTS visits (visit_date DATE)")
    today = launcher.clock.local().date().isoformat()
    launcher.change(f"INSERT INTO visits VALUES ('{today}')")
    launcher.emr.last_end = EmrEnd(crashed=False, ran=seconds)
    launcher.rounds.emr_ended()
    assert [run.trigger for run in launcher.go_round()] == [Trigger.EMR_EXIT]


def test_at_closing_time_the_work_of_the_day_is_said_to_be_saved(launcher: Launcher) -> None:
    launcher.go_round()
    launcher.told.clear()
    work_with_the_emr(launcher, 599)
    assert launcher.told == [], "who only looked something up needs no good-night"
    work_with_the_emr(launcher, 600)
    assert launcher.told == ["Saved: 2 visits today. You can switch off."]


def test_the_good_night_can_be_turned_off(launcher: Launcher) -> None:
    (launcher.data_dir / ".docassist-backup").mkdir()
    (launcher.data_dir / ".docassist-backup" / "preferences.json").write_text('{"closing_note": false}')
    launcher.go_round()
    launcher.told.clear()
    work_with_the_emr(launcher, 3600)
    assert launcher.told == []


def test_without_the_number_of_visits_it_is_saved_all_the_same() -> None:
    assert good_night(None) == "Saved. You can switch off."
    assert good_night(1) == "Saved: 1 visit today. You can switch off."
    assert good_night(1042) == "Saved: 1,042 visits today. You can switch off."


def test_a_crash_is_told_and_offers_to_start_it_again(launcher: Launcher) -> None:
    launcher.go_round()
    launcher.told.clear()
    launcher.emr.last_end = EmrEnd(crashed=True, ran=30)
    launcher.rounds.emr_ended()
    launcher.go_round()
    assert "stopped unexpectedly" in launcher.notices.sentences()[0]
    assert "start it again" in launcher.told[0]
    assert launcher.desk.start(Trigger.EMR_START)
    assert launcher.notices.sentences() == []
