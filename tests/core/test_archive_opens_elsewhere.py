"""An archive is an ordinary ZIP: programs that know nothing of us unpack it, byte for byte."""

import json
import os
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from backup_core import archive
from backup_core.manifest import MANIFEST_NAME, Manifest

FILES = {
    "clinic.db": b"SQLite format 3\0" + b"an ordinary row\n" * 200_000,
    "chroma/chroma.sqlite3": b"SQLite format 3\0" + bytes(range(256)) * 300,
    "chroma/0f3c/data_level0.bin": os.urandom(3_000_000),
    "chroma/0f3c/link_lists.bin": b"",
    "prescriptions/Zoë Müller – 2026.pdf": b"%PDF-1.7",
    "prescriptions/राम.pdf": b"%PDF-1.7",
}
PYTHON = [sys.executable, "-m", "zipfile", "-e"]
JAR = ["java", "-m", "jdk.jartool/sun.tools.jar.Main"]
ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8"}


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of `FILES` and of an empty folder."""
    staging = tmp_path_factory.mktemp("staging")
    for name, content in FILES.items():
        path = staging / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (staging / "chroma" / "empty").mkdir()
    path = tmp_path_factory.mktemp("made") / "backup_2026-01-31_18-00-00.zip"
    made = datetime(2026, 1, 31, 17, 0, tzinfo=UTC)
    archive.pack(
        staging, path, lambda members: Manifest(made.replace(tzinfo=None), created_at_utc=made, members=members)
    )
    return path


@pytest.mark.parametrize("check", [["unzip", "-tq"], ["7z", "t"], ["bsdtar", "-tf"], [*JAR, "tf"]], ids=" ".join)
def test_a_program_that_tests_zips_finds_no_fault(packed: Path, check: list[str]) -> None:
    done = subprocess.run([*check, packed], env=ENVIRONMENT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower()


@pytest.mark.parametrize(
    "unpack",
    [["unzip", "-q"], ["7z", "x"], ["bsdtar", "-xf"], [*JAR, "xf"], PYTHON],
    ids=["unzip", "7z", "bsdtar", "java", "python"],
)
def test_a_program_that_unpacks_zips_gets_every_byte(packed: Path, tmp_path: Path, unpack: list[str]) -> None:
    where = ["."] if unpack == PYTHON else []
    subprocess.run([*unpack, packed, *where], cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.DEVNULL, check=True)

    unpacked = {
        path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()
    }
    manifest = json.loads(unpacked.pop(MANIFEST_NAME))
    assert unpacked == FILES
    assert (tmp_path / "chroma" / "empty").is_dir()
    digests = {member["name"]: member["sha256"] for member in manifest["members"]}
    assert digests == {name: sha256(data).hexdigest() for name, data in {**FILES, "chroma/empty/": b""}.items()}


def test_older_code_reads_the_keys_that_it_knows(packed: Path) -> None:
    with zipfile.ZipFile(packed) as opened:
        manifest = json.loads(opened.read(MANIFEST_NAME))

    assert datetime.fromisoformat(manifest["created_at"]) == datetime(2026, 1, 31, 17, 0)  # noqa: DTZ001 - as it was
    assert manifest["version"] == "1.0"
    assert {"patient_count", "visit_count", "app_version"} <= manifest.keys()
