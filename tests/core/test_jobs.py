import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from backup_core.errors import ArchiveUnusable, Busy
from backup_core.jobs import REMEMBERED, Job, JobRunner
from backup_core.progress import OnProgress, Progress, Stage
from tests.fakeclock import START, FakeClock

PATIENCE = 10.0


@pytest.fixture
def jobs(clock: FakeClock) -> Iterator[JobRunner]:
    runner = JobRunner(clock=clock)
    yield runner
    assert runner.close(PATIENCE)


class Held:
    """Work that goes on until it is let go."""

    def __init__(self) -> None:
        self._go = threading.Event()

    def __call__(self, on_progress: OnProgress) -> str:
        on_progress(Progress(Stage.SNAPSHOT, 1, 2))
        assert self._go.wait(PATIENCE)
        return "done"

    def let_go(self) -> None:
        self._go.set()


def test_a_job_is_followed_from_its_start_to_its_result(jobs: JobRunner, clock: FakeClock) -> None:
    work = Held()
    job = jobs.start("create", work, trigger="interval")
    assert (job.kind, job.trigger, job.state, job.started_at) == ("create", "interval", "running", START)
    running = jobs.current()
    assert running is not None
    assert running.id == job.id
    clock.pass_time(timedelta(seconds=3))
    work.let_go()
    finished = jobs.wait(job.id, PATIENCE)
    assert (finished.state, finished.result, finished.error) == ("done", "done", None)
    assert (finished.stage, finished.done, finished.total) == (Stage.SNAPSHOT, 1, 2)
    assert finished.finished_at == START + timedelta(seconds=3)
    assert jobs.current() is None
    assert jobs.last() == jobs.get(job.id) == finished


def test_a_second_job_is_refused_and_told_what_runs(jobs: JobRunner) -> None:
    work = Held()
    job = jobs.start("restore", work)
    with pytest.raises(Busy, match="busy with a restore") as refusal:
        jobs.start("create", Held())
    assert refusal.value.facts == {"running": "restore", "job": job.id}
    work.let_go()
    jobs.wait(job.id, PATIENCE)


def test_a_backup_error_is_the_error_of_the_job_and_the_next_job_runs(jobs: JobRunner) -> None:
    def fail(_: OnProgress) -> object:
        raise ArchiveUnusable("This backup is damaged.")

    failed = jobs.wait(jobs.start("restore", fail).id, PATIENCE)
    assert failed.state == "failed"
    assert isinstance(failed.error, ArchiveUnusable)
    assert jobs.wait(jobs.start("create", lambda _: 42).id, PATIENCE).result == 42


def test_a_fault_of_the_program_fails_the_job_and_still_surfaces(
    jobs: JobRunner, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    surfaced: list[type[BaseException]] = []
    arrived = threading.Event()

    def hook(args: threading.ExceptHookArgs) -> None:
        surfaced.append(args.exc_type)
        arrived.set()

    def blunder(_: OnProgress) -> object:
        raise TypeError("a bug")

    monkeypatch.setattr(threading, "excepthook", hook)
    job = jobs.wait(jobs.start("create", blunder).id, PATIENCE)
    assert job.state == "failed"
    assert job.error is not None
    assert job.error.code == "internal"
    assert arrived.wait(PATIENCE)
    assert surfaced == [TypeError]
    assert "a bug" in caplog.text


def test_listeners_hear_of_start_stages_and_end_but_not_of_every_byte(jobs: JobRunner, clock: FakeClock) -> None:
    heard: list[tuple[str, Stage | None, int]] = []

    def work(on_progress: OnProgress) -> None:
        for done in range(100):
            on_progress(Progress(Stage.PACK, done, 100))
        clock.pass_time(timedelta(seconds=1))
        on_progress(Progress(Stage.PACK, 100, 100))
        on_progress(Progress(Stage.VERIFY))

    jobs.add_listener(lambda job: heard.append((job.state, job.stage, job.done)))
    jobs.wait(jobs.start("create", work).id, PATIENCE)
    assert jobs.close(PATIENCE)
    assert heard[:4] == [
        ("running", None, 0),
        ("running", Stage.PACK, 0),
        ("running", Stage.PACK, 100),
        ("running", Stage.VERIFY, 0),
    ]


def test_the_end_of_a_job_reaches_the_listeners(jobs: JobRunner) -> None:
    ended: list[Job] = []
    told = threading.Event()

    def listen(job: Job) -> None:
        if job.state == "done":
            ended.append(job)
            told.set()

    jobs.add_listener(listen)
    job = jobs.start("create", lambda _: None)
    assert told.wait(PATIENCE)
    assert ended == [jobs.get(job.id)]


def test_waiting_gives_up_after_its_time_and_knows_no_strangers(jobs: JobRunner) -> None:
    work = Held()
    job = jobs.start("create", work)
    assert jobs.wait(job.id, 0.01).state == "running"
    assert not jobs.close(0.01)
    work.let_go()
    with pytest.raises(KeyError):
        jobs.wait("no such job")


def test_after_closing_nothing_begins(jobs: JobRunner) -> None:
    assert jobs.close(PATIENCE)
    with pytest.raises(Busy, match="being closed"):
        jobs.start("create", lambda _: None)


def test_old_jobs_are_forgotten(jobs: JobRunner) -> None:
    first = jobs.start("create", lambda _: None)
    jobs.wait(first.id, PATIENCE)
    for _ in range(REMEMBERED):
        jobs.wait(jobs.start("create", lambda _: None).id, PATIENCE)
    assert jobs.get(first.id) is None
    assert jobs.get("no such job") is None
