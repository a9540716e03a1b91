"""What the set-up remembers between two pages; in memory, for one person at a time."""

import hashlib
import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

from flask import current_app

from backup_core.folders import Listing, Place, drives, home_places, list_folder
from backup_core.listing import Archive

from .guide import Guide


class Purpose(StrEnum):
    """What a folder, or a file, is chosen for."""

    RECORDS = "records"
    BACKUPS = "backups"
    ARCHIVE = "archive"
    #: Where the records of a new PC will lie.
    HOME = "home"


@dataclass(frozen=True)
class Draft:
    """What was decided up to now."""

    data_dir: Path | None = None
    emr_command: str = ""
    emr_dir: str = ""
    #: Whether the question how DocAssist is started was answered, and whether that of the habits was.
    has_command: bool = False
    has_habits: bool = False
    backup_dir: Path | None = None
    at_login: bool = True
    silence: bool = True
    #: The backup to begin with on a new PC, whether every byte of it was checked, and where its records will lie.
    archive: Archive | None = None
    is_checked: bool = False
    home: Path | None = None


@dataclass(frozen=True)
class Chooser:
    """The list of folders that is open: what for, and where it stands; None is before the first step."""

    purpose: Purpose
    at: Path | None = None


class Office:
    """The set-up of one launcher. All methods may be called from any thread."""

    def __init__(self, guide: Guide) -> None:
        self.guide = guide
        self._guard = threading.Lock()
        self._draft = Draft()
        self._chooser: Chooser | None = None

    @property
    def draft(self) -> Draft:
        """What was decided up to now."""
        with self._guard:
            return self._draft

    def decide(self, **decided: Any) -> None:
        """Take up decisions, named as the draft's fields."""
        with self._guard:
            self._draft = replace(self._draft, **decided)

    @property
    def chooser(self) -> Chooser | None:
        """The list of folders that is open, if any."""
        with self._guard:
            return self._chooser

    def choose_at(self, purpose: Purpose, at: Path | None) -> None:
        """Open the list of folders for a purpose, at a folder or before the first step."""
        with self._guard:
            self._chooser = Chooser(purpose, at)


def office() -> Office:
    """Return the office of the application that handles this request."""
    return cast(Office, current_app.extensions["setup"])


def key_of(path: Path) -> str:
    """Return what a request names a path by: it can only name what it was shown, and the address tells nothing."""
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:32]


def named(key: str, paths: Iterable[Path]) -> Path | None:
    """Return the one of `paths` that `key` names, or None."""
    return next((path for path in paths if key_of(path) == key), None)


def beginnings() -> tuple[list[Place], list[Place]]:
    """Return where a look through the folders can begin: the user's own, and the drives."""
    return home_places(), drives()


def listing(chooser: Chooser) -> Listing | None:
    """Return what the list of folders shows, or None before its first step."""
    if chooser.at is None:
        return None
    is_wanted = chooser.purpose is Purpose.ARCHIVE
    return list_folder(chooser.at, lambda name: is_wanted and name.lower().endswith(".zip"))
