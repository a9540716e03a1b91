"""Launchers that race for one data folder: `python -m tests.faults.launchers [ROUNDS]`, 100 unless told.

In each round some start at the same moment and one of them is ended by a signal or killed, each in turn. Always one
stays and the others end well; a life that was ended has one backup at its end, and one that follows a kill begins with
a backup.
"""

import random
import signal
import sys
import tempfile
from pathlib import Path

from backup_core.history import Trigger
from tests.desktop.clinic import Computer, computer_in, make_clinic, until

_ENDINGS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL)


class Broken(Exception):
    """What must hold does not."""


def race(computer: Computer, ending: signal.Signals, chance: random.Random) -> int:
    """Do one round and return how many launchers were started; raise Broken where something is not as it must be."""
    was_clean = (computer.data_dir / ".docassist-backup").exists() and computer.note()["ended_cleanly"]
    starts, ends = (len(computer.runs(trigger)) for trigger in (Trigger.STARTUP, Trigger.EXIT))
    racers = [computer.start("--no-browser", with_emr=False) for _ in range(chance.randint(2, 4))]
    until(lambda: sum(racer.process.poll() is None for racer in racers) <= 1, computer.log)
    staying = [racer for racer in racers if racer.process.poll() is None]
    _require(len(staying) == 1, f"{len(staying)} of {len(racers)} stayed")
    _require(all(racer.wait() == 0 for racer in racers if racer is not staying[0]), "one of the others ended badly")
    until(lambda: computer.note()["pid"] == staying[0].process.pid, computer.log)
    if not was_clean:
        until(lambda: len(computer.runs(Trigger.STARTUP)) > starts, computer.log)
    if ending is signal.SIGKILL:
        staying[0].kill()
    else:
        _require(staying[0].end(ending) == 0, f"{ending.name} ended it badly")
        _require(len(computer.runs(Trigger.EXIT)) == ends + 1, f"{ending.name}: not one backup at the end")
        _require(computer.note()["ended_cleanly"], f"{ending.name} left an end that is not clean")
    computer.launched.clear()
    return len(racers)


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise Broken(what)


def main() -> int:
    """Do the rounds, say how many launchers were started, and return 1 if a rule was broken."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    chance, started, wrong = random.Random(5), 0, 0
    with tempfile.TemporaryDirectory() as folder, computer_in(Path(folder)) as computer:
        computer.open_clinic(make_clinic(Path(folder) / "made"))
        for number in range(rounds):
            try:
                started += race(computer, _ENDINGS[number % len(_ENDINGS)], chance)
            except (Broken, AssertionError) as problem:
                wrong += 1
                sys.stdout.write(f"  round {number}: {problem}\n{computer.log()}\n")
                computer.tidy()
    sys.stdout.write(f"{rounds} races, {started} launchers, {wrong} wrong\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
