"""What has to hold of a scene's operation however it ends: looked at after each kill and each failure."""

import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from backup_core import archive
from backup_core.engine import BackupEngine
from backup_core.errors import BackupError
from backup_core.files import PRIVATE
from backup_core.listing import Archive
from backup_core.listing import State as Look
from backup_core.rulebook import BY_ALARM
from backup_core.runs import Outcome

from .puppet import End, Order, Puppet
from .scenes import DAMAGED, Scene
from .shim import Mode
from .state import State, state_of

#: Operations that return the name of an archive of the data as it was before.
_MAKE = ("create", "alarm", "run", "restore", "undo")
_REPLACE = ("restore", "undo", "recover")
_TIDY = ("prune", "tidy")
_SETTINGS = "settings.json"


@dataclass
class Result:
    """How many points there were, how many of them left the data mixed before recover(), and what was lost."""

    points: int = 0
    mixed: int = 0
    pending: list[int] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


class Matrix:
    """One scene's operation, done again and again on a fresh copy, and what is left of it."""

    def __init__(self, scene: Scene, puppet: Puppet, folder: Path) -> None:
        self.scene = scene
        self.result = Result()
        self.puppet = puppet
        self.data = folder / f"faulty-{scene.name}" / "data"
        self.data.parent.mkdir()
        self._sound: set[tuple[str, int, int]] = set()
        #: What the operation leaves, undisturbed: the names of its archives, and the pins before and after.
        self._left: set[str] = set()
        self._pins: list[dict[str, str]] = []
        #: Whether the data may have looked damaged, so that what to restore it from was pinned.
        self.may_guard = False

    @property
    def is_pending(self) -> bool:
        """Whether a swap was interrupted, so that recover() has to end it."""
        return (self.data / PRIVATE / "journal.json").exists()

    def order(self, operation: str = "", *, mode: Mode = Mode.OFF, at: int = 0, error: int = 0) -> Order:
        """Return an order to do the scene's operation, or another one, with this happening to it."""
        scene = self.scene
        return Order(operation or scene.operation, str(self.data), scene.archive, mode, at, error, scene.plain)

    def calls(self) -> list[str]:
        """Do the operation undisturbed and return its calls; the result has to be the one expected."""
        self.scene.copy(self.data)
        self._pins = [BackupEngine(self.data).keeper.pins]
        end, calls = self.puppet.calls(self.order())
        self._pins.append(BackupEngine(self.data).keeper.pins)
        self._left = {one.name for one in BackupEngine(self.data).archives()}
        self.expect(not end.error and not end.crash, f"undisturbed: {end}")
        self.check_done(end, "undisturbed")
        self.check_archives("undisturbed")
        changes_pins = self.scene.operation in ("pin", "alarm")
        self.expect((self._pins[0] != self._pins[1]) is changes_pins, f"undisturbed: the pins are {self._pins}")
        return calls

    def check_done(self, end: End, where: str) -> None:
        """What an operation that has returned says is so: all of it was done, and what it made holds the data."""
        waits = self.scene.operation == "arm" and bool(end.result)
        self.expect(self.is_pending is waits, f"{where}: {end}, and a restore is {self.is_pending and 'still '}pending")
        expected = self.scene.before if waits else self.scene.after
        self.expect(state_of(self.data) == expected, f"{where}: {end}, but the data is not like that")
        if self.scene.operation in _MAKE and self.scene.before:
            self.expect(end.result and self._holds_before(str(end.result)), f"{where}: {end}, but not the data in it")
        if self.scene.operation in _TIDY:
            left = {one.name for one in BackupEngine(self.data).archives()}
            self.expect(left == self._left, f"{where}: {end}, but it is not tidied up: {left ^ self._left}")
        if self.scene.operation == "pin":
            self.expect(self.scene.archive in BackupEngine(self.data).keeper.pins, f"{where}: nothing is pinned")

    def check_untouched_or_kept(self, where: str) -> None:
        """Before recover(): clinic.db is there, and the data is as it was or lies whole in a safety backup."""
        now, before, after = state_of(self.data), self.scene.before, self.scene.after
        if "clinic.db" in before:
            self.expect(now.get("clinic.db") in (before["clinic.db"], after["clinic.db"]), f"{where}: no clinic.db")
        if now != before and before and self.scene.operation in _REPLACE:
            safeties = (self.data / "backups").glob("safety_*.zip")
            kept = any(self._holds_before(path.name) for path in safeties)
            self.expect(kept, f"{where}: the data was touched before it was kept")

    def recover(self, where: str) -> None:
        """Start anew, and see that the data is wholly old or wholly new."""
        end = self.puppet.obey(self.order("recover"))
        self.expect(not end.error and not end.crash, f"{where}: recover ended with {end}")
        now = state_of(self.data)
        self.expect(
            now in (self.scene.before, self.scene.after),
            f"{where}: neither old nor new: {_differences(now, self.scene)}",
        )
        self.check_archives(where)

    def check_archives(self, where: str) -> None:
        """Every archive in the list is a whole one, those that have to stay are there, and the pins are old or new."""
        engine = BackupEngine(self.data)
        listed = engine.archives()
        gone = self.scene.survivors - {found.name for found in listed}
        self.expect(not gone, f"{where}: gone: {gone}")
        self.expect(any(found.is_good and not found.safety for found in listed), f"{where}: no good archive is left")
        pins = engine.keeper.pins
        if self.may_guard:
            pins = {name: why for name, why in pins.items() if why != BY_ALARM or name in self._pins[0]}
        self.expect(pins in self._pins, f"{where}: the pins are {engine.keeper.pins}")
        for found in listed:
            self.expect(found.state is Look.VERIFIED, f"{where}: {found.name} is {found.state}")
            self._expect_sound(found, where)

    def check_next_run(self, where: str, *, had_archives: bool = True) -> None:
        """The next backup works, and clears away whatever the run before has left.

        Where that one could not see the archives before it, it had nothing to raise an alarm by.
        """
        now = state_of(self.data)
        if "clinic.db" not in now or (self.scene.name in DAMAGED and now == self.scene.before):
            return
        end = self.puppet.obey(self.order("create"))
        self.expect(end.result, f"{where}: the next backup ended with {end}")
        work = self.data / PRIVATE
        # A note has one such name, which its next writing takes over; those of archives are new each time.
        parts = (self.data / "backups" / PRIVATE).glob("*-*.part")
        left = [*work.glob("staging/*"), *work.glob("swap/*"), *parts]
        self.expect(not left, f"{where}: left behind: {left}")
        if self.scene.operation == "alarm" and had_archives:
            self._check_alarm(where)

    def _check_alarm(self, where: str) -> None:
        """There is an alarm, with the last good archive pinned, or at least a run that says what looks wrong."""
        engine = BackupEngine(self.data)
        is_told = any(run.outcome is Outcome.MADE and run.reason for run in engine.history.runs())
        has_pin = self.scene.archive in engine.keeper.pins
        self.expect(has_pin if engine.keeper.alarm() else is_told, f"{where}: no alarm, or nothing pinned for it")

    def expect(self, holds: object, what: str) -> None:
        """Note what does not hold."""
        if not holds:
            self.result.lost.append(f"{self.scene.name}, {what}")

    def _expect_sound(self, found: Archive, where: str) -> None:
        known = (found.name, found.size, found.modified_ns)
        if known in self._sound:
            return
        try:
            archive.verify(found.path)
            self._sound.add(known)
        except BackupError as error:
            self.expect(False, f"{where}: {found.name}: {error}")

    def _holds_before(self, name: str) -> bool:
        """Return whether an archive holds the data as it was before; the settings count where they are a source."""
        found = next((one.path for one in BackupEngine(self.data).archives() if one.name == name), None)
        if found is None:
            return False
        with tempfile.TemporaryDirectory() as folder:
            archive.extract(found, Path(folder) / "kept")
            return _without_settings(state_of(Path(folder) / "kept")) == _without_settings(self.scene.before)


def _without_settings(state: State) -> State:
    # They are the user's of today, and a restore leaves them alone.
    return {name: digest for name, digest in state.items() if name != _SETTINGS}


def _differences(now: State, scene: Scene) -> str:
    def word(name: str) -> str:
        found = now.get(name)
        return next((w for w, s in (("old", scene.before), ("new", scene.after)) if s.get(name) == found), "neither")

    return json.dumps({name: word(name) for name in {*now, *scene.before, *scene.after}})
