"""Cancel: an operation that the user stops leaves everything as it was, and says so in the history."""

from collections.abc import Callable, Iterator

import psutil
import pytest

from backup_core import BackupEngine
from backup_core.errors import EmrRunning
from backup_core.files import PRIVATE
from backup_core.jobs import Job, JobRunner
from backup_core.progress import OnProgress, Progress, Stage
from backup_core.runs import Action, Outcome
from tests.clinic import Clinic

PATIENCE = 60.0


@pytest.fixture
def jobs() -> Iterator[JobRunner]:
    runner = JobRunner()
    yield runner
    assert runner.close(PATIENCE)


def cancelled_at(jobs: JobRunner, stage: Stage, work: Callable[[OnProgress], object], kind: str) -> tuple[Job, bool]:
    """Run `work` and ask to cancel it at the first report of `stage`; return the ended job and the answer."""
    answers: list[bool] = []

    def watched(on_progress: OnProgress) -> object:
        def report(progress: Progress) -> None:
            on_progress(progress)
            if progress.stage is stage and not answers:
                current = jobs.current()
                assert current is not None
                answers.append(jobs.cancel(current.id))

        return work(report)

    return jobs.wait(jobs.start(kind, watched).id, PATIENCE), answers[0]


def leftovers(engine: BackupEngine) -> list[str]:
    """Return what lies in the staging and private folders that a finished operation leaves empty."""
    staging, parts = engine.data_dir / PRIVATE / "staging", engine.backup_dir / PRIVATE
    return [path.name for path in [*staging.glob("*"), *parts.glob("*.part"), *engine.data_dir.glob("*/restore*")]]


@pytest.mark.parametrize("stage", [Stage.SNAPSHOT, Stage.PACK, Stage.VERIFY])
def test_a_backup_can_be_cancelled_until_it_is_published(
    engine: BackupEngine, jobs: JobRunner, clinic: Clinic, stage: Stage
) -> None:
    before = clinic.rows()
    job, answer = cancelled_at(jobs, stage, lambda on_progress: engine.create(on_progress=on_progress), "create")
    run = engine.history.runs()[0]

    assert answer
    assert (job.state, job.error, job.result) == ("cancelled", None, None)
    assert engine.archives() == []
    assert leftovers(engine) == []
    assert (run.action, run.outcome, run.code) == (Action.BACKUP, Outcome.CANCELLED, "cancelled")
    assert clinic.rows() == before
    assert engine.create().is_good


def test_a_trial_of_a_backup_can_be_cancelled_while_its_index_is_open(
    engine: BackupEngine, jobs: JobRunner, clinic: Clinic
) -> None:
    archive = engine.create()
    asked: list[bool] = []
    probes: list[int] = []

    def work(on_progress: OnProgress) -> object:
        def report(progress: Progress) -> None:
            on_progress(progress)
            children = [one for one in psutil.Process().children() if "backup_core.chromaprobe" in one.cmdline()]
            if progress.stage is Stage.PROVE and children and not asked:
                current = jobs.current()
                assert current is not None
                probes.append(children[0].pid)
                asked.append(jobs.cancel(current.id))

        return engine.prove(archive, on_progress=report)

    job = jobs.wait(jobs.start("prove", work).id, PATIENCE)
    run = engine.history.runs()[0]

    assert asked == [True]
    assert job.state == "cancelled"
    assert not psutil.pid_exists(probes[0])
    assert (run.action, run.outcome) == (Action.PROVE, Outcome.CANCELLED)
    assert leftovers(engine) == []
    assert engine.find(archive.name).proof is None
    assert engine.prove(archive).ok


def test_a_restore_can_be_cancelled_before_today_is_replaced(
    engine: BackupEngine, jobs: JobRunner, clinic: Clinic
) -> None:
    archive = engine.create()
    clinic.admit("Newcomer")
    before = clinic.rows()

    def work(on_progress: OnProgress) -> object:
        return engine.restore(archive, on_progress=on_progress)

    job, answer = cancelled_at(jobs, Stage.EXTRACT, work, "restore")

    assert answer
    assert job.state == "cancelled"
    assert clinic.rows() == before
    assert [one.name for one in engine.archives()] == [archive.name]
    assert leftovers(engine) == []
    assert engine.undoable() is None
    assert engine.history.runs()[0].outcome is Outcome.CANCELLED


def test_a_restore_that_replaces_the_data_goes_on_to_its_end(
    engine: BackupEngine, jobs: JobRunner, clinic: Clinic
) -> None:
    archive = engine.create()
    clinic.admit("Newcomer")

    def work(on_progress: OnProgress) -> object:
        return engine.restore(archive, on_progress=on_progress)

    job, answer = cancelled_at(jobs, Stage.SWAP, work, "restore")

    assert not answer
    assert job.state == "done"
    assert "Newcomer" not in clinic.names()


def test_what_is_asked_too_late_changes_nothing_of_the_end(jobs: JobRunner) -> None:
    job = jobs.wait(jobs.start("create", lambda on_progress: 42).id, PATIENCE)

    assert not jobs.cancel(job.id)
    assert not jobs.cancel("no such job")
    assert jobs.get(job.id) == job


def test_the_last_report_before_publishing_may_come_too_late(jobs: JobRunner) -> None:
    def work(on_progress: OnProgress) -> str:
        on_progress(Progress(Stage.VERIFY, 1, 1))
        current = jobs.current()
        assert current is not None
        assert jobs.cancel(current.id)
        on_progress(Progress(Stage.PRUNE))
        return "published"

    assert jobs.wait(jobs.start("create", work).id, PATIENCE).result == "published"


def test_a_failure_while_stopping_is_still_told(jobs: JobRunner) -> None:
    def work(on_progress: OnProgress) -> object:
        on_progress(Progress(Stage.CHECK))
        current = jobs.current()
        assert current is not None
        assert jobs.cancel(current.id)
        raise EmrRunning("DocAssist is open.")

    job = jobs.wait(jobs.start("restore", work).id, PATIENCE)

    assert job.state == "failed"
    assert isinstance(job.error, EmrRunning)
