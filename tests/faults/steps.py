"""The steps that Python tells of before it takes them, on any system: each can be counted, refused or held."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.audit import listening

RENAMES = ("os.rename", "os.remove", "os.rmdir", "shutil.rmtree")
STEPS = (*RENAMES, "open", "os.mkdir", "os.link", "os.listdir", "os.scandir", "sqlite3.connect", "shutil.copyfile")


class Steps:
    """Counts the steps of this process inside a folder, and does `act` at those from `first` to `last`."""

    def __init__(self, folder: Path, act: Callable[[str], None], kinds: tuple[str, ...] = STEPS) -> None:
        self.count = 0
        self.first = self.last = 0
        self._folder = str(folder)
        self._act = act
        self._kinds = kinds

    @contextmanager
    def counting(self, first: int, last: int) -> Iterator[None]:
        """Count in the block; 0 for steps that none has."""
        self.count, self.first, self.last = 0, first, last
        with listening(self._see):
            yield

    def _see(self, event: str, values: tuple[Any, ...]) -> None:
        if event in self._kinds and self._is_meant(event, values):
            self.count += 1
            if self.first <= self.count <= self.last:
                self._act(event)

    def _is_meant(self, event: str, values: tuple[Any, ...]) -> bool:
        """Return whether a step touches something in the folder: what is not there is not there for any disk."""
        path = os.fsdecode(values[0]) if isinstance(values[0], (str, bytes, os.PathLike)) else ""
        makes = event != "os.remove" and not (event == "open" and not values[2] & os.O_CREAT)
        return self._folder in path and (makes or os.path.lexists(path))
