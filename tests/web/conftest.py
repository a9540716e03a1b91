"""A small clinic, the real engine over it, and a visitor that talks to the page as a browser does."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backup_core.engine import BackupEngine
from backup_core.history import Trigger
from backup_core.jobs import Job, JobRunner
from backup_core.settings import Settings
from webadmin import Access, PlainDesk, create_app

PORT = 8765
ORIGIN = f"http://127.0.0.1:{PORT}"
#: Seconds that a job of these small clinics may take on a slow machine.
PATIENCE = 60

_SCHEMA = """
CREATE TABLE patients (
    id INTEGER PRIMARY KEY AUTOINCREMENT, uhid TEXT UNIQUE, name TEXT NOT NULL, age INTEGER, gender TEXT,
    phone TEXT, address TEXT, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE schema_versions (version INTEGER, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE visits (
    id INTEGER PRIMARY KEY AUTOINCREMENT, patient_id INTEGER NOT NULL REFERENCES patients(id), visit_date DATE,
    chief_complaint TEXT, clinical_notes TEXT, diagnosis TEXT, prescription_json TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
"""


class Clinic:
    """A data folder with a `clinic.db` of the EMR's schema."""

    def __init__(self, data_dir: Path, prefix: str = "P") -> None:
        self.data_dir = data_dir
        self._prefix = prefix
        data_dir.mkdir()
        with self._database() as database:
            database.executescript(_SCHEMA)

    def admit(self, patients: int) -> None:
        """Add so many patients with one visit each."""
        with self._database() as database:
            for _ in range(patients):
                number = self.count("patients") + 1
                name = f"{self._prefix} {number}"
                row = database.execute("INSERT INTO patients (uhid, name) VALUES (?, ?)", (name, name)).lastrowid
                database.execute("INSERT INTO visits (patient_id) VALUES (?)", (row,))
                database.commit()

    def rename(self, patient: int, name: str) -> None:
        """Change a patient's name."""
        with self._database() as database:
            database.execute("UPDATE patients SET name = ? WHERE id = ?", (name, patient))
            database.commit()

    def write_note(self, visit: int, note: str) -> None:
        """Write into the notes of a visit."""
        with self._database() as database:
            database.execute("UPDATE visits SET clinical_notes = ? WHERE id = ?", (note, visit))
            database.commit()

    def update_to(self, version: int) -> None:
        """Make the schema that of another version of the EMR."""
        with self._database() as database:
            database.execute("DELETE FROM schema_versions")
            database.execute("INSERT INTO schema_versions (version) VALUES (?)", (version,))
            database.commit()

    def lose_all(self) -> None:
        """Lose every patient, as after a wrong import."""
        with self._database() as database:
            database.executescript("DELETE FROM visits; DELETE FROM patients;")

    def count(self, table: str) -> int:
        """Return how many rows a table has."""
        with self._database() as database:
            return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608

    def _database(self) -> closing[sqlite3.Connection]:
        return closing(sqlite3.connect(self.data_dir / "clinic.db"))


@dataclass(frozen=True)
class Visitor:
    """A page that holds the session key `key`; "" for one that has none."""

    client: FlaskClient
    jobs: JobRunner
    key: str

    def get(self, path: str, **headers: str) -> TestResponse:
        """Return the answer to a GET as htmx sends it, after all redirects."""
        return self.client.get(path, headers=self._headers() | headers, base_url=ORIGIN, follow_redirects=True)

    def post(self, path: str, form: dict[str, str] | None = None) -> TestResponse:
        """Return the answer to a form that htmx sends, after all redirects."""
        return self.client.post(path, data=form or {}, headers=self._headers(), base_url=ORIGIN, follow_redirects=True)

    def finished(self) -> Job:
        """Return the job that ran last, once it has finished."""
        job = self.jobs.current() or self.jobs.last()
        assert job is not None
        return self.jobs.wait(job.id, PATIENCE)

    def _headers(self) -> dict[str, str]:
        authorization = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        return {"HX-Request": "true", "Accept": "text/html", "Sec-Fetch-Site": "same-origin", **authorization}


@pytest.fixture
def clinic(tmp_path: Path) -> Clinic:
    """A clinic of three patients, on a path with a space and letters beyond ASCII."""
    clinic = Clinic(tmp_path / "Praxis Müller")
    clinic.admit(3)
    return clinic


@pytest.fixture
def engine(clinic: Clinic) -> BackupEngine:
    """The real engine over the clinic."""
    return BackupEngine(clinic.data_dir)


@pytest.fixture
def jobs() -> Iterator[JobRunner]:
    """A job runner that has finished before the test's folder goes."""
    runner = JobRunner()
    yield runner
    assert runner.close(PATIENCE)


@pytest.fixture
def access() -> Access:
    """The secrets of this run."""
    access = Access()
    access.set_port(PORT)
    return access


@pytest.fixture
def desk(engine: BackupEngine, jobs: JobRunner) -> PlainDesk:
    """The launcher's side, with no EMR to close."""
    return PlainDesk(engine, jobs)


@pytest.fixture
def app(engine: BackupEngine, jobs: JobRunner, access: Access, desk: PlainDesk) -> Flask:
    """The application, as the launcher makes it."""
    return create_app(engine, jobs, access, desk, Settings(engine.data_dir))


@pytest.fixture
def visitor(app: Flask, access: Access, jobs: JobRunner) -> Visitor:
    """The doctor, who came by the tray icon."""
    return Visitor(app.test_client(), jobs, access.open_session(access.new_ticket()))


@pytest.fixture
def stranger(app: Flask, jobs: JobRunner) -> Visitor:
    """Somebody without a key."""
    return Visitor(app.test_client(), jobs, "")


@pytest.fixture
def backup(engine: BackupEngine) -> str:
    """The name of a backup of the three patients."""
    return engine.create(Trigger.MANUAL).name
