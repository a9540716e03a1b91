"""The folders of this PC as a page lists them: where one can begin, and what lies in a folder.

Nothing here is opened: a look at the names and the kinds is all. What cannot be read is told in words.
"""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from .drives import Drive, Kind
from .drives import drives as found_drives
from .files import free_space
from .sources import CLINIC_DB
from .text import _

#: How many folders, and how many files, of one folder are listed.
MOST = 500
#: What Windows says of a file or folder that must not be shown, or lies elsewhere until somebody opens it.
_HIDDEN = stat.FILE_ATTRIBUTE_HIDDEN | stat.FILE_ATTRIBUTE_SYSTEM
#: FILE_ATTRIBUTE_OFFLINE, RECALL_ON_OPEN and RECALL_ON_DATA_ACCESS.
_ELSEWHERE = 0x1000 | 0x40000 | 0x400000


@dataclass(frozen=True)
class Entry:
    """A folder, or a file, that a list offers."""

    path: Path
    #: Whether there is a clinic.db in this folder.
    has_clinic: bool = False

    @property
    def name(self) -> str:
        """The name as it can be shown, also where its bytes are no text."""
        return shown(self.path.name or str(self.path))


@dataclass(frozen=True)
class Listing:
    """What lies in a folder; `problem` is a sentence where it cannot be read."""

    folder: Path
    folders: Sequence[Entry] = ()
    files: Sequence[Entry] = ()
    has_clinic: bool = False
    problem: str = ""
    #: Whether there are more than are listed.
    is_cut: bool = False

    @property
    def parent(self) -> Path | None:
        """The folder above, or None at the root of a drive."""
        return None if self.folder.parent == self.folder else self.folder.parent


@dataclass(frozen=True)
class Place:
    """Where one can begin to look: a drive, or one of the user's own folders."""

    path: Path
    label: str
    #: Bytes that are free there; None for what is no drive.
    free: int | None = field(default=None, compare=False)


def shown(name: str) -> str:
    """Return a name with a mark for what is no text: a page could not be sent with it otherwise."""
    return os.fsencode(name).decode("utf-8", "replace")


def home_places() -> list[Place]:
    """Return the user's own folders that are there."""
    found = [
        Place(Path(platformdirs.user_documents_dir()), _("Documents")),
        Place(Path(platformdirs.user_desktop_dir()), _("Desktop")),
        Place(Path.home(), _("Home")),
    ]
    return [place for place in found if _is_folder(place.path)]


def drives() -> list[Place]:
    """Return the drives of this PC and those that are plugged in, each with the bytes that are free on it."""
    system = [] if os.name == "nt" else [Place(Path("/"), _("This PC"), free_space(Path("/")))]
    return system + [Place(drive.path, _label(drive), drive.free) for drive in found_drives(apart_from=())]


def plugged() -> list[Place]:
    """Return the drives that can be unplugged."""
    found = [drive for drive in found_drives(apart_from=()) if drive.kind is Kind.STICK]
    return [Place(drive.path, _label(drive), drive.free) for drive in found]


def list_folder(folder: Path, wanted: Callable[[str], bool] = lambda name: False) -> Listing:
    """Return the folders in `folder`, and the files whose names are `wanted`, in the order of their names."""
    try:
        entries = sorted(_visible(folder), key=lambda entry: entry.name.casefold())
    except OSError as error:
        return Listing(folder, problem=_why(error))
    folders = [Path(entry.path) for entry in entries if is_folder(entry)]
    files = [Path(entry.path) for entry in entries if wanted(entry.name) and _is_file(entry)]
    return Listing(
        folder,
        [Entry(path, has_clinic(path)) for path in folders[:MOST]],
        [Entry(path) for path in files[:MOST]],
        has_clinic(folder),
        is_cut=len(folders) > MOST or len(files) > MOST,
    )


def has_clinic(folder: Path) -> bool:
    """Return whether there is a clinic.db in `folder`, as far as that can be told."""
    try:
        return (folder / CLINIC_DB).is_file()
    except OSError:
        return False


def is_folder(entry: "os.DirEntry[str]") -> bool:
    """Return whether what a scan has met is a folder that lies on this PC."""
    try:
        return entry.is_dir() and not _attributes(entry) & _ELSEWHERE
    except OSError:
        return False


def _is_file(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False


def _visible(folder: Path) -> Iterator["os.DirEntry[str]"]:
    with os.scandir(folder) as found:
        for entry in found:
            if not entry.name.startswith((".", "$")) and not _attributes(entry) & _HIDDEN:
                yield entry


def _attributes(entry: "os.DirEntry[str]") -> int:
    try:
        return getattr(entry.stat(follow_symlinks=False), "st_file_attributes", 0)
    except OSError:
        return 0


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _label(drive: Drive) -> str:
    """Return the name of a drive; its letter too, where it has one."""
    letter = drive.path.drive
    return shown(" ".join(filter(None, (drive.label, letter))) or str(drive.path))


def _why(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return _("This folder may not be opened by this user of the PC.")
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return _("This folder is not there any more. If it is on another drive, connect the drive.")
    return _("This folder cannot be read (%(reason)s).", reason=error.strerror or str(error))
