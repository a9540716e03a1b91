"""Looks for clinics on this PC: in the programs that are open, then in the usual folders; bounded in time and depth."""

import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from backup_core.clinics import Finding, look_at
from backup_core.folders import drives, has_clinic, home_places, is_folder
from webadmin.setup import Findings, Found, Program

from .demo import is_sample
from .openemr import SCRIPT, is_docassist, open_programs
from .shares import is_remote, mounts

logger = logging.getLogger(__name__)

#: Seconds after which the search ends, wherever it is: a doctor waits before it.
PATIENCE = 20.0
#: Where there are many folders and no clinics; "backups" holds ours, and what DocAssist unpacks to look at.
_SKIPPED = frozenset(
    {"backups", "dev", "lib", "node_modules", "proc", "run", "site-packages", "sys", "system volume information"}
    | {"windows", "winsxs", "__pycache__"}
)
#: A folder to begin with, and how many levels below it are looked at.
Root = tuple[Path, int]


def usual_roots() -> list[Root]:
    """Return where DocAssist is usually found on this system."""
    roots: list[Root] = [(place.path, 4) for place in home_places()[:-1]]
    for name in ("ProgramFiles", "ProgramW6432", "ProgramFiles(x86)", "ProgramData", "LOCALAPPDATA"):
        if os.environ.get(name):
            roots.append((Path(os.environ[name]), 3))
    roots += [(Path(path), 3) for path in ("/opt", "/srv", "/Applications")]
    beside = Path(sys.executable).parent
    roots += [(beside, 1), (beside.parent, 2), (beside.parent.parent, 2), (Path.home(), 3), (Path.cwd(), 2)]
    return roots + [(drive.path, 2) for drive in drives()]


class Search:
    """One search, on a thread of its own, whose findings can be read at any time."""

    def __init__(self, roots: Callable[[], Iterable[Root]] = usual_roots, patience: float = PATIENCE) -> None:
        self._roots = roots
        self._patience = patience
        self._guard = threading.Lock()
        self._found: dict[Path, Found] = {}
        self._program_folders: dict[Path, None] = {}
        self._is_over = False

    def start(self) -> None:
        """Begin to look, and return at once."""
        threading.Thread(target=self.run, name="clinic-search", daemon=True).start()

    def run(self) -> None:
        """Look, and return when that is over."""
        deadline = time.monotonic() + self._patience
        try:
            for one in open_programs():
                self._add(one.data_dir, one.program)
            for folder in _walk(self._roots(), deadline, self._met_program):
                self._add(folder, None)
        finally:
            with self._guard:
                self._is_over = True

    def findings(self) -> Findings:
        """Return what was found up to now: what is open first, then the latest changed."""
        with self._guard:
            found = sorted(self._found.values(), key=_rank)
            return Findings(tuple(found), searching=not self._is_over)

    @property
    def program_folders(self) -> list[Path]:
        """The folders in which a program of DocAssist's name lies."""
        with self._guard:
            return list(self._program_folders)

    def _met_program(self, folder: Path) -> None:
        with self._guard:
            self._program_folders[folder] = None

    def _add(self, folder: Path, program: Program | None) -> None:
        if is_sample(folder):
            return
        clinic = look_at(folder)
        if clinic.finding in (Finding.CLINIC, Finding.UNREADABLE):
            with self._guard:
                self._found.setdefault(folder.resolve(), Found(clinic, program))


def _rank(found: Found) -> tuple[bool, float]:
    changed = found.clinic.changed
    return found.program is None, -changed.timestamp() if changed else 0.0


def _walk(roots: Iterable[Root], deadline: float, met_program: Callable[[Path], None]) -> Iterator[Path]:
    """Yield the folders that hold a clinic.db, those near a root first; links and other file systems are left out."""
    mounted = mounts()
    seen: dict[Path, int] = {}
    for root, depth in roots:
        waiting = deque([(root, depth)])
        while waiting and time.monotonic() < deadline:
            folder, levels = waiting.popleft()
            if seen.get(folder, -1) >= levels or is_remote(folder, mounted):
                continue
            seen[folder] = levels
            if has_clinic(folder):
                yield folder
            if levels:
                waiting.extend((below, levels - 1) for below in _below(folder, met_program))


def _below(folder: Path, met_program: Callable[[Path], None]) -> list[Path]:
    found = []
    try:
        device = folder.stat().st_dev
        with os.scandir(folder) as entries:
            for entry in entries:
                if _is_program(entry):
                    met_program(folder)
                if _is_worth_it(entry, device):
                    found.append(Path(entry.path))
    except OSError:
        # A folder that may not be read has nothing to offer: the user can still choose it by hand.
        logger.debug("%s was not looked into", folder, exc_info=True)
    return sorted(found)


def _is_program(entry: "os.DirEntry[str]") -> bool:
    """Return whether DocAssist itself lies here: a program of its name, or its script with its sources beside it."""
    name = entry.name.lower()
    if name == SCRIPT:
        return Path(entry.path).with_name("src").is_dir() or "docassist" in Path(entry.path).parent.name.lower()
    return is_docassist([name]) and name.endswith((".exe", ".app", ".appimage"))


def _is_worth_it(entry: "os.DirEntry[str]", device: int) -> bool:
    if entry.name.startswith((".", "$")) or entry.name.lower() in _SKIPPED or entry.is_symlink():
        return False
    # Windows tells no device in a scan; its drives have no other file systems in them, as a rule.
    return is_folder(entry) and (os.name == "nt" or entry.stat(follow_symlinks=False).st_dev == device)
