"""What the user wants of the archives in one backup folder: how many to keep, and which ones for ever.

It lies in that folder, so that page, launcher, command line and the EMR's own interface obey the same.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .errors import RepositoryUnusable
from .files import private_folder, translating, write_atomically
from .retention import Policy
from .text import _

#: Why an archive is pinned: by the user's wish, or because something looked wrong after it.
BY_HAND = "by-hand"
BY_ALARM = "alarm"


class RuleBook:
    """The rules of one backup folder; the repository's lock is held by whoever writes.

    Reading raises RepositoryUnusable where the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def policy(self) -> Policy | None:
        """How many archives to keep; None where nobody has said, or the file is spoilt."""
        try:
            return Policy(**self._read()["policy"])
        except (KeyError, TypeError, ValueError):
            return None

    @policy.setter
    def policy(self, policy: Policy) -> None:
        self._write({**self._read(), "policy": asdict(policy)})

    @property
    def pins(self) -> dict[str, str]:
        """The archives that are never pruned, by name, with BY_HAND or BY_ALARM."""
        pins = self._read().get("pins")
        return {str(name): str(reason) for name, reason in pins.items()} if isinstance(pins, dict) else {}

    @pins.setter
    def pins(self, pins: Mapping[str, str]) -> None:
        self._write({**self._read(), "pins": dict(pins)})

    def _read(self) -> dict[str, Any]:
        # A file that is there and cannot be read is no empty one: what it pins would be deleted.
        with translating(RepositoryUnusable, _("How many backups to keep could not be read from their folder")):
            try:
                document = json.loads(self._path.read_bytes())
            except (FileNotFoundError, ValueError):
                return {}
        return document if isinstance(document, dict) else {}

    def _write(self, document: Mapping[str, Any]) -> None:
        private_folder(self._path.parent)
        write_atomically(self._path, json.dumps(document, indent=1).encode())
