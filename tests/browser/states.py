"""The states of the page that come seldom, each made by what really leads to it, for tests and for pictures."""

import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from backup_core.engine import BackupEngine
from backup_core.errors import BackupError
from backup_core.history import Action, Outcome, Run, Trigger
from backup_core.progress import OnProgress, Progress, Stage
from tests.fakeclock import FakeClock
from tests.web.conftest import Clinic
from tests.web.test_home_states import damage

from .site import Site

#: Seconds for which a job of a test goes on at most.
PATIENCE = 60


def looks_wrong(site: Site) -> str:
    """Most patients have gone since the last backup."""
    site.clinic.admit(100)
    site.engine.create()
    site.clinic.lose_all()
    site.engine.create()
    return "/"


def damaged(site: Site) -> str:
    """The clinic's database is damaged, and a backup to go back to is there."""
    site.engine.prove(site.engine.find(site.engine.create().name))
    damage(site.clinic)
    _fails(site)
    return "/"


def damaged_restore(site: Site) -> str:
    """The question of a restore while today's data is damaged."""
    damaged(site)
    return f"/backups/{site.engine.archives()[0].name}/restore"


def armed(site: Site) -> str:
    """A restore waits for the restart, because DocAssist itself has asked for it."""
    name = site.engine.create().name
    damage(site.clinic)
    assert site.engine.restore(site.engine.find(name), inside_emr=True).armed
    return "/"


def recovered(site: Site) -> str:
    """An interrupted restore was settled at the start."""
    site.engine.create()
    site.engine.history.append(
        Run(
            action=Action.RECOVER,
            trigger=Trigger.STARTUP,
            outcome=Outcome.DONE,
            started_at=datetime.now(UTC),
            reason="The restore was finished.",
        )
    )
    return "/"


def clock_wrong(site: Site) -> str:
    """The newest backup was made on a day that is yet to come."""
    BackupEngine(site.engine.data_dir, clock=FakeClock(datetime(2091, 1, 2, tzinfo=UTC))).create()
    return "/"


def failed(site: Site) -> str:
    """The last backup did not work: the database is not there."""
    site.engine.create()
    (site.clinic.data_dir / "clinic.db").rename(site.clinic.data_dir / "clinic.old")
    _fails(site)
    return "/"


def morning(site: Site) -> str:
    """The only backup is of long ago, no copy was saved elsewhere, and the PC was switched on a moment ago."""
    BackupEngine(site.engine.data_dir, clock=FakeClock(datetime.now(UTC) - timedelta(days=20))).create()
    return "/"


def all_kinds(site: Site) -> str:
    """A list of every kind of file: other clinic's, damaged, locked, DocAssist's own, being written, kept for ever."""
    site.engine.keeper.keep_for_ever(site.engine.find(site.engine.create().name), keep=True)
    folder = site.engine.backup_dir
    _of_another_clinic(site).replace(folder / "backup_2026-01-02_10-00-00.zip")
    (folder / "backup_2026-01-02_11-00-00.encrypted.zip").write_bytes(b"x" * 5000)
    (folder / "backup_2026-01-02_12-00-00.zip").write_bytes(b"not yet a ZIP")
    with zipfile.ZipFile(folder / "backup_2026-01-02_13-00-00.zip", "w") as own:
        own.writestr("backup_manifest.json", '{"created_at": "2026-01-02T13:00:00", "version": "1.0"}')
        own.write(site.clinic.data_dir / "clinic.db", "clinic.db")
    (folder / "temp_of_docassist").mkdir()
    return "/"


def other_clinic(site: Site) -> str:
    """A restore was refused until somebody says that another clinic's records are meant."""
    site.engine.create()
    made = _of_another_clinic(site)
    archive = site.engine.find(made.replace(site.engine.backup_dir / "backup_2026-01-02_10-00-00.zip").name)
    job = site.jobs.start("restore", lambda on_progress: site.engine.restore(archive, on_progress=on_progress))
    site.jobs.wait(job.id, PATIENCE)
    return f"/backups/{archive.name}/restore/{job.id}"


def armed_result(site: Site) -> str:
    """What is said when a restore was begun that waits for the restart."""
    archive = site.engine.find(site.engine.create().name)
    damage(site.clinic)
    job = site.jobs.start("restore", lambda on_progress: site.engine.restore(archive, inside_emr=True))
    site.jobs.wait(job.id, PATIENCE)
    return f"/backups/{archive.name}/restore/{job.id}"


#: Each state, and words that only its page has.
STATES: dict[Callable[[Site], str], str] = {
    looks_wrong: "Something looks wrong",
    damaged: "DocAssist's data is damaged",
    damaged_restore: "Today's data cannot be read as it should",
    armed: "A backup is checked and waiting to be put back.",
    recovered: "A restore was interrupted, and was settled",
    clock_wrong: "The clock of this PC looks wrong",
    failed: "The last backup did not work",
    morning: "Today's backup comes in a moment",
    all_kinds: "Another clinic's",
    other_clinic: "Is this your clinic's backup?",
    armed_result: "Ready to be put back",
}


@contextmanager
def at_work(site: Site, kind: str) -> Iterator[str]:
    """Run a job that gets nowhere until it is cancelled or left, and give the page that shows it."""
    name, may_end = site.engine.create().name, threading.Event()

    def work(on_progress: OnProgress) -> None:
        while not may_end.wait(0.05):
            on_progress(Progress(Stage.SNAPSHOT, 3, 10))

    job = site.jobs.start(kind, work)
    try:
        yield "/" if kind == "create" else f"/backups/{name}/restore/{job.id}"
    finally:
        may_end.set()
        site.jobs.wait(job.id, PATIENCE)


def _of_another_clinic(site: Site) -> Path:
    other = Clinic(site.clinic.data_dir.parent / "other", prefix="Q")
    other.admit(7)
    return BackupEngine(other.data_dir).create().path


def _fails(site: Site) -> None:
    try:
        site.engine.create()
    except BackupError:
        return
    raise AssertionError("this backup should not have worked")
