"""Who takes part in each contest: ours first, then what else one would use, as far as it is installed.

Each keeps what it makes in a folder of its own below `out`, from its first backup to its restores.
"""

import shlex
import shutil
import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from tests.benchmarks.contest import Contestant
from tests.benchmarks.stopwatch import lap

_OURS = [sys.executable, "-m", "tests.benchmarks.ours"]
_EMRS = [sys.executable, "-m", "tests.benchmarks.emrway"]
_UNPACKS = "(unpacks only)"


def ours(
    data: Path, verb: str, name: str = "DocAssist Backup", prepare: Callable[[], None] = lambda: None
) -> Contestant:
    """Return ours, doing what `tests.benchmarks.ours` calls `verb`."""
    return Contestant(name, prepare, [*_OURS, verb, str(data)])


def first_backup(data: Path) -> Contestant:
    """Return ours making the first backup of `data`, each time as if there had been none."""
    return ours(data, "create", "DocAssist Backup (verified)", lambda: forget(data))


def first_backups(data: Path, out: Path) -> list[Contestant]:
    """Return those that make the first backup of `data`, into `out`."""
    stores = _stores(data)

    def fresh(name: str, *command: str) -> Callable[[], None]:
        def prepare() -> None:
            shutil.rmtree(out / name, ignore_errors=True)
            (out / name).mkdir(parents=True)
            if command:
                lap(command, _environment(out))

        return prepare

    emrs = [*_EMRS, "create", str(data), str(out / "emr")]
    archive = str(out / "7z" / "z.7z")
    found = [
        first_backup(data),
        Contestant("the EMR's own way", fresh("emr"), emrs),
        Contestant("cp", fresh("cp"), ["cp", "-r", *stores, str(out / "cp")]),
        Contestant(
            "zip", fresh("zip"), ["zip", "-q", "-r", str(out / "zip" / "z.zip"), "clinic.db", "chroma"], folder=data
        ),
        Contestant("7-Zip", fresh("7z"), ["7z", "a", "-bso0", "-bsp0", archive, *stores], is_slow=True),
        Contestant(
            "borg (lz4)",
            fresh("borg", "borg", "init", "-e", "none", _borg(out)),
            ["borg", "create", "--compression", "lz4", f"{_borg(out)}::one", *stores],
            _environment(out),
        ),
        Contestant(
            "restic", fresh("restic", *_restic(out), "init"), [*_restic(out), "backup", *stores], _environment(out)
        ),
    ]
    return _installed(found)


def checked_backups(data: Path, out: Path) -> list[Contestant]:
    """Return those that make the first backup and can read all of it again; ours has in any case."""
    first, *others = first_backups(data, out)
    checks = {
        "zip": ["unzip", "-tq", str(out / "zip" / "z.zip")],
        "borg (lz4)": ["borg", "check", "--verify-data", _borg(out)],
        "restic": [*_restic(out), "check", "--read-data"],
    }
    able = [one for one in others if one.name in checks and shutil.which(checks[one.name][0])]
    return [first, *(_then(one, checks[one.name]) for one in able)]


def _then(one: Contestant, check: Sequence[str]) -> Contestant:
    """Return a contestant that reads again, by its own means, what it has made."""
    both = f"{shlex.join(one.command)} && {shlex.join(check)}"
    return replace(one, name=f"{one.name}, read again", command=["sh", "-c", both])


def unchanged_runs(data: Path, out: Path) -> list[Contestant]:
    """Return those that find out by themselves that nothing was written since their first backup."""
    stores = _stores(data)
    borgs = ["borg", "create", "--compression", "lz4", f"{_borg(out)}::{{now:%H%M%S%f}}", *stores]
    return _installed(
        [
            ours(data, "unchanged"),
            Contestant("borg, second run", lambda: None, borgs, _environment(out)),
            Contestant("restic, second run", lambda: None, [*_restic(out), "backup", *stores], _environment(out)),
        ]
    )


def restores(data: Path, out: Path) -> list[Contestant]:
    """Return ours, with something written since the newest backup and without, and the others' ways.

    The EMR's own once as it is, and once with a backup of today's data made first, as ours has in any case.
    """

    def write() -> None:
        _keep_the_first(data)
        with closing(sqlite3.connect(data / "clinic.db")) as database, database:
            database.execute("INSERT INTO visits (patient_id, clinical_notes) VALUES (1, 'benchmark')")

    def back_up() -> None:
        _keep_the_first(data)
        lap([*_OURS, "create", str(data)])

    def no_backup_of_today() -> None:
        shutil.rmtree(out / "emr" / "today", ignore_errors=True)

    emrs = [str(data), str(out / "emr")]
    own_ways = [
        ours(data, "restore", "DocAssist Backup, with a new safety backup", write),
        ours(data, "restore", "DocAssist Backup, nothing written since the newest backup", back_up),
        Contestant("the EMR's own way after a backup", no_backup_of_today, [*_EMRS, "restore-after-backup", *emrs]),
        Contestant("the EMR's own way alone", lambda: None, [*_EMRS, "restore", *emrs]),
    ]
    return [*own_ways, *_unpackers(out)]


def forget(data: Path) -> None:
    """Remove all that ours has made."""
    for name in ("backups", ".docassist-backup"):
        shutil.rmtree(data / name, ignore_errors=True)


def _unpackers(out: Path) -> list[Contestant]:
    """Return the other tools, each unpacking what it has made into an empty folder, and no more than that."""
    target = out / "unpacked"

    def empty() -> None:
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()

    archives = {"borg": out / "borg", "restic": out / "restic", "unzip": out / "zip", "7z": out / "7z"}
    restic = [*_restic(out), "restore", "latest", "--target", str(target)]
    found = [
        Contestant(
            f"borg extract {_UNPACKS}", empty, ["borg", "extract", f"{_borg(out)}::one"], _environment(out), target
        ),
        Contestant(f"restic restore {_UNPACKS}", empty, restic, _environment(out)),
        Contestant(f"unzip {_UNPACKS}", empty, ["unzip", "-q", str(out / "zip" / "z.zip"), "-d", str(target)]),
        Contestant(
            f"7-Zip {_UNPACKS}",
            empty,
            ["7z", "x", "-bso0", "-bsp0", f"-o{target}", str(out / "7z" / "z.7z")],
            is_slow=True,
        ),
    ]
    return [one for one in _installed(found) if archives[one.command[0]].is_dir()]


def _keep_the_first(data: Path) -> None:
    """Remove all backups but the oldest, which is the one to be restored: each takes room on the disk."""
    for archive in sorted((data / "backups").glob("*.zip"), key=lambda path: path.stat().st_mtime_ns)[1:]:
        archive.unlink()


def _stores(data: Path) -> list[str]:
    return [str(data / "clinic.db"), str(data / "chroma")]


def _borg(out: Path) -> str:
    return str(out / "borg" / "repository")


def _restic(out: Path) -> list[str]:
    return ["restic", "-q", "-r", str(out / "restic" / "repository")]


def _environment(out: Path) -> dict[str, str]:
    """Return what borg and restic are told: no questions, and what they keep elsewhere is kept here."""
    return {
        "RESTIC_PASSWORD": "benchmark",
        "RESTIC_CACHE_DIR": str(out / "restic" / "cache"),
        "BORG_BASE_DIR": str(out / "borg" / "base"),
        "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
        "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes",
    }


def _installed(contestants: Sequence[Contestant]) -> list[Contestant]:
    return [one for one in contestants if shutil.which(one.command[0])]
