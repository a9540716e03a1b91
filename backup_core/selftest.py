"""The whole job tried on this very PC, with a sample clinic in a folder of its own: what passes, and what does not."""

import hashlib
import logging
import os
import platform
import re
import shutil
import sqlite3
import subprocess
import time
import uuid
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .datafolder import clear
from .engine import BackupEngine
from .errors import BackupError, EmrRunning
from .files import PRIVATE, private_folder, translating, write_atomically
from .listing import Archive
from .sources import CHROMA
from .swap import Swap
from .text import N_, _
from .trialclinic import TrialClinic

#: Seconds after which a restore is killed, one try after another.
_KILLS = (0.01, 0.03, 0.06, 0.1, 0.2)
#: How often a restore is killed in its very swap until one has left something to recover.
_SWAPS = 10
#: Seconds that the whole test may take: it runs on the PC of somebody who waits for it.
LIMIT = 120.0
#: Seconds after which a folder is surely not that of a self-test which is still running.
_LEFT_AFTER = 6 * 3600.0
#: How the folder of a self-test is named: as uuid4().hex.
_NAME = re.compile(r"[0-9a-f]{32}")
_PATIENCE = 60.0
_LATER = "Entered After the Backup"
#: What else the system may have to unpack a ZIP, besides this program: Windows 10 and later have the last.
_UNPACKERS = (["unzip", "-q", "{zip}", "-d", "{folder}"], ["bsdtar", "-xf", "{zip}", "-C", "{folder}"])
_WINDOWS_UNPACKER = ["tar.exe", "-xf", "{zip}", "-C", "{folder}"]


logger = logging.getLogger(__name__)


class StepFailed(Exception):
    """A step did not give what it should."""


@dataclass(frozen=True)
class Step:
    """One line of the report: what was tried, whether it went well, in how many seconds, and what there is to say."""

    name: str
    ok: bool
    seconds: float
    detail: str


class SelfTest:
    """One self-test in a new folder below `folder`, which is removed at the end, or by a later one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._clinic = TrialClinic(folder / "Zoë's sample clinic")
        self._engine = BackupEngine(self._clinic.data_dir)
        self._made: list[Archive] = []

    def run(self, on_step: Callable[[Step], None] = lambda step: None) -> list[Step]:
        """Do every step, telling each when it has ended, and return them; what fails does not stop those after it."""
        steps = []
        begun = time.monotonic()
        try:
            for name, work in self._steps():
                started = time.monotonic()
                try:
                    _expect(started - begun < LIMIT, _("It was not tried, because the two minutes for all were over."))
                    detail, ok = work(), True
                    _expect(time.monotonic() - begun < LIMIT, _("It took too long: two minutes were over at its end."))
                except Exception as error:
                    # A fault of ours on a system where this was never run is just what the report is for.
                    logger.exception("the self-test failed at: %s", name)
                    detail, ok = f"{type(error).__name__}: {error}", False
                steps.append(Step(name, ok, time.monotonic() - started, detail))
                on_step(steps[-1])
        finally:
            # Held by a virus scanner, it is left to the next self-test: what was found is worth more.
            clear(self._folder)
        return steps

    @property
    def count(self) -> int:
        """How many steps there are."""
        return len(self._steps())

    def _steps(self) -> list[tuple[str, Callable[[], str]]]:
        return [
            (N_("make a sample clinic"), self._make_clinic),
            (N_("back it up while a program writes to it"), self._back_up_while_written_to),
            (N_("unpack the backup with the system's own tool"), self._unpack),
            (N_("open the backup and ask it"), self._prove),
            (N_("restore it over newer data"), self._restore),
            (N_("go back to before the restore"), self._undo),
            (N_("refuse to restore while a program has the data open"), self._locked),
            (N_("kill a restore half way, and recover"), self._kill_and_recover),
        ]

    def _make_clinic(self) -> str:
        self._clinic.make()
        patients = self._engine.holdings().patient_count
        _expect(patients > 0, "the sample clinic is empty")
        return f"{patients} patients"

    def _back_up_while_written_to(self) -> str:
        with self._clinic.child("backup_core.standin") as writer:
            before = self._clinic.rows()
            deadline = time.monotonic() + _PATIENCE
            while self._clinic.rows() == before:
                _expect(time.monotonic() < deadline and writer.poll() is None, "the writing program wrote nothing")
                time.sleep(0.05)
            self._made = [self._engine.create() for _ in range(3)]
            _expect(writer.poll() is None, "the writing program did not survive the backups")
        sizes = ", ".join(f"{archive.size / 1e6:.1f} MB" for archive in self._made)
        return f"{len(self._made)} backups ({sizes})"

    def _unpack(self) -> str:
        archive, target = self._newest(), self._folder / "unpacked"
        target.mkdir()
        commands = [_WINDOWS_UNPACKER] if os.name == "nt" else list(_UNPACKERS)
        command = next((one for one in commands if shutil.which(one[0])), None)
        if command is None:
            with zipfile.ZipFile(archive.path) as opened:
                opened.extractall(target)
            tool = "Python, for this PC has no unzip"
        else:
            words = [word.format(zip=archive.path, folder=target) for word in command]
            subprocess.run(words, check=True, capture_output=True, timeout=_PATIENCE)
            tool = command[0]
        listed = archive.manifest.members if archive.manifest and archive.manifest.members else ()
        for member in listed:
            path = target / member.name
            _expect(path.exists(), f"{member.name} was not unpacked")
            same = member.name.endswith("/") or hashlib.sha256(path.read_bytes()).hexdigest() == member.sha256
            _expect(same, f"{member.name} was unpacked with other bytes")
        return f"{len(listed)} files by {tool}"

    def _prove(self) -> str:
        proof = self._engine.prove(self._newest())
        _expect(proof.is_full, proof.problem or proof.remark)
        _expect(proof.asked > 0, f"no search entry was asked. {proof.remark}".strip())
        return f"{proof.patients} patients, {proof.visits} visits, {proof.asked} search entries answer"

    def _restore(self) -> str:
        archive = self._newest()
        self._clinic.admit(_LATER)
        restored = self._engine.restore(archive)
        manifest = archive.manifest
        _expect(manifest is not None and restored.patient_count == manifest.patient_count, "the counts differ")
        _expect(not self._clinic.has(_LATER), "what the restore should have removed is still there")
        return f"{restored.patient_count} patients; {restored.safety} keeps the data as it was"

    def _undo(self) -> str:
        restored = self._engine.undo()
        _expect(self._clinic.has(_LATER), "what the undo should have brought back is missing")
        return f"{restored.patient_count} patients"

    def _locked(self) -> str:
        rows = self._clinic.rows()
        with self._clinic.held_open():
            try:
                self._engine.restore(self._newest())
            except EmrRunning as error:
                told = str(error)
            else:
                raise StepFailed("the restore went on")
        _expect(self._clinic.rows() == rows, "the data has changed")
        return told

    def _kill_and_recover(self) -> str:
        """Kill a restore at several moments: afterwards the data is that of before or that of the backup."""
        box = self._clinic.data_dir / PRIVATE / "swap"
        outcomes = [self._kill(box.exists, delay)[0] for delay in _KILLS]
        for _try in range(_SWAPS):
            outcome, recovered = self._kill(lambda: Swap.pending(self._clinic.data_dir) is not None, 0.0)
            outcomes.append(outcome)
            if recovered:
                break
        else:
            raise StepFailed("no restore could be killed half way, so nothing had to be recovered")
        for archive in self._engine.archives():
            self._engine.verify(archive)
        return ", ".join([*outcomes, recovered])

    def _kill(self, has_come: Callable[[], bool], delay: float) -> tuple[str, str]:
        """Kill a restore so many seconds after that moment; return what the data is then, and what was recovered."""
        old, archive = self._clinic.rows(), self._backups()[0]
        with self._clinic.child("backup_core.cli", "restore", archive.name, "--yes") as restoring:
            _wait_for(has_come, restoring)
            time.sleep(delay)
            restoring.kill()
        recovered = self._engine.recover() or ""
        new = self._clinic.rows()
        wanted = archive.manifest.patient_count if archive.manifest else -1
        _expect(new == old or new[0] == wanted, "the data is neither the old nor the restored one")
        _expect((self._clinic.data_dir / CHROMA).is_dir(), "the search index is missing")
        return "as before" if new == old else "restored", recovered

    def _newest(self) -> Archive:
        return self._backups()[-1]

    def _backups(self) -> list[Archive]:
        _expect(bool(self._made), "there is no backup to try this with")
        return self._made


@dataclass(frozen=True)
class Tested:
    """What a whole self-test has shown, and where its report was put."""

    steps: Sequence[Step]
    report: Path

    @property
    def ok(self) -> bool:
        """Whether every step went well."""
        return all(step.ok for step in self.steps)


def self_test(folder: Path, on_step: Callable[[int, int], None] = lambda done, total: None) -> Tested:
    """Try the whole job in a new folder below `folder`, and leave the report in `folder`.

    `on_step` is told before the first step and after each one how many of how many are done; what it raises ends the
    test. Raise BackupError where the report cannot be written.
    """
    _sweep(folder)
    test, done = SelfTest(private_folder(folder) / uuid.uuid4().hex), 0
    on_step(done, test.count)

    def tell(step: Step) -> None:
        nonlocal done
        done += 1
        on_step(done, test.count)

    steps, path = test.run(tell), folder / "selftest-report.txt"
    with translating(BackupError, _("The report of the self-test could not be written")):
        write_atomically(path, f"{report(steps)}\n".encode())
    return Tested(steps, path)


def report(steps: Sequence[Step]) -> str:
    """Return the table of a self-test, with the system and the versions; nothing in it tells of a patient."""
    lines = [
        f"{'pass' if step.ok else 'FAIL'}  {step.seconds:5.1f} s  {step.name}: {step.detail.splitlines()[0]}"
        for step in steps
    ]
    passed = sum(step.ok for step in steps)
    versions = f"{platform.platform()}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    return "\n".join([*lines, f"{passed} of {len(steps)} passed on {versions}"])


def _sweep(folder: Path) -> None:
    """Remove what earlier self-tests could not, or did not live to; one that runs just now keeps its folder."""
    for left in folder.glob("*"):
        # Another one may sweep at the same time, and what cannot be looked at stops no self-test.
        with suppress(OSError):
            is_ours = _NAME.fullmatch(left.name) and left.is_dir() and not left.is_symlink()
            if is_ours and time.time() - left.stat().st_mtime > _LEFT_AFTER:
                clear(left)


def _expect(right: bool, otherwise: str) -> None:
    if not right:
        raise StepFailed(otherwise)


def _wait_for(has_come: Callable[[], bool], child: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _PATIENCE
    while not has_come() and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
