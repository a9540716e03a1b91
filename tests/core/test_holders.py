"""Who has the data open, as far as this system tells."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backup_core.holders import find_holders
from tests.clinic import Clinic
from tests.core.test_openme import leave_in_the_log

HOLD = "import sys; file = open(sys.argv[1], 'rb'); print('open', flush=True); sys.stdin.read()"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows tells nobody who has a file open")


@contextmanager
def program_with(path: Path) -> Iterator[int]:
    """Run a program that has a file open, and give its number."""
    with subprocess.Popen([sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        program.stdout.readline()
        yield program.pid
        program.communicate()


def holders(data_dir: Path) -> list[str]:
    return find_holders([data_dir / "clinic.db", data_dir / "chroma"], data_dir / "clinic.db")


def test_nobody_has_a_quiet_clinic_open(clinic: Clinic) -> None:
    assert holders(clinic.data_dir) == []


@pytest.mark.parametrize("name", ["clinic.db", "chroma/chroma.sqlite3"])
def test_a_program_with_a_store_open_is_named(clinic: Clinic, name: str) -> None:
    with program_with(clinic.data_dir / name) as pid:
        (found,) = holders(clinic.data_dir)
    assert found.endswith(f"(process {pid})")
    assert found.startswith("python")


def test_a_program_is_found_though_the_data_folder_is_a_link(clinic: Clinic, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(clinic.data_dir)
    with program_with(clinic.db) as pid:
        assert str(pid) in holders(tmp_path / "link")[0]


def test_a_program_with_another_file_open_is_not_in_the_way(clinic: Clinic) -> None:
    with program_with(clinic.settings):
        assert holders(clinic.data_dir) == []


def test_a_database_that_is_not_there_or_none_is_held_by_nobody(clinic: Clinic) -> None:
    clinic.db.write_bytes(b"no database at all" * 500)
    assert holders(clinic.data_dir) == []
    clinic.db.unlink()
    assert holders(clinic.data_dir) == []


@pytest.mark.parametrize("named", [True, False], ids=["by its variable", "by its folder"])
def test_a_program_that_runs_the_emrs_command_counts_only_if_it_means_our_data(
    clinic: Clinic, tmp_path: Path, named: bool
) -> None:
    script = "import sys; print('open', flush=True); sys.stdin.read()"
    (clinic.data_dir.parent / "main.py").write_text(script, encoding="utf-8")
    elsewhere = tmp_path / "another program"
    elsewhere.mkdir()
    (elsewhere / "main.py").write_text(script, encoding="utf-8")

    def found_in(folder: Path, data_dir: Path) -> list[str]:
        surroundings = {**os.environ, "DOCASSIST_DATA_DIR": str(data_dir)} if named else None
        with subprocess.Popen(
            [sys.executable, "main.py"],
            cwd=folder,
            env=surroundings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as program:
            assert program.stdout is not None
            program.stdout.readline()
            stores = [clinic.db, clinic.chroma]
            found = find_holders(stores, clinic.db, f"{Path(sys.executable).name} main.py")
            program.communicate()
        return found

    assert len(found_in(clinic.data_dir.parent, clinic.data_dir)) == 1
    assert found_in(elsewhere, elsewhere / "data") == []


def test_the_look_leaves_the_log_of_a_write_ahead_database_where_it_is(clinic: Clinic) -> None:
    leave_in_the_log(clinic, "Only in the log")
    left = {name: data for name, data in clinic.files().items() if name in ("clinic.db", "clinic.db-wal")}
    assert find_holders([clinic.db], clinic.db, "") == []
    assert {name: clinic.files()[name] for name in left} == left
