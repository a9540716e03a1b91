"""Try the built programs as a clinic would use them, with a sample clinic in a folder of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

#: Seconds until something that should happen has to have happened, on a slow machine.
_PATIENCE = 120.0


def try_out(programs: Path, folder: Path) -> None:
    """Run the self-test, the demo, its first backup and proof, and its end; raise where one fails."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    Trial(programs, folder).run()


class Trial:
    """One trial, for a user of its own who has no Python."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._data = folder / "sample clinic"
        end = ".exe" if os.name == "nt" else ""
        self._tray, self._backup = (programs / f"{name}{end}" for name in ("docassist-tray", "docassist-backup"))
        self._environment = _environment(folder)

    def run(self) -> None:
        """Do all of it, saying what was seen."""
        report = self._ask("selftest")
        _say(f"Self-test: {len(report['steps'])} steps passed")
        began = time.monotonic()
        launcher = self._launch()
        made = _until(self._archives)
        _say(f"Demo: first backup, {made[0]['patients']} patients, {time.monotonic() - began:.1f} s after the start")
        proof = self._ask("prove", made[0]["name"])
        _say(f"Proof: {proof['patients']} patients, {proof['asked']} search entries answer")
        launcher.kill()
        launcher.wait(_PATIENCE)
        launcher = self._launch()
        _until(lambda: self._runs("startup") >= 2)
        _say("Killed and started again: it begins with a backup")
        if os.name != "nt":
            launcher.send_signal(signal.SIGTERM)
            if launcher.wait(_PATIENCE) != 0 or self._runs("exit") != 1:
                raise SystemExit("the launcher did not end with one last backup")
            _say("Ended: one last backup, status 0")
        else:
            launcher.kill()

    def _launch(self) -> "subprocess.Popen[bytes]":
        options = ["--demo", "--no-icon", "--no-browser", "--data-dir", str(self._data)]
        return subprocess.Popen(
            [self._tray, *options], env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )

    def _ask(self, *words: str) -> Any:
        command = [self._backup, "--data-dir", self._data, "--json", *words]
        asked = subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=_PATIENCE)
        if asked.returncode:
            raise SystemExit(f"{' '.join(words)}: {asked.stdout}{asked.stderr}")
        return json.loads(asked.stdout)

    def _archives(self) -> list[dict[str, Any]]:
        if not (self._data / "backups").is_dir():
            return []
        return list(self._ask("list")["backups"])

    def _runs(self, trigger: str) -> int:
        history = self._data / ".docassist-backup" / "history.jsonl"
        lines = history.read_text(encoding="utf-8").splitlines() if history.exists() else []
        return sum(json.loads(line)["trigger"] == trigger for line in lines)


def _environment(folder: Path) -> Mapping[str, str]:
    """Return an environment whose user has folders of their own, and no way to a Python."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "XDG_"))}
    home = folder / "home"
    home.mkdir()
    paths = {"PATH": os.pathsep.join(("/usr/bin", "/bin"))} if os.name != "nt" else {}
    return {**kept, **paths, "HOME": str(home), "LOCALAPPDATA": str(home), "APPDATA": str(home)}


def _until(look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + _PATIENCE
    while not (found := look()):
        if time.monotonic() > deadline:
            raise SystemExit(f"waited {_PATIENCE:.0f} s in vain")
        time.sleep(0.5)
    return found


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
