"""While the EMR's writers are held nothing in this process may open a live database but SQLite: it would free them."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.clinic import Clinic

LOCKED = "database is locked"


def watched(use: str, clinic: Clinic) -> dict[str, Any]:
    """Return what a process has seen that uses the engine or the EMR's interface in every way."""
    command = [sys.executable, "-m", "tests.faults.watched", use, str(clinic.data_dir)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


@pytest.mark.parametrize("use", ["engine", "frozen", "service"])
def test_no_live_database_is_opened_but_by_sqlite_while_this_process_has_it_open(use: str, clinic: Clinic) -> None:
    assert watched(use, clinic)["opened_while_connected"] == []


def test_the_interface_of_the_emr_never_opens_a_live_database_but_by_sqlite(clinic: Clinic) -> None:
    assert watched("service", clinic)["opened"] == []


@pytest.mark.parametrize("use", ["engine", "frozen", "service"])
def test_another_program_cannot_write_while_the_writers_are_held_whatever_runs_meanwhile(
    use: str, clinic: Clinic
) -> None:
    seen = watched(use, clinic)
    assert len(seen["tries"]) > 0
    assert seen["tries"] == [[LOCKED, LOCKED]] * len(seen["tries"])
    assert seen["afterwards"] == ["written", "written"]


def test_a_plain_open_would_be_noticed_and_does_free_the_writers(clinic: Clinic) -> None:
    code = (
        "import sys; from pathlib import Path; from backup_core.livedb import LiveDatabase\n"
        "from tests.faults.watched import Neighbour, Watch\n"
        "data = Path(sys.argv[1]); watch = Watch(data); neighbour = Neighbour(data)\n"
        "with LiveDatabase(data / 'clinic.db') as live:\n"
        "    live.freeze(5); before = neighbour.tries()[0]; (data / 'clinic.db').open('rb').close()\n"
        "    print(before, '|', neighbour.tries()[0], '|', *watch.opened_while_connected)"
    )
    done = subprocess.run([sys.executable, "-c", code, clinic.data_dir], check=True, stdout=subprocess.PIPE, text=True)
    assert done.stdout.strip() == f"{LOCKED} | written | {clinic.db}"
