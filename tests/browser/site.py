"""The real page on a real port, over a clinic whose patients, notes and file names are as hostile as can be."""

import json
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from backup_core.engine import BackupEngine
from backup_core.history import Trigger
from backup_core.jobs import JobRunner
from backup_core.manifest import MANIFEST_NAME
from backup_core.settings import Settings
from tests.fakeclock import FakeClock
from tests.web.conftest import Clinic
from tray.server import PageServer, listen
from webadmin import Access, PlainDesk, create_app

#: Sets a mark if any of it is run by the browser or by htmx.
HOSTILE = (
    '"><img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
    "<b hx-post='/all-is-well' hx-trigger='load'>x</b>{{7*7}}<svg onload=window.hacked=1>"
)


@dataclass(frozen=True)
class Site:
    """A page that is being served."""

    port: int
    access: Access
    clock: FakeClock
    clinic: Clinic
    engine: BackupEngine
    jobs: JobRunner

    @property
    def origin(self) -> str:
        """The address of the page, without a slash."""
        return f"http://127.0.0.1:{self.port}"

    def address(self, path: str = "/") -> str:
        """Return the address of one page of it, with a fresh ticket."""
        return f"{self.origin}{path}#t={self.access.new_ticket()}"

    def key(self) -> str:
        """Return the key of a new session."""
        return self.access.open_session(self.access.new_ticket())


@contextmanager
def served(folder: Path, desk: type[PlainDesk] = PlainDesk) -> Iterator[Site]:
    """Serve the page of a small clinic below `folder`, with a launcher's side of that kind."""
    clinic = Clinic(folder / "Praxis Müller")
    clinic.admit(3)
    clock = FakeClock()
    engine, jobs, access = BackupEngine(clinic.data_dir), JobRunner(), Access(clock=clock)
    app = create_app(engine, jobs, access, desk(engine, jobs), Settings(engine.data_dir))
    listener = listen(None)
    server = PageServer(app, listener)
    access.set_port(server.port)
    server.start()
    try:
        yield Site(server.port, access, clock, clinic, engine, jobs)
    finally:
        server.close()
        assert jobs.close(60)


def hostile(site: Site) -> str:
    """Fill the clinic with hostile names, and return the name of a backup that lacks some of them."""
    site.clinic.rename(1, HOSTILE)
    name = site.engine.create(Trigger.MANUAL).name
    site.clinic.rename(2, HOSTILE)
    site.clinic.admit(2)
    with closing(sqlite3.connect(site.clinic.data_dir / "clinic.db")) as database:
        database.execute("UPDATE patients SET name = ?", (HOSTILE,))
        database.execute("UPDATE visits SET visit_date = ?", (HOSTILE,))
        database.execute(f'CREATE TABLE "{HOSTILE.replace(chr(34), chr(34) * 2)}" (x)')
        database.commit()
    (site.clinic.data_dir / "<img src=x onerror=window.hacked=1>.txt").write_text("x")
    return name


def forged(site: Site, backup: str, *, whole: bool = False, of_emr: bool = False) -> Path:
    """Return a ZIP beside the backups whose manifest is hostile from top to bottom.

    One that is `whole` says that it has no seal, and passes every check; one `of_emr` lists no files, as theirs.
    """
    path = site.engine.backup_dir / "backup_2026-01-02_03-04-05.zip"
    with zipfile.ZipFile(site.engine.backup_dir / backup) as source, zipfile.ZipFile(path, "w") as target:
        for member in source.namelist():
            data = source.read(member)
            if member == MANIFEST_NAME:
                manifest = json.loads(data)
                manifest |= {"host": HOSTILE, "trigger": HOSTILE, "app_version": HOSTILE, "origin": HOSTILE}
                manifest["counts"] = {HOSTILE: 3, **manifest.get("counts", {})}
                manifest |= {"seal": ""} if whole else {}
                for key in ("members", "sources", "format") if of_emr else ():
                    del manifest[key]
                data = json.dumps(manifest).encode()
            target.writestr(member, data)
    return path
