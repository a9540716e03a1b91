"""Which sources a data folder has: an explicit list, never a walk of the folder, for the backups may lie inside it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path, PurePosixPath

from .discreet import hide_below
from .errors import SettingInvalid, SourceMissing
from .files import PRIVATE, total_size, walk
from .text import _

CLINIC_DB = "clinic.db"
CHROMA = "chroma"
CHROMA_DB = "chroma/chroma.sqlite3"
SETTINGS = "settings.json"
#: What SQLite keeps beside a database; each belongs to it and to no other.
SIDE_FILES = ("-wal", "-shm", "-journal")

_ALWAYS = (CLINIC_DB, CHROMA, "prescriptions", SETTINGS)
_DATABASE_ENDINGS = (".db", ".db3", ".s3db", ".sqlite", ".sqlite3")


class Kind(Enum):
    """How a source is copied."""

    DATABASE = "database"
    FILE = "file"
    FOLDER = "folder"


@dataclass(frozen=True)
class Source:
    """One thing to protect: `name` is its path inside the data folder, with `/`; `kind` is None where it is absent."""

    name: str
    path: Path
    kind: Kind | None


def find_sources(data_dir: Path, extras: Sequence[str] = ()) -> list[Source]:
    """Return the sources of a data folder, those that are not there included.

    `extras` are paths inside the data folder that the user added. Raise SourceMissing where there is no data folder.
    """
    if not data_dir.is_dir():
        raise SourceMissing(
            _("The data folder %(data_dir)s is not there.", data_dir=data_dir),
            hint=_("If it is on a network drive, connect the drive; else choose the folder in the preferences."),
            folder=str(data_dir),
        )
    added = [check_extra(extra) for extra in extras]
    for name in added:
        hide_below(name)
    names = [*_ALWAYS, *added]
    return [Source(name, data_dir / name, _kind(data_dir / name)) for name in dict.fromkeys(names)]


def check_extra(name: str) -> str:
    """Return the tidy form of a path that the user added, or raise SettingInvalid where it leads elsewhere."""
    path = PurePosixPath(name.replace("\\", "/"))
    # Windows and macOS do not tell large letters from small ones, and Windows drops what stands at the end.
    first = path.parts[0].casefold().rstrip(". ") if path.parts else ""
    if path.is_absolute() or not first or ".." in path.parts or ":" in name or first in (PRIVATE, "backups"):
        raise SettingInvalid(_("“%(name)s” is not a file or folder inside the data folder.", name=name), field="extras")
    return path.as_posix()


def is_database(name: str) -> bool:
    """Return whether a file of this name is taken for an SQLite database."""
    return name.lower().endswith(_DATABASE_ENDINGS)


def side_files(database: Path) -> list[Path]:
    """Return the paths at which SQLite keeps the side files of `database`."""
    return [database.with_name(database.name + ending) for ending in SIDE_FILES]


def is_side_file(name: str) -> bool:
    """Return whether a file of this name belongs to a database beside it."""
    return any(name.endswith(ending) and is_database(name.removesuffix(ending)) for ending in SIDE_FILES)


def files_of(source: Source) -> Iterator[tuple[str, Path]]:
    """Yield name in the archive and path of each file of a source, databases included, their side files not."""
    if source.kind is Kind.FOLDER:
        for top, _, names in _walk(source.path):
            for path in (top / name for name in sorted(names) if not is_side_file(name)):
                yield f"{source.name}/{path.relative_to(source.path).as_posix()}", path
    elif source.kind is not None:
        yield source.name, source.path


def folders_of(source: Source) -> Iterator[str]:
    """Yield the name of each folder of a source, its own included."""
    if source.kind is Kind.FOLDER:
        for top, _, _ in _walk(source.path):
            yield (PurePosixPath(source.name) / top.relative_to(source.path).as_posix()).as_posix()


def _walk(source: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Walk a source, links included."""
    for folder, folders, names in walk(source, follow_links=True):
        # A link to a folder that it lies in would be followed for ever.
        here = folder.resolve()
        folders[:] = [name for name in folders if not here.is_relative_to((here / name).resolve())]
        yield folder, folders, names


def unprotected(data_dir: Path, sources: Sequence[Source], backup_dir: Path) -> list[tuple[str, int]]:
    """Return name and size in bytes of what lies in the data folder and is no source, largest first."""
    covered = {source.path for source in sources} | {data_dir / PRIVATE, backup_dir}
    found: list[tuple[str, int]] = []
    for path in data_dir.iterdir():
        if path in covered or is_side_file(path.name):
            continue
        inside = [other for other in covered if path in other.parents and other.exists()]
        left = total_size(path) - sum(map(total_size, inside))
        if left > 0 or not inside:
            found.append((path.name, left))
    return sorted(found, key=lambda item: -item[1])


def _kind(path: Path) -> Kind | None:
    if path.is_dir():
        return Kind.FOLDER
    if path.is_file():
        return Kind.DATABASE if is_database(path.name) else Kind.FILE
    return None
