"""Who works behind everything else, and for how long."""

import os
import sys
import threading
from collections.abc import Callable

import pytest

from backup_core import BackupEngine
from backup_core.jobs import JobRunner
from backup_core.livedb import LiveDatabase
from backup_core.mirror import Mirror
from backup_core.pipeline import ahead, beside, side_by_side
from backup_core.progress import OnProgress, Progress, Stage
from backup_core.runs import Trigger

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the priority of a thread")


def priority(_any: object = None) -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def priorities(on_progress: OnProgress) -> set[int]:
    """Return the priorities of this thread and of those that work for it."""
    with beside(priority) as one:
        seen = {priority(), one.result()}
    with side_by_side(priority, range(20)) as some:
        seen |= set(some)
    with ahead(map(priority, range(20))) as some:
        seen |= set(some)
    return seen


@pytest.mark.parametrize(
    ("trigger", "is_behind"),
    [(Trigger.INTERVAL, True), (Trigger.STARTUP, False), (Trigger.MANUAL, False), (Trigger.EMR_EXIT, False)],
)
def test_a_backup_that_nobody_waits_for_is_behind_with_all_of_its_threads_and_nothing_else_is(
    trigger: Trigger, *, is_behind: bool
) -> None:
    usual = priority()
    jobs = JobRunner()

    done = jobs.wait(jobs.start("create", priorities, trigger=trigger.value).id, 30)

    assert done.result == ({15} if is_behind else {usual})
    assert priority() == usual
    after = jobs.wait(jobs.start("create", priorities, trigger=Trigger.MANUAL.value).id, 30)
    assert after.result == {usual}


@pytest.mark.parametrize("trigger", [Trigger.STARTUP, Trigger.EMR_START])
def test_what_the_start_of_docassist_waits_for_is_not_behind_and_what_follows_is(trigger: Trigger) -> None:
    usual = priority()

    def work(on_progress: OnProgress) -> dict[Stage, set[int]]:
        seen = {}
        for stage in (Stage.CHECK, Stage.SNAPSHOT, Stage.PACK, Stage.VERIFY):
            on_progress(Progress(stage))
            seen[stage] = priorities(on_progress)
        return seen

    jobs = JobRunner()
    done = jobs.wait(jobs.start("create", work, trigger=trigger.value).id, 30)
    assert done.result == {
        Stage.CHECK: {usual},
        Stage.SNAPSHOT: {usual},
        Stage.PACK: {15},
        Stage.VERIFY: {15},
    }
    assert priority() == usual


def test_while_the_writers_of_docassist_wait_nothing_is_behind(
    engine: BackupEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, int] = {}

    def note(name: str, method: Callable[..., object]) -> Callable[..., object]:
        def noting(*given: object, **named: object) -> object:
            seen[name] = priority()
            return method(*given, **named)

        return noting

    for name in ("copy_beforehand", "freeze", "thaw"):
        monkeypatch.setattr(LiveDatabase, name, note(name, getattr(LiveDatabase, name)))
    monkeypatch.setattr(Mirror, "copy_all", note("copy_all", Mirror.copy_all))
    jobs = JobRunner()

    done = jobs.wait(jobs.start("create", lambda report: engine.create().name, trigger=Trigger.INTERVAL.value).id, 60)

    assert done.state == "done"
    assert seen == {"copy_all": 15, "copy_beforehand": priority(), "freeze": priority(), "thaw": priority()}
