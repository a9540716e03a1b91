"""What the user wants of the archives in one backup folder: how many to keep, and which ones for ever.

It lies in that folder, so that page, launcher, command line and the EMR's own interface obey the same. Each change is
written to a copy first: rules that a disk has spoilt are those of the copy, and where both are spoilt, all archives
that are there are kept for ever, for any of them may be one that the user wanted to keep.
"""

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from .errors import RepositoryUnusable
from .files import own_folder, replace, translating, write_atomically
from .retention import Policy
from .text import _

logger = logging.getLogger(__name__)

#: Why an archive is pinned: by the user's wish, or because something looked wrong after it.
BY_HAND = "by-hand"
BY_ALARM = "alarm"

#: What reading notes raises that are no longer what was written.
_SPOILT = (ValueError, TypeError, RecursionError)


class RuleBook:
    """The rules of one backup folder; the repository's lock is held by whoever writes.

    `names` gives those of the archives that are there. Reading raises RepositoryUnusable where the disk refuses.
    """

    def __init__(self, path: Path, names: Callable[[], Iterable[str]]) -> None:
        self._path = path
        self._copy = path.with_name(f"{path.name}.copy")
        self._names = names

    @property
    def policy(self) -> Policy | None:
        """How many archives to keep; None where nobody has said, or that cannot be read."""
        rules = self._read()
        return _policy(rules["policy"]) if "policy" in rules else None

    @policy.setter
    def policy(self, policy: Policy) -> None:
        self._write({**self._read(), "policy": asdict(policy)})

    @property
    def pins(self) -> dict[str, str]:
        """The archives that are never pruned, by name, with BY_HAND or BY_ALARM."""
        return {str(name): str(reason) for name, reason in self._read().get("pins", {}).items()}

    @pins.setter
    def pins(self, pins: Mapping[str, str]) -> None:
        self._write({**self._read(), "pins": dict(pins)})

    def mend(self) -> str:
        """Write rules anew that are spoilt, and put what is left of them aside; return a sentence on it, or "".

        Raise RepositoryUnusable where the disk refuses.
        """
        with translating(RepositoryUnusable, _("How many backups to keep could not be written into their folder")):
            return self._mend()

    def _mend(self) -> str:
        whole, spoilt = self._look()
        if self._path in whole:
            if self._copy not in whole:
                # Rules of a version that made none, or a copy that was spoilt.
                self._write(whole[self._path])
            return ""
        if not spoilt:
            return ""
        self._write(self._read())
        if whole:
            return _("The list of backups to keep for ever was damaged. Its copy is used; nothing was lost.")
        return _(
            "The list of backups to keep for ever was damaged, so all backups that were there are kept for ever now. "
            "Please end that for those that you do not need."
        )

    def _read(self) -> dict[str, Any]:
        whole, spoilt = self._look()
        for path in (self._path, self._copy):
            if path in whole:
                return whole[path]
        return {"pins": dict.fromkeys(self._names(), BY_HAND)} if spoilt else {}

    def _look(self) -> tuple[dict[Path, dict[str, Any]], list[Path]]:
        """Return what the file and its copy hold, as far as they are there and whole, and which are spoilt."""
        whole: dict[Path, dict[str, Any]] = {}
        spoilt: list[Path] = []
        # A file that is there and cannot be read is no empty one: what it pins would be deleted.
        with translating(RepositoryUnusable, _("How many backups to keep could not be read from their folder")):
            for path in (self._path, self._copy):
                try:
                    whole[path] = _document(path.read_bytes())
                except FileNotFoundError:
                    pass
                except _SPOILT:
                    spoilt.append(path)
        return whole, spoilt

    def _write(self, document: Mapping[str, Any]) -> None:
        own_folder(self._path.parent.parent)
        spoilt = self._look()[1]
        # The copy first: of the two one is whole at any time, and none is behind what has been promised. While both are
        # spoilt, one stays so until the other is whole: it says that everything is to be kept.
        for path in (self._copy, self._path):
            if path in spoilt:
                logger.warning("%s is spoilt; it is written anew, and put aside as it is", path)
                replace(path, path.with_name(f"{path.name}.spoilt"))
            write_atomically(path, json.dumps(document, indent=1).encode())


def _document(data: bytes) -> dict[str, Any]:
    """Return rules as they were written; raise one of _SPOILT where they are something else."""
    document = json.loads(data)
    if not isinstance(document, dict) or not isinstance(document.get("pins", {}), dict):
        raise ValueError("no rules")
    if "policy" in document:
        _policy(document["policy"])
    return document


def _policy(written: object) -> Policy:
    """Return a policy; what a later version has to say in it beyond what this one knows is left out."""
    if not isinstance(written, dict):
        raise TypeError("no policy")
    known = {field.name for field in fields(Policy)}
    return Policy(**{name: int(number) for name, number in written.items() if name in known})
