"""A clinic's computer for tests: a sample clinic, an EMR that does as it is told, and the real launcher, headless."""

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil

from backup_core.history import Action, History, Outcome, Run, Trigger

PATIENCE = 30.0
PATIENTS = 20
#: What a second start says before the address of the first one's page.
ALREADY_RUNNING = "DocAssist Backup is already running. Its admin page, for one minute: "

#: Adds a patient at once, as an upgrade might change the database, and one for each file "add-*"; ends when told to.
EMR = """
import os, pathlib, signal, sqlite3, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
data = pathlib.Path(os.environ["DOCASSIST_DATA_DIR"])
here = pathlib.Path.cwd()
def add():
    database = sqlite3.connect(os.environ["DOCASSIST_DB_PATH"])
    with database:
        database.execute("INSERT INTO patients (name) VALUES ('Added by the EMR')")
    database.close()
add()
(here / f"started-{os.getpid()}").touch()
while not (here / "close").exists():
    for wish in here.glob("add-*"):
        add()
        wish.unlink()
    time.sleep(0.05)
(here / "close").unlink()
"""


class Computer:
    """One data folder, one EMR and this user's own folders, all below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.data_dir = root / "données"
        self.backup_dir = self.data_dir / "backups"
        self.emr_dir = root / "emr"
        self.emr_dir.mkdir()
        (self.emr_dir / "emr.py").write_text(EMR, encoding="utf-8")
        keep = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "DOCASSIST_"))}
        self.launched: list[Launched] = []
        self.environment = {**keep, "HOME": str(root / "home")}
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
            self.environment.pop(name, None)

    def open_clinic(self, clinic: Path) -> None:
        """Put a copy of a clinic that `make_clinic` has made where this computer has its data."""
        half_made = self.root / "half made"
        shutil.copytree(clinic, half_made, dirs_exist_ok=True)
        half_made.rename(self.data_dir)

    def prefer(self, **preferences: object) -> None:
        """Write our own preferences file."""
        private = self.data_dir / ".docassist-backup"
        private.mkdir(mode=0o700, exist_ok=True)
        (private / "preferences.json").write_text(json.dumps(preferences), encoding="utf-8")

    def start(self, *options: str, with_emr: bool = True, **environment: str) -> "Launched":
        """Start the launcher on this computer, without an icon and without a browser unless `options` say otherwise."""
        words = [sys.executable, "-m", "tray.app", "--no-icon", "--data-dir", str(self.data_dir), *options]
        if with_emr:
            words += ["--emr", f'"{sys.executable}" "{self.emr_dir / "emr.py"}"', "--emr-dir", str(self.emr_dir)]
        log = (self.root / "launcher.log").open("ab")
        with log:
            process = subprocess.Popen(
                words,
                env={**self.environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
                # A shell that starts us in the background leaves SIGINT ignored.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        return Launched(self, process)

    def runs(self, trigger: Trigger | None = None) -> list[Run]:
        """Return the recorded runs, oldest first, without `proofs`: those come as soon as the clinic is quiet."""
        return [run for run in self._recorded() if run.action is not Action.PROVE and trigger in (None, run.trigger)]

    def proofs(self) -> list[Run]:
        """Return each recorded opening of a backup, oldest first."""
        return [run for run in self._recorded() if run.action is Action.PROVE]

    def _recorded(self) -> list[Run]:
        return History(self.data_dir / ".docassist-backup" / "history.jsonl").runs()[::-1]

    def wait_for_run(self, trigger: Trigger, *outcomes: Outcome) -> Run:
        """Return the first run with that trigger and one of `outcomes` (or any)."""
        until(lambda: any(run.outcome in (outcomes or tuple(Outcome)) for run in self.runs(trigger)), self.log)
        return next(run for run in self.runs(trigger) if run.outcome in (outcomes or tuple(Outcome)))

    def wait_for_emr(self) -> int:
        """Return the process number of the newest EMR once it has started, and forget the note of it."""
        until(lambda: any(self.emr_dir.glob("started-*")), self.log)
        note = next(iter(self.emr_dir.glob("started-*")))
        note.unlink()
        return int(note.name.removeprefix("started-"))

    def add_patient(self) -> None:
        """Have the EMR add a patient."""
        wish = self.emr_dir / f"add-{time.monotonic_ns()}"
        wish.touch()
        until(lambda: not wish.exists(), self.log)

    def close_emr(self) -> None:
        """Have the EMR end as if its user had closed it."""
        (self.emr_dir / "close").touch()

    def patients(self) -> int:
        """Return how many patients the live database has."""
        with closing(sqlite3.connect(self.data_dir / "clinic.db")) as database:
            return int(database.execute("SELECT count(*) FROM patients").fetchone()[0])

    def note(self) -> dict[str, Any]:
        """Return what the launcher has noted of its own life."""
        found: dict[str, Any] = json.loads((self.data_dir / ".docassist-backup" / "launcher.json").read_bytes())
        return found

    def log(self) -> str:
        """Return what launchers have said on stderr."""
        return (self.root / "launcher.log").read_text(encoding="utf-8")

    def tidy(self) -> None:
        """End every process that belongs to this computer."""
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get("HOME") == self.environment["HOME"]:
                    process.kill()
        for launched in self.launched:
            launched.wait()


class Launched:
    """A launcher that was started."""

    def __init__(self, computer: Computer, process: "subprocess.Popen[str]") -> None:
        self.computer = computer
        self.process = process
        self._key = ""
        computer.launched.append(self)

    def said(self, beginning: str) -> str:
        """Return the rest of the first line on stdout that has this beginning."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(beginning):
                return line.removeprefix(beginning).strip()
        raise AssertionError(f"the launcher never said {beginning!r}: {self.computer.log()}")

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Return the exit status."""
        try:
            return self.process.wait(PATIENCE)
        finally:
            if self.process.stdout is not None:
                self.process.stdout.close()

    def kill(self) -> None:
        """End it as a power cut does."""
        self.process.kill()
        self.wait()

    def ask(self, path: str, form: Mapping[str, str] | None = None) -> Any:
        """Return what the page answers to this path, JSON parsed; with a form it is posted."""
        address = urllib.parse.urlsplit(self._address())
        if not self._key:
            body = json.dumps({"ticket": address.fragment.removeprefix("t=")}).encode()
            request = urllib.request.Request(f"http://{address.netloc}/session", body)
            request.add_header("Content-Type", "application/json")
            self._key = json.loads(_body(request))["key"]
        request = urllib.request.Request(
            f"http://{address.netloc}{path}", urllib.parse.urlencode(form).encode() if form else None
        )
        request.add_header("Authorization", f"Bearer {self._key}")
        text = _body(request)
        return json.loads(text) if text.startswith("{") else text

    def _address(self) -> str:
        second = self.computer.start("--no-browser")
        address = second.said(ALREADY_RUNNING)
        assert second.wait() == 0
        return address


def until(holds: Callable[[], bool], tell: Callable[[], str] = str) -> None:
    """Return when `holds`; fail with what `tell` says if it does not within PATIENCE seconds."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"waited {PATIENCE:.0f} s in vain: {tell()}"
        time.sleep(0.05)


def make_clinic(data_dir: Path) -> Path:
    """Make a sample clinic, in a process that ends: Chroma keeps a store open as long as its process lives."""
    make = (
        f"import pathlib, backup_core.sample as s; s.SampleClinic(pathlib.Path({str(data_dir)!r})).create({PATIENTS})"
    )
    subprocess.run([sys.executable, "-c", make], check=True, timeout=PATIENCE)
    return data_dir


@contextlib.contextmanager
def computer_in(root: Path) -> Iterator[Computer]:
    """Give a computer below `root`, and end all that runs on it afterwards."""
    computer = Computer(root)
    try:
        yield computer
    finally:
        computer.tidy()


def _body(request: urllib.request.Request) -> str:
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return str(answer.read().decode())
