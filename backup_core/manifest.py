"""The manifest inside an archive, and the names of archives: pure, no I/O.

The keys `created_at`, `version`, `patient_count`, `visit_count` and `app_version` are read by the EMR's own older code
and keep the meaning that they have there. All others are ours; an archive without `members` was made by that code.
"""

import json
import os
import re
from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from .errors import ArchiveUnusable
from .text import _

MANIFEST_NAME = "backup_manifest.json"
#: The newest layout of archives that this version writes and reads.
FORMAT = 1
#: The highest number of an archive: more than any PC makes, and what every program can read.
MOST = (1 << 53) - 1
#: How an archive is sealed: by a checksum of all of its bytes, in the ZIP's comment.
SEALED = "crc32"

_NAME = re.compile(r"(?P<safety>safety_)?backup_(?P<time>\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d)(_\d+)?\.zip")
#: What leads out of the folder on one system or another: a drive or stream, a UNC path, a control character.
_LEADS_ELSEWHERE = re.compile(r"[\x00-\x1f\\\ud800-\udfff]|^[a-z]:", re.IGNORECASE)
_BAD_ON_WINDOWS = re.compile(r'[<>:"|?*]|[. ]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)', re.IGNORECASE)
_STAMP = "%Y-%m-%d_%H-%M-%S"


@dataclass(frozen=True)
class Member:
    """One file: its name with `/`, its size in bytes, its SHA-256 in hex. An empty folder's name ends in `/`."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What an archive says of itself."""

    #: Naive local time, as the EMR's older code reads it.
    created_at: datetime
    patient_count: int = 0
    visit_count: int = 0
    app_version: str = ""
    version: str = "1.0"
    #: Aware UTC; None in an archive of the EMR's older code.
    created_at_utc: datetime | None = None
    #: Decides the order of archives, whatever the clock said; 0 where it is not known.
    sequence: int = 0
    #: How often the clock had been set back before it was made, as far as the archives of its data folder tell.
    clock_resets: int = 0
    #: The random id of the data folder it was made of.
    origin: str | None = None
    format: int = FORMAT
    #: SEALED, or "" in an archive of a version that did not seal.
    seal: str = ""
    trigger: str = ""
    schema_version: int | None = None
    #: "raw" where damaged data was kept byte for byte, else "".
    state: str = ""
    #: Rows by table ("patients") and entries by collection ("chroma:patient_summaries").
    counts: Mapping[str, int] = field(default_factory=dict)
    #: None in an archive of the EMR's older code.
    members: tuple[Member, ...] | None = None
    #: Each source by name: was it there? None in an archive of the EMR's older code.
    sources: Mapping[str, bool] | None = None
    sqlite_version: str = ""
    chroma_version: str = ""
    host: str = ""
    #: Visits dated the day on which the archive was made; None where that is not known.
    visits_today: int | None = None

    @property
    def is_raw(self) -> bool:
        """Whether the files were copied as they lay, without asking a database."""
        return self.state == "raw"

    def to_json(self) -> bytes:
        """Return the manifest as UTF-8 JSON."""
        document = asdict(self)
        document["created_at"] = self.created_at.isoformat()
        document["created_at_utc"] = self.created_at_utc.isoformat() if self.created_at_utc else None
        return json.dumps(document, indent=1, ensure_ascii=False).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "Manifest":
        """Return the manifest that `data` holds; raise ArchiveUnusable where it is none or of a newer format."""
        try:
            document = json.loads(data)
            if not isinstance(document, dict):
                raise ValueError("not an object")
            if int(document.get("format", FORMAT)) > FORMAT or document.get("seal", "") not in ("", SEALED):
                raise ArchiveUnusable(
                    _("This backup was made by a newer version of DocAssist Backup."),
                    hint=_("Update DocAssist Backup, then try again."),
                    newer_format=int(document.get("format", FORMAT)),
                )
            return cls(**_fields(document))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
            raise ArchiveUnusable(
                _("The list of contents inside this backup cannot be read."), hint=_("Choose another backup.")
            ) from error


def _fields(document: dict[str, Any]) -> dict[str, Any]:
    """Return the constructor's arguments for a parsed manifest, each of its right type, or raise ValueError."""
    created = datetime.fromisoformat(str(document["created_at"]))
    utc = document.get("created_at_utc")
    members = document.get("members")
    sources = document.get("sources")
    schema, today = document.get("schema_version"), document.get("visits_today")
    return {
        "created_at": created.astimezone().replace(tzinfo=None) if created.tzinfo else created,
        "created_at_utc": datetime.fromisoformat(str(utc)).astimezone(UTC) if utc else None,
        "schema_version": None if schema is None else int(schema),
        "visits_today": None if today is None else int(today),
        "origin": None if document.get("origin") is None else str(document["origin"]),
        "members": None
        if members is None
        else tuple(Member(str(m["name"]), int(m["size"]), str(m["sha256"])) for m in members),
        "sources": None if sources is None else {str(name): bool(there) for name, there in sources.items()},
        "counts": {str(name): int(count) for name, count in dict(document.get("counts") or {}).items()},
        **{key: int(document.get(key) or 0) for key in ("patient_count", "visit_count")},
        **{key: _number(document.get(key)) for key in ("sequence", "clock_resets")},
        **{
            key: str(document.get(key) or "")
            for key in (
                "version",
                "app_version",
                "seal",
                "trigger",
                "state",
                "sqlite_version",
                "chroma_version",
                "host",
            )
        },
        "format": int(document.get("format", FORMAT)),
    }


def _number(told: Any) -> int:
    """Return a number that the next archive goes on from, 0 where none is told; raise ValueError where it could not."""
    number = int(told or 0)
    if not 0 <= number <= MOST:
        raise ValueError(f"a number of {number.bit_length()} bits")
    return number


def archive_name(local: datetime, *, safety: bool = False, taken: Container[str] = ()) -> str:
    """Return the name of an archive made at `local` (naive local time): the first one that is not in `taken`."""
    stem = f"{'safety_' if safety else ''}backup_{local.strftime(_STAMP)}"
    name, number = f"{stem}.zip", 1
    while name in taken:
        number += 1
        name = f"{stem}_{number}.zip"
    return name


def time_of(name: str) -> datetime | None:
    """Return the naive local time that an archive's name tells, or None where the name is not one of ours."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    try:
        return datetime.strptime(match["time"], _STAMP)  # noqa: DTZ007 - names tell local time, as promised to users
    except ValueError:
        return None


def is_safety(name: str) -> bool:
    """Return whether `name` is that of a safety backup."""
    match = _NAME.fullmatch(name)
    return match is not None and match["safety"] is not None


def is_safe_name(name: str, *, windows: bool = os.name == "nt") -> bool:
    """Return whether a member of this name can only ever be written inside the folder it is unpacked to."""
    return not any(
        part in ("", ".", "..") or _LEADS_ELSEWHERE.search(part) or (windows and _BAD_ON_WINDOWS.search(part))
        for part in name.removesuffix("/").split("/")
    )
