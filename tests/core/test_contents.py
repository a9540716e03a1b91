"""What a copied database holds: a fault of this PC is never taken for a fault of the copy."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from backup_core.children import ROOT
from backup_core.contents import check_integrity, is_damage
from tests.clinic import Clinic


def test_a_damaged_copy_is_told_and_one_that_cannot_be_opened_now_is_no_damage(clinic: Clinic, tmp_path: Path) -> None:
    assert check_integrity(clinic.db) == ""
    spoilt = tmp_path / "spoilt.db"
    spoilt.write_bytes(b"no database at all" * 1000)
    assert check_integrity(spoilt) == "file is not a database"
    with pytest.raises(sqlite3.OperationalError, match="unable to open") as raised:
        check_integrity(tmp_path / "away.db")
    assert not is_damage(raised.value)


@pytest.mark.parametrize("call", ["check_integrity(path)", "read_contents(path.parent)"])
def test_too_little_memory_is_no_damage_and_leaves_no_table_out(call: str, clinic: Clinic) -> None:
    code = f"""
        import pathlib, sqlite3, sys
        from backup_core.contents import *
        path = pathlib.Path(sys.argv[1])
        sqlite3.connect(":memory:").execute("PRAGMA hard_heap_limit = 90000")
        try:
            print({call})
        except (sqlite3.OperationalError, MemoryError) as error:
            print("refused")
        """
    code = "\n".join(line.removeprefix("        ") for line in code.splitlines())
    done = subprocess.run(
        [sys.executable, "-c", code, str(clinic.db)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "refused\n"
