"""The page in each archive: somebody without us, in ten years, does what it says and has the data back."""

import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from backup_core import BackupEngine
from backup_core.manifest import MANIFEST_NAME
from backup_core.openme import NAME, page
from tests.clinic import PATIENTS, Clinic


def follow(archive: Path, work: Path, data_dir: Path) -> str:
    """Unpack an archive by the system's own program, do what its page says, and return the page."""
    subprocess.run(["unzip", "-q", archive, "-d", work], check=True)
    text = (work / NAME).read_text()
    removed = " and ".join(
        re.findall(r"In the data folder, remove (.+?)(?: if they are there)?\.$", text, re.MULTILINE)
    )
    names = re.split(r", | and ", removed)
    assert {"clinic.db-wal", "clinic.db-shm", "clinic.db-journal", "the folder chroma"} <= set(names)
    for name in names:
        if name.startswith("the folder "):
            shutil.rmtree(data_dir / name.removeprefix("the folder "))
        else:
            (data_dir / name).unlink(missing_ok=True)
    assert f"except this page and {MANIFEST_NAME}" in " ".join(text.split())
    for path in work.iterdir():
        is_there = path.name == "settings.json" and (data_dir / path.name).exists()
        if path.name in (NAME, MANIFEST_NAME) or is_there:
            continue
        if path.is_dir():
            shutil.copytree(path, data_dir / path.name, dirs_exist_ok=True)
        else:
            shutil.copy(path, data_dir / path.name)
    return text


def leave_in_the_log(clinic: Clinic, name: str) -> None:
    """Admit a patient, and cut the power before that has moved from the log into the database."""
    aside = clinic.data_dir / "aside"
    with closing(sqlite3.connect(clinic.db)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        with database:
            database.execute("INSERT INTO patients (uhid, name) VALUES ('T', ?)", (name,))
        aside.mkdir()
        for path in clinic.data_dir.glob("clinic.db*"):
            shutil.copy(path, aside)
    for path in aside.iterdir():
        path.replace(clinic.data_dir / path.name)
    aside.rmdir()


def without_index(clinic: Clinic) -> dict[str, bytes]:
    """Return the files of a clinic but the index of the log, which every look at the database writes anew."""
    return {name: data for name, data in clinic.files().items() if name != "clinic.db-shm"}


@pytest.mark.parametrize("is_raw", [False, True])
def test_the_page_is_a_few_plain_lines(is_raw: bool) -> None:
    lines = page(is_raw=is_raw).splitlines()
    assert 12 <= len([line for line in lines if line]) <= 16
    assert max(len(line) for line in lines) < 120
    assert page(is_raw=is_raw).isascii()
    assert {number: sum(line.startswith(f" {number}. ") for line in lines) for number in range(1, 7)} == dict.fromkeys(
        range(1, 7), 1
    )


def test_a_backup_is_restored_by_hand_as_its_page_says(engine: BackupEngine, clinic: Clinic, tmp_path: Path) -> None:
    (clinic.data_dir / "letters").mkdir()
    (clinic.data_dir / "letters" / "a.txt").write_text("Dear colleague")
    engine.protect(["letters"])
    archive, rows, plain = engine.create(), clinic.rows(), clinic.plain_files()
    clinic.settings.write_text('{"changed": "since"}')
    shutil.rmtree(clinic.data_dir / "letters")
    leave_in_the_log(clinic, "Later")
    # What is in the log of today would be written over the restored database.
    assert (clinic.data_dir / "clinic.db-wal").stat().st_size

    follow(archive.path, tmp_path / "unzipped", clinic.data_dir)

    assert clinic.rows() == rows
    assert clinic.plain_files() == {**plain, "settings.json": b'{"changed": "since"}'}


def test_a_raw_safety_backup_is_restored_by_hand_with_what_was_in_its_log(
    engine: BackupEngine, clinic: Clinic, tmp_path: Path
) -> None:
    archive = engine.create()
    leave_in_the_log(clinic, "Only in the log")
    vectors = clinic.chroma / "chroma.sqlite3"
    vectors.write_bytes(vectors.read_bytes()[:5000] + b"\xa5" * 20_000)
    left = without_index(clinic)
    safety = engine.find(str(engine.restore(archive).safety))
    assert safety.manifest is not None
    assert safety.manifest.is_raw
    assert len(clinic.names()) == PATIENTS

    text = follow(safety.path, tmp_path / "unzipped", clinic.data_dir)

    assert "Copy every file from here whose name begins with clinic.db" in text
    assert without_index(clinic) == left
    assert clinic.names()[-1] == "Only in the log"
