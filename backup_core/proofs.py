"""What opening an archive has shown, kept in the backup folder beside the archives it speaks of."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .files import write_atomically


@dataclass(frozen=True)
class Proof:
    """The evidence: what was counted in the opened archive, or what is wrong with it."""

    #: Aware UTC.
    at: datetime
    #: A sentence where the archive is not as it should be, else "".
    problem: str = ""
    patients: int = 0
    visits: int = 0
    #: Search entries counted, and how many of those asked for answered.
    entries: int = 0
    asked: int = 0
    #: What the user may want to know of a good archive, or what was left out and why; "" where there is nothing.
    remark: str = ""
    #: The sources of a damaged archive whose bytes are all as written.
    recoverable: tuple[str, ...] = ()
    #: Seconds.
    duration: float = 0.0
    #: Whether both stores were opened and answered. Where they were not, and nothing is wrong, the bytes, the structure
    #: and the counts are as they should be, and `remark` says why it was no more.
    opened: bool = True
    #: Whether it was the newest of its clinic when it was opened.
    was_newest: bool = False

    @property
    def is_full(self) -> bool:
        """Whether it shows that the archive can be opened."""
        return self.ok and self.opened

    @property
    def ok(self) -> bool:
        """Whether the archive can be relied on."""
        return not self.problem


class ProofBook:
    """The proofs of one backup folder, by name of the archive; one that has changed since is not proven."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, tuple[int, int, Proof]]:
        """Return size (bytes), time of change (ns) and proof of each archive; what cannot be read is left out."""
        try:
            document = json.loads(self._path.read_bytes())
            return {name: _from_json(entry) for name, entry in document.items()}
        except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
            return {}

    def write(self, name: str, size: int, modified_ns: int, proof: Proof, *, among: Mapping[str, object]) -> None:
        """Note the proof of one archive, and forget those that are no longer `among` the archives."""
        kept = {other: entry for other, entry in self.read().items() if other in among}
        kept[name] = (size, modified_ns, proof)
        document = {other: _to_json(*entry) for other, entry in kept.items()}
        write_atomically(self._path, json.dumps(document, ensure_ascii=False, indent=1).encode())


def _to_json(size: int, modified_ns: int, proof: Proof) -> dict[str, Any]:
    return {"size": size, "modified_ns": modified_ns, **asdict(proof), "at": proof.at.isoformat()}


def _from_json(entry: dict[str, Any]) -> tuple[int, int, Proof]:
    size, modified_ns = int(entry["size"]), int(entry["modified_ns"])
    fields = {key: value for key, value in entry.items() if key in Proof.__dataclass_fields__}
    fields["at"] = datetime.fromisoformat(entry["at"]).astimezone(UTC)
    # Before there was a word for it, one for which memory was short looked like any other, but that nothing answered.
    fields.setdefault("opened", bool(fields.get("asked")) or not fields.get("entries"))
    fields["recoverable"] = tuple(entry.get("recoverable", ()))
    return size, modified_ns, Proof(**fields)
