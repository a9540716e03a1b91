"""What the icon says and offers in every state of the launcher."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import product

import pytest

from backup_core.due import Hold
from tray.look import SEPARATOR, Choice, IconState, Item
from tray.menu import TrayState, icon_state_for, look_for, menu_for, tooltip_for, verdict_for

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
#: India's time, where it is half past one in the afternoon.
INDIA = timezone(timedelta(hours=5, minutes=30))
CALM = TrayState(
    now=NOW,
    zone=INDIA,
    last_backup=NOW - timedelta(minutes=12),
    patients=1284,
    next_due=NOW + timedelta(hours=1),
    emr="running",
    can_pause=True,
)


def item(state: TrayState, choice: Choice) -> Item | None:
    """Return the item of a choice; where two lead to the same, the last one."""
    return next((line for line in reversed(menu_for(state)) if line.id == choice), None)


def is_offered(state: TrayState, choice: Choice) -> bool:
    found = item(state, choice)
    return found is not None and found.enabled


def test_the_tooltip_says_when_how_many_and_when_next() -> None:
    assert tooltip_for(CALM) == "DocAssist Backup: 12 minutes ago, 1,284 patients, next at 2:30 pm"


@pytest.mark.parametrize(
    ("due", "words"),
    [
        (timedelta(hours=1), "next at 2:30 pm"),
        (timedelta(hours=11), "next tomorrow at 12:30 am"),
        (timedelta(days=3), "next 5 Mar at 1:30 pm"),
    ],
)
def test_the_next_time_says_the_day_where_it_is_not_today(due: timedelta, words: str) -> None:
    assert tooltip_for(replace(CALM, next_due=NOW + due)).endswith(words)


def test_a_long_verdict_does_not_make_the_menu_as_wide_as_the_screen() -> None:
    reason = "The backup folder cannot be reached. Plug the drive in, or choose another folder in the preferences."
    first, *_rest = menu_for(replace(CALM, problem=reason))
    assert first.text.startswith("Backup failed: The backup folder cannot be reached. Plug the drive in")
    assert first.text.endswith("…")
    assert len(first.text) <= 80
    assert reason in tooltip_for(replace(CALM, problem=reason))


def test_the_sample_clinic_is_named() -> None:
    assert tooltip_for(replace(CALM, sample=True)).startswith("DocAssist Backup (sample clinic): 12 minutes ago")


def test_one_patient_is_not_many() -> None:
    assert "1 patient," in tooltip_for(replace(CALM, patients=1))


@pytest.mark.parametrize(
    ("change", "icon", "verdict"),
    [
        ({}, IconState.PROTECTED, "Backed up 12 minutes ago"),
        ({"last_backup": None}, IconState.ATTENTION, "No backup yet"),
        ({"last_backup": NOW - timedelta(days=2)}, IconState.ATTENTION, "The last backup was 2 days ago"),
        ({"attention": "This PC's clock is wrong."}, IconState.ATTENTION, "This PC's clock is wrong."),
        ({"problem": "The disk is full."}, IconState.FAILED, "Backup failed: The disk is full."),
        ({"job": "create"}, IconState.BACKING_UP, "Backing up…"),
        ({"job": "create", "progress": 0.43}, IconState.BACKING_UP, "Backing up… 40%"),
        ({"job": "restore", "progress": 1.7}, IconState.BACKING_UP, "Restoring… 100%"),
        ({"job": "mend"}, IconState.BACKING_UP, "Working…"),
        ({"job": "create", "ending": True}, IconState.BACKING_UP, "Making the last backup before quitting…"),
        (
            {"paused_until": NOW + timedelta(minutes=45)},
            IconState.PAUSED,
            "Automatic backups are paused until 2:15 pm",
        ),
        ({"emr": "not-running"}, IconState.NOT_RUNNING, "DocAssist is not running. Backed up 12 minutes ago"),
        ({"last_backup": NOW + timedelta(minutes=1)}, IconState.PROTECTED, "Backed up just now"),
        ({"last_backup": NOW + timedelta(hours=1)}, IconState.PROTECTED, "Backed up at a time yet to come"),
    ],
)
def test_icon_and_verdict_say_the_same(change: dict[str, object], icon: IconState, verdict: str) -> None:
    state = replace(CALM, **change)  # type: ignore[arg-type]
    assert icon_state_for(state) == icon
    assert verdict_for(state) == verdict
    assert menu_for(state)[0].text == verdict


def test_a_failure_is_not_hidden_by_anything_but_the_next_attempt() -> None:
    worst = replace(CALM, problem="The disk is full.", attention="Look.", paused_until=NOW, emr="not-running")
    assert icon_state_for(worst) == IconState.FAILED
    assert icon_state_for(replace(worst, job="create")) == IconState.BACKING_UP


def test_where_something_is_wrong_the_tooltip_says_what() -> None:
    assert tooltip_for(replace(CALM, problem="The disk is full.")) == (
        "DocAssist Backup: Backup failed: The disk is full."
    )


def test_the_tooltip_says_that_docassist_is_not_running() -> None:
    assert tooltip_for(replace(CALM, emr="not-running")).endswith("next at 2:30 pm, DocAssist is not running")


def test_the_menu_of_a_calm_day() -> None:
    assert [line.text or "-" for line in menu_for(CALM)] == [
        "Backed up 12 minutes ago",
        "-",
        "Backup Now",
        "Open admin page",
        "Restore…",
        "Save a copy…",
        "Pause automatic backups for 1 hour",
        "Pause automatic backups until tomorrow",
        "Open backups folder",
        "-",
        "Quit (DocAssist stays open but is not backed up until the next start)",
    ]


def test_opening_the_page_is_what_a_click_on_the_icon_does() -> None:
    assert [line.id for line in menu_for(CALM) if line.default] == [Choice.OPEN_PAGE]


def test_while_a_job_runs_no_other_can_be_started() -> None:
    busy = replace(CALM, job="create", can_undo=True, can_close_emr=True)
    for choice in (Choice.BACK_UP, Choice.UNDO, Choice.CLOSE_EMR):
        assert item(busy, choice) is not None
        assert not is_offered(busy, choice)
        assert is_offered(replace(busy, job=""), choice)


def test_without_a_backup_there_is_nothing_to_restore_or_to_copy() -> None:
    for choice in (Choice.RESTORE, Choice.COPY):
        assert is_offered(CALM, choice)
        assert not is_offered(replace(CALM, last_backup=None), choice)


def test_a_pause_can_be_begun_or_ended_and_not_both() -> None:
    paused = replace(CALM, paused_until=NOW + timedelta(hours=1))
    for choice in (Choice.PAUSE_HOUR, Choice.PAUSE_DAY):
        assert is_offered(CALM, choice)
        assert item(paused, choice) is None
        assert item(replace(CALM, can_pause=False), choice) is None
    assert is_offered(paused, Choice.RESUME)
    assert item(CALM, Choice.RESUME) is None


def test_while_another_launcher_looks_after_the_data_nothing_is_changed_here() -> None:
    beside = replace(CALM, looks_on=True, can_pause=False, can_undo=True, can_close_emr=True)
    for choice in (Choice.BACK_UP, Choice.RESTORE, Choice.UNDO):
        assert not is_offered(beside, choice)
    for choice in (Choice.COPY, Choice.CLOSE_EMR, Choice.OPEN_FOLDER, Choice.QUIT):
        assert is_offered(beside, choice)


def test_a_backup_that_waits_for_the_charger_says_so() -> None:
    waiting = replace(CALM, hold=Hold.BATTERY)
    assert tooltip_for(waiting).endswith(", next when the charger is in, at 2:30 pm at the latest")


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (timedelta(hours=1), "paused until 2:30 pm"),
        (timedelta(hours=10, minutes=30), "paused until tomorrow at 12:00 am"),
        (timedelta(days=3), "paused until 5 Mar at 1:30 pm"),
    ],
)
def test_the_end_of_a_pause_says_the_day_where_it_is_not_today(ahead: timedelta, words: str) -> None:
    paused = replace(CALM, paused_until=NOW + ahead)
    assert tooltip_for(paused).endswith(words)


def test_going_back_is_offered_only_where_it_is_possible() -> None:
    assert item(CALM, Choice.UNDO) is None
    assert is_offered(replace(CALM, can_undo=True), Choice.UNDO)


@pytest.mark.parametrize(
    ("emr", "offered"),
    [("running", Choice.CLOSE_EMR), ("not-running", Choice.START_EMR), ("unknown", Choice.START_EMR)],
)
def test_docassist_can_be_started_or_closed_by_its_state(emr: str, offered: Choice) -> None:
    state = replace(CALM, emr=emr, can_start_emr=True, can_close_emr=True)
    found = {line.id for line in menu_for(state)} & {Choice.START_EMR, Choice.CLOSE_EMR}
    assert found == {offered}


def test_docassist_is_left_alone_where_the_launcher_does_not_know_it() -> None:
    for emr in ("running", "not-running", "unknown"):
        assert not {line.id for line in menu_for(replace(CALM, emr=emr))} & {Choice.START_EMR, Choice.CLOSE_EMR}


def test_start_at_login_is_ticked_only_where_it_is_on_and_absent_where_it_is_not_offered() -> None:
    assert item(CALM, Choice.AT_LOGIN) is None
    for on in (True, False):
        found = item(replace(CALM, starts_at_login=on), Choice.AT_LOGIN)
        assert found is not None
        assert found.checked is on


def test_quit_says_that_docassist_stays_only_where_it_does() -> None:
    assert menu_for(CALM)[-1].text == "Quit (DocAssist stays open but is not backed up until the next start)"
    for state in (replace(CALM, emr="not-running"), replace(CALM, sample=True)):
        assert menu_for(state)[-1].text == "Quit"


def test_quit_cannot_be_chosen_twice() -> None:
    assert is_offered(CALM, Choice.QUIT)
    assert not is_offered(replace(CALM, ending=True), Choice.QUIT)


def test_every_menu_starts_with_the_verdict_and_has_no_separator_at_an_end_or_twice() -> None:
    for job, undo, emr, login in product(("", "create"), (True, False), ("running", "not-running"), (None, True)):
        state = replace(CALM, job=job, can_undo=undo, emr=emr, can_start_emr=True, starts_at_login=login)
        menu = menu_for(state)
        lines = [line == SEPARATOR for line in menu]
        assert not lines[0]
        assert not lines[-1]
        assert (True, True) not in zip(lines, lines[1:], strict=False)


def test_progress_changes_the_look_in_steps() -> None:
    looks = {look_for(replace(CALM, job="create", progress=step / 1000)) for step in range(1001)}
    assert len(looks) == 21


def test_a_look_has_the_parts_of_its_state() -> None:
    look = look_for(CALM)
    assert (look.state, look.title, look.menu) == (IconState.PROTECTED, tooltip_for(CALM), tuple(menu_for(CALM)))
    assert look.progress is None
