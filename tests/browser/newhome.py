"""The real `docassist-tray` on a computer on which nobody has set it up yet, with a home of its own."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.clinic import make_clinic

from .launcher import BIN, PATIENCE

_OF_THIS_DESKTOP = ("XDG_", "DOCASSIST_", "DISPLAY", "WAYLAND_DISPLAY", "DBUS_", "BROWSER")
#: A program that looks like DocAssist's main.py, and stays open.
EMR = "import time\nwhile True:\n    time.sleep(1)\n"


@dataclass(frozen=True)
class NewHome:
    """A user's home, and the launcher that was started there without any option that says where the data is."""

    home: Path
    environment: dict[str, str]
    work: Path

    @property
    def program_dir(self) -> Path:
        """Where DocAssist lies, with its data folder in it."""
        return self.home / "Documents" / "Our clinic" / "DocAssist"

    def install_emr(self, *, with_records: bool) -> Path:
        """Put DocAssist into the documents and return its data folder."""
        self.program_dir.mkdir(parents=True)
        (self.program_dir / "main.py").write_text(EMR, encoding="utf-8")
        data_dir = self.program_dir / "data"
        if with_records:
            make_clinic(data_dir)
        return data_dir

    @contextmanager
    def open_emr(self) -> Iterator[None]:
        """Have the user open DocAssist as always, and close it in the end."""
        command = [sys.executable, "main.py"]
        with subprocess.Popen(command, cwd=self.program_dir, env=self.environment, stdin=subprocess.DEVNULL) as emr:
            try:
                yield
            finally:
                emr.kill()

    def backup_of(self, patients: Path, to: Path) -> Path:
        """Return a backup of a clinic, copied as to a USB stick."""
        command = [str(BIN / "docassist-backup"), "--data-dir", str(patients), "create"]
        subprocess.run(command, env=self.environment, check=True, capture_output=True)
        to.mkdir(parents=True, exist_ok=True)
        (made,) = (patients / "backups").glob("backup_*.zip")
        return Path(shutil.copy2(made, to))

    @property
    def log(self) -> str:
        """What the launcher has said."""
        return (self.work / "launcher.log").read_text(encoding="utf-8")

    @contextmanager
    def started(self, *options: str) -> Iterator["subprocess.Popen[bytes]"]:
        """Run the launcher, without an icon and a browser of its own; end it as a logout does."""
        command = [str(BIN / "docassist-tray"), "--no-icon", "--no-browser", *options]
        with (self.work / "launcher.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=self.work, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            self._wait_for("#t=")
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            status = process.wait(PATIENCE)
        assert status == 0, self.log

    def address(self) -> str:
        """Return the page's address with a fresh ticket, as `docassist-backup open --print` tells it."""
        asked = subprocess.run(
            [str(BIN / "docassist-backup"), "open", "--print"],
            cwd=self.work,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert asked.returncode == 0, asked.stderr
        return asked.stdout.strip()

    def _wait_for(self, text: str) -> None:
        give_up = time.monotonic() + PATIENCE
        while text not in self.log:
            assert time.monotonic() < give_up, self.log
            time.sleep(0.1)

    def tidy(self) -> None:
        """End every process that belongs to this home."""
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("HOME") == str(self.home):
                    process.kill()


@contextmanager
def new_home(folder: Path) -> Iterator[NewHome]:
    """Give a fresh home below `folder`, and end all that runs in it afterwards."""
    home, work = folder / "home", folder / "work"
    home.mkdir()
    work.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_OF_THIS_DESKTOP)}
    made = NewHome(home, environment | {"HOME": str(home)}, work)
    try:
        yield made
    finally:
        made.tidy()
