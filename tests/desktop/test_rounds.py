"""The rounds over real parts and a clock that the test turns: what is done when, and who is told."""

import shutil
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backup_core import BackupService
from backup_core.due import Hold
from backup_core.engine import BackupEngine
from backup_core.history import Action, Outcome, Run, Trigger
from backup_core.jobs import Job, JobRunner
from backup_core.progress import OnProgress, Progress, Stage
from tray.loop import TICK
from tray.plan import Plan
from tray.rounds import CLOSING_PATIENCE, FOLDER_PATIENCE
from tray.shares import Mount

from .parts import Launcher

HOUR = timedelta(hours=1)


def test_every_few_hours_there_is_a_run_and_none_between(launcher: Launcher) -> None:
    assert [run.outcome for run in launcher.go_round()] == [Outcome.MADE]
    for _ in range(3):
        launcher.clock.pass_time(HOUR)
        assert launcher.go_round() == []
    launcher.clock.pass_time(HOUR)
    launcher.change()
    assert [run.trigger for run in launcher.go_round()] == [Trigger.INTERVAL]


def test_a_backup_that_ends_just_after_the_history_was_read_is_not_made_again(launcher: Launcher) -> None:
    may_end = threading.Event()

    class Overtaken(Plan):
        """The backup that runs ends as soon as the plan has read what there was before it."""

        def look(self, runs: Sequence[Run], hours: float, *, always: bool = False) -> None:
            super().look(runs, hours, always=always)
            may_end.set()
            launcher.finish(job)

    def work(on_progress: OnProgress) -> object:
        assert may_end.wait(20)
        return launcher.engine.create(Trigger.STARTUP, on_progress)

    job = launcher.jobs.start("backup", work)
    plan, launcher.plan = launcher.plan, Overtaken(launcher.clock)
    launcher.rounds.make()
    launcher.plan = plan
    assert launcher.go_round() == []
    assert [run.trigger for run in launcher.engine.history.runs()] == [Trigger.STARTUP]


def test_time_missed_in_sleep_is_caught_up_by_one_run(launcher: Launcher) -> None:
    launcher.go_round()
    launcher.clock.sleep(30 * HOUR)
    assert len(launcher.go_round()) == 1
    assert launcher.go_round() == []


def test_a_frequency_that_was_changed_in_the_emr_counts_at_the_next_round(launcher: Launcher) -> None:
    launcher.go_round()
    launcher.clock.pass_time(HOUR)
    (launcher.data_dir / "settings.json").write_text('{"preferences": {"backup_frequency_hours": 1}}')
    assert len(launcher.go_round()) == 1


def test_after_a_failure_it_tries_again_with_growing_pauses(launcher: Launcher) -> None:
    launcher.engine.backup_dir.write_text("a file where the folder should be")
    pauses = []
    for _ in range(4):
        assert [run.outcome for run in launcher.go_round()] == [Outcome.FAILED]
        minutes = 0
        launcher.look()
        while not launcher.plan.is_due():
            launcher.clock.pass_time(timedelta(minutes=1))
            minutes += 1
        pauses.append(minutes)
    assert pauses == [5, 10, 20, 40]


def test_a_fault_of_our_own_is_not_repeated_at_every_round(launcher: Launcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda arguments: None)
    launcher.go_round()
    launcher.clock.pass_time(5 * HOUR)

    def faulty(on_progress: OnProgress) -> None:
        raise TypeError("planted")

    job = launcher.jobs.start("create", faulty)
    launcher.jobs.wait(job.id, 10)
    assert launcher.go_round() == []
    launcher.clock.pass_time(timedelta(minutes=6))
    assert len(launcher.go_round()) == 1


def test_who_sits_before_docassist_is_called_when_it_does_not_close_for_a_restore(launcher: Launcher) -> None:
    waits, may_end = threading.Event(), threading.Event()

    def work(on_progress: OnProgress) -> None:
        on_progress(Progress(Stage.CLOSE_EMR))
        waits.set()
        assert may_end.wait(20)

    job = launcher.jobs.start("restore", work)
    assert waits.wait(20)
    launcher.rounds.make()
    assert launcher.told == launcher.notices.sentences() == []
    for _ in range(3):
        launcher.clock.pass_time(timedelta(seconds=CLOSING_PATIENCE))
        launcher.rounds.make()
    sentence = "DocAssist has to close for the restore. Please save your work and close it."
    assert launcher.told == launcher.notices.sentences() == [sentence]
    may_end.set()
    launcher.finish(job)
    launcher.rounds.make()
    assert launcher.notices.sentences() == []


def test_the_end_of_the_emr_is_backed_up_at_the_next_round(launcher: Launcher) -> None:
    launcher.go_round()
    launcher.change()
    launcher.rounds.emr_ended()
    assert [run.trigger for run in launcher.go_round()] == [Trigger.EMR_EXIT]
    assert launcher.go_round() == []


def test_a_round_during_an_operation_begins_nothing_and_forgets_nothing(launcher: Launcher) -> None:
    launcher.rounds.emr_ended()
    job = launcher.jobs.start("verify", lambda on_progress: launcher.rounds.make())
    assert launcher.jobs.wait(job.id, 10).state == "done"
    assert launcher.engine.history.runs() == []
    assert [run.trigger for run in launcher.go_round()] == [Trigger.EMR_EXIT]


def test_an_end_of_the_emr_while_the_backup_of_the_one_before_begins_is_not_lost(launcher: Launcher) -> None:
    launcher.go_round()
    ends_again = iter([launcher.rounds.emr_ended])
    launcher.jobs.add_listener(lambda job: next(ends_again, lambda: None)())
    launcher.rounds.emr_ended()
    assert [run.trigger for run in launcher.go_round()] == [Trigger.EMR_EXIT]
    assert [run.trigger for run in launcher.go_round()] == [Trigger.EMR_EXIT]
    assert launcher.go_round() == []


def test_when_the_page_is_a_moment_faster_the_end_of_the_emr_is_backed_up_after_that(launcher: Launcher) -> None:
    launcher.go_round()
    done = threading.Event()

    class Overtaken(JobRunner):
        """The page starts a job just after it was seen that none runs."""

        def current(self) -> Job | None:
            found = super().current()
            if found is None and not done.is_set():
                self.start("verify", lambda on_progress: done.wait(10))
            return found

    launcher.jobs = Overtaken(clock=launcher.clock)
    launcher.desk = launcher.desk_for(launcher.emr)
    launcher.rounds.emr_ended()
    launcher.rounds.make()
    done.set()
    assert launcher.jobs.close(10)
    launcher.jobs = JobRunner(clock=launcher.clock)
    launcher.jobs.add_listener(launcher.follow)
    launcher.desk = launcher.desk_for(launcher.emr)
    assert [run.trigger for run in launcher.go_round()] == [Trigger.EMR_EXIT]


def test_the_emrs_own_tidying_up_keeps_what_the_launcher_keeps(launcher: Launcher) -> None:
    days = 6
    for _ in range(days):
        launcher.go_round()
        launcher.clock.pass_time(timedelta(days=1))
    assert BackupService(launcher.data_dir, max_backups=2).auto_backup()
    assert len(launcher.engine.archives()) == days + 1


def test_a_number_of_backups_that_is_changed_is_obeyed_by_the_emr_too(launcher: Launcher) -> None:
    launcher.go_round()
    (launcher.data_dir / "settings.json").write_text('{"preferences": {"backup_retention_count": 7}}')
    launcher.engine = BackupEngine(launcher.data_dir, clock=launcher.clock, patience=0.5)
    launcher.go_round()
    assert launcher.engine.policy.newest == 7


def test_a_backup_folder_that_cannot_be_told_how_many_to_keep_stops_nothing(launcher: Launcher) -> None:
    launcher.engine.backup_dir.mkdir()
    (launcher.engine.backup_dir / ".docassist-backup").write_text("a file where a folder should be")
    assert [run.outcome for run in launcher.go_round()] == [Outcome.FAILED]
    (launcher.engine.backup_dir / ".docassist-backup").unlink()
    launcher.clock.pass_time(timedelta(minutes=6))
    assert [run.outcome for run in launcher.go_round()] == [Outcome.MADE]
    assert launcher.engine.policy == launcher.preferences.policy


def test_the_warning_of_a_network_drive_ends_when_the_folder_moves_to_this_pc(
    launcher: Launcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = tmp_path / "share"
    monkeypatch.setattr("tray.rounds.mounts", lambda: [Mount(Path("/"), "ext4"), Mount(share, "nfs")])
    share.mkdir()
    at_home = launcher.engine
    launcher.engine = BackupEngine(launcher.data_dir, share / "backups", clock=launcher.clock)
    launcher.go_round()
    assert "network drive" in launcher.notices.sentences()[0]
    launcher.engine = at_home
    launcher.go_round()
    assert launcher.notices.sentences() == []
    assert len(launcher.told) == 1


def test_a_data_folder_that_is_away_alarms_nobody_for_five_minutes_and_then_once(launcher: Launcher) -> None:
    away = launcher.data_dir.rename(launcher.data_dir.with_name("away"))
    launcher.go_round()
    launcher.clock.pass_time(timedelta(seconds=FOLDER_PATIENCE - 1))
    launcher.go_round()
    assert launcher.told == []
    assert launcher.notices.sentences() == ["The data folder cannot be found, so nothing is backed up."]
    for _ in range(3):
        launcher.clock.pass_time(timedelta(seconds=2))
        launcher.go_round()
    assert len(launcher.told) == 1
    assert "cannot be found" in launcher.told[0]
    assert len(launcher.notices.sentences()) == 1
    assert not launcher.data_dir.exists()

    away.rename(launcher.data_dir)
    assert [run.outcome for run in launcher.go_round()] == [Outcome.MADE]
    assert launcher.notices.sentences() == []


def test_a_clock_before_the_newest_backup_is_told_and_backups_go_on(launcher: Launcher) -> None:
    launcher.go_round()
    launcher.clock.set_back(timedelta(days=6000))
    launcher.go_round()
    [sentence] = launcher.notices.sentences()
    assert sentence.startswith("This PC says it is ")
    assert sentence.endswith(". Backups go on. Please set the date.")
    launcher.change()
    launcher.clock.pass_time(5 * HOUR)
    assert [run.outcome for run in launcher.go_round()] == [Outcome.MADE]


def test_an_alarm_is_told_once_and_shown_until_somebody_says_that_all_is_well(launcher: Launcher) -> None:
    launcher.go_round()
    launcher.change("DELETE FROM patients WHERE id > 5")
    launcher.clock.pass_time(5 * HOUR)
    launcher.go_round()
    launcher.go_round()
    launcher.go_round()
    assert launcher.notices.sentences() == launcher.told[1:]
    assert len(launcher.told) == 2, "the first backup, and the alarm once"
    launcher.engine.keeper.all_is_well()
    launcher.go_round()
    assert launcher.notices.sentences() == []


def test_a_start_of_launcher_and_emr_within_a_minute_makes_one_backup(launcher: Launcher) -> None:
    launcher.look()
    job = launcher.desk.back_up_at_start(Trigger.STARTUP)
    assert job is not None
    launcher.jobs.wait(job.id, 30)
    launcher.clock.pass_time(timedelta(seconds=50))
    assert launcher.desk.back_up_at_start(Trigger.EMR_START) is None


def test_a_newest_backup_that_is_gone_does_not_count_at_the_start(launcher: Launcher) -> None:
    launcher.go_round()
    launcher.look()
    assert launcher.desk.back_up_at_start(Trigger.STARTUP) is None
    shutil.rmtree(launcher.engine.backup_dir)
    launcher.sight.forget()
    job = launcher.desk.back_up_at_start(Trigger.STARTUP)
    assert job is not None
    launcher.jobs.wait(job.id, 30)


def test_when_the_newest_backup_is_gone_the_age_of_the_next_one_counts_at_the_start(launcher: Launcher) -> None:
    [first] = launcher.go_round()
    launcher.clock.pass_time(9 * HOUR)
    launcher.change()
    [second] = launcher.go_round()
    assert first.archive != second.archive
    launcher.look()
    assert launcher.desk.back_up_at_start(Trigger.STARTUP) is None
    launcher.engine.delete(launcher.engine.find(str(second.archive)))
    launcher.sight.forget()
    job = launcher.desk.back_up_at_start(Trigger.STARTUP)
    assert job is not None
    assert launcher.jobs.wait(job.id, 30).state == "done"


def test_a_backup_that_was_found_still_current_needs_no_other_at_the_start(launcher: Launcher) -> None:
    launcher.go_round()
    launcher.clock.pass_time(5 * HOUR)
    assert [run.outcome for run in launcher.go_round()] == [Outcome.UNCHANGED]
    launcher.look()
    assert launcher.desk.back_up_at_start(Trigger.STARTUP) is None


def test_an_unclean_ending_calls_for_a_backup_however_young_the_last_one_is(launcher: Launcher) -> None:
    launcher.go_round()
    launcher.look()
    launcher.plan.clean_ending = False
    job = launcher.desk.back_up_at_start(Trigger.STARTUP)
    assert job is not None
    launcher.jobs.wait(job.id, 30)
    assert launcher.desk.back_up_at_start(Trigger.EMR_START) is None


def postponed(launcher: Launcher) -> list[Run]:
    return [run for run in launcher.engine.history.runs() if run.action is Action.POSTPONE]


def test_a_pause_puts_off_what_is_due_and_leaves_one_record(launcher: Launcher) -> None:
    launcher.go_round()
    launcher.clock.pass_time(3 * HOUR)
    launcher.desk.pause("hour")
    launcher.clock.pass_time(HOUR / 2)
    assert launcher.go_round() == []
    assert launcher.desk.next_due() == launcher.clock.now() + HOUR / 2
    launcher.desk.pause("tomorrow")
    launcher.clock.pass_time(HOUR)
    for _ in range(3):
        launcher.go_round()
        launcher.clock.pass_time(timedelta(seconds=5))
    [record] = postponed(launcher)
    assert (record.trigger, record.code) == (Trigger.INTERVAL, "paused")
    assert "paused" in record.reason
    assert launcher.desk.hold() is Hold.PAUSED
    launcher.desk.resume()
    launcher.change()
    assert [run.outcome for run in launcher.go_round()] == [Outcome.MADE]
    assert launcher.desk.hold() is None


def test_a_pause_goes_on_in_the_next_launcher_and_ends_by_itself(launcher: Launcher) -> None:
    launcher.go_round()
    launcher.desk.pause("hour")
    again = Launcher(launcher.data_dir)
    again.clock.utc = launcher.clock.utc + HOUR / 2
    again.desk.take_up_pause()
    assert again.desk.paused_until() == launcher.clock.utc + HOUR
    again.clock.pass_time(HOUR)
    assert again.desk.paused_until() is None
    again.desk.resume()
    again.desk.take_up_pause()
    assert again.desk.paused_until() is None


def test_a_pause_holds_up_neither_the_end_of_the_emr_nor_a_click(launcher: Launcher) -> None:
    launcher.go_round()
    launcher.desk.pause("tomorrow")
    launcher.change()
    launcher.rounds.emr_ended()
    assert [run.trigger for run in launcher.go_round()] == [Trigger.EMR_EXIT]
    job = launcher.desk.back_up_now()
    assert launcher.jobs.wait(job.id, 30).state == "done"


def test_a_start_during_a_pause_is_backed_up_as_soon_as_that_is_over(launcher: Launcher) -> None:
    launcher.desk.pause("hour")
    launcher.look()
    assert launcher.desk.back_up_at_start(Trigger.STARTUP) is None
    assert launcher.go_round()[0].action is Action.POSTPONE
    assert postponed(launcher)[0].trigger is Trigger.STARTUP
    launcher.clock.pass_time(HOUR)
    assert [run.trigger for run in launcher.go_round()] == [Trigger.STARTUP]
    assert launcher.go_round() == []


def test_a_spoilt_note_of_a_pause_pauses_nothing(launcher: Launcher) -> None:
    launcher.desk.pause("hour")
    (launcher.data_dir / ".docassist-backup" / "pause.json").write_text("{")
    launcher.desk.take_up_pause()
    assert launcher.desk.paused_until() is None


def test_a_low_battery_puts_off_what_is_due_until_the_charger_is_in(launcher: Launcher) -> None:
    launcher.go_round()
    launcher.battery_is_low = True
    launcher.clock.pass_time(4 * HOUR)
    for _ in range(3):
        launcher.go_round()
        launcher.clock.pass_time(timedelta(minutes=5))
    [record] = postponed(launcher)
    assert "battery" in record.reason
    assert launcher.desk.hold() is Hold.BATTERY
    launcher.battery_is_low = False
    launcher.change()
    assert [run.trigger for run in launcher.go_round()] == [Trigger.INTERVAL]


def test_a_battery_that_stays_low_puts_off_no_longer_than_two_hours(launcher: Launcher) -> None:
    launcher.go_round()
    launcher.battery_is_low = True
    launcher.clock.pass_time(4 * HOUR)
    launcher.go_round()
    assert launcher.desk.next_due() == launcher.clock.now() + 2 * HOUR
    launcher.clock.pass_time(2 * HOUR)
    launcher.change()
    assert [run.outcome for run in launcher.go_round()] == [Outcome.MADE]


def test_a_low_battery_does_not_hold_up_the_end_of_the_emr(launcher: Launcher) -> None:
    launcher.go_round()
    launcher.battery_is_low = True
    launcher.change()
    launcher.rounds.emr_ended()
    assert [run.trigger for run in launcher.go_round()] == [Trigger.EMR_EXIT]


def test_a_clock_of_before_this_program_is_told_by_its_date(launcher: Launcher) -> None:
    launcher.clock.utc = datetime(2009, 1, 1, 12, 0, tzinfo=UTC)
    launcher.go_round()
    assert launcher.notices.sentences() == ["This PC says it is 1 Jan 2009. Backups go on. Please set the date."]


def test_rules_of_the_backup_folder_that_were_spoilt_are_told_on_every_page(launcher: Launcher) -> None:
    launcher.go_round()
    folder = launcher.engine.backup_dir / ".docassist-backup"
    for name in ("rules.json", "rules.json.copy"):
        (folder / name).write_bytes(b"\xff")
    later = Launcher(launcher.data_dir)
    later.rounds.teach()
    assert any("are kept for ever now" in sentence for sentence in later.notices.sentences())
    assert later.engine.policy == later.preferences.policy
    assert later.engine.keeper.pins.keys() == {one.name for one in later.engine.archives()}


def test_while_nothing_happens_the_launcher_rests_until_something_may_be_due(launcher: Launcher) -> None:
    launcher.go_round()
    launcher.look()
    assert launcher.rounds.rest() == 30
    launcher.clock.pass_time(4 * HOUR - timedelta(seconds=12))
    assert launcher.rounds.rest() == pytest.approx(12)
    launcher.clock.pass_time(timedelta(seconds=12))
    assert launcher.rounds.rest() == TICK
    launcher.emr.configure("emr", "")
    launcher.go_round()
    launcher.look()
    launcher.clock.pass_time(timedelta(seconds=60))
    launcher.go_round()
    launcher.clock.pass_time(timedelta(seconds=5))
    assert launcher.rounds.rest() == pytest.approx(10.1), "then an EMR is looked for that was opened without us"
    launcher.rounds.emr_ended()
    assert launcher.rounds.rest() is None


def test_while_something_runs_the_launcher_looks_often(launcher: Launcher) -> None:
    launcher.go_round()
    may_end = threading.Event()

    def work(on_progress: OnProgress) -> None:
        assert may_end.wait(30)

    job = launcher.jobs.start("restore", work)
    assert launcher.rounds.rest() is None
    may_end.set()
    launcher.finish(job)
    launcher.look()
    assert launcher.rounds.rest() == 30
