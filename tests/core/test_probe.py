"""A copied store is opened in a child process: what happens to the child there is told from what is in the store."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from backup_core import BackupEngine
from backup_core.children import ROOT
from backup_core.errors import BackupError
from backup_core.listing import State
from backup_core.probe import ask
from backup_core.progress import ignore
from tests.clinic import Clinic

#: Begins the code of a child that says that it can open the store.
READY = "import os, signal, sys; print('{\"ready\": true}', flush=True); sys.stdin.readline()\n"
Be = Callable[[str], None]


@pytest.fixture
def be(monkeypatch: pytest.MonkeyPatch) -> Be:
    """Let the child be a process that does something else."""

    def put(code: str) -> None:
        monkeypatch.setattr("backup_core.probe.command", lambda module: [sys.executable, "-c", textwrap.dedent(code)])

    return put


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT", "SIGHUP", "SIGILL"])
def test_a_child_that_somebody_has_ended_says_nothing_against_the_backup(
    name: str, engine: BackupEngine, be: Be
) -> None:
    made = engine.create()
    number = int(getattr(signal, name))
    be(READY + f"signal.signal({number}, signal.SIG_DFL) if {number} != 9 else 0; os.kill(os.getpid(), {number})")
    with pytest.raises(BackupError, match="could not be opened just now") as raised:
        engine.prove(made)
    assert raised.value.hint == "It is tried again by itself."
    assert engine.find(made.name).state is State.VERIFIED


@pytest.mark.parametrize(
    "code",
    [
        "import no_such_package",
        "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
        READY + "raise MemoryError",
        READY + "print('memory allocation of 99 bytes failed', file=sys.stderr, flush=True); os.abort()",
        READY + "raise RuntimeError('Error loading index: Too many open files (os error 24)')",
        READY + "raise RuntimeError('error returned from database: (code: 10) disk I/O error')",
    ],
)
def test_a_pc_that_lacks_what_it_takes_says_nothing_against_the_backup(code: str, engine: BackupEngine, be: Be) -> None:
    made = engine.create()
    be(code)
    with pytest.raises(BackupError, match="could not be opened just now"):
        engine.prove(made)
    assert engine.find(made.name).state is State.VERIFIED


def test_a_child_that_died_is_tried_again_from_clean_files_before_it_counts(
    engine: BackupEngine, be: Be, tmp_path: Path
) -> None:
    made, marks = engine.create(), tmp_path / "marks"
    be(
        f"""
        import os, runpy, signal, sys
        with open({str(marks)!r}, "a") as marks:
            marks.write("x")
        if os.path.getsize({str(marks)!r}) == 1:
            print('{{"ready": true}}', flush=True)
            os.kill(os.getpid(), signal.SIGSEGV)
        runpy.run_module("backup_core.chromaprobe", run_name="__main__")
        """
    )
    assert engine.prove(made).is_full
    assert marks.read_text() == "xx"


def test_a_store_that_brings_its_child_down_twice_is_damaged_and_can_be_found_good_again(
    engine: BackupEngine, be: Be, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = engine.create()
    with monkeypatch.context():
        be(READY + "os.kill(os.getpid(), signal.SIGSEGV)")
        proof = engine.prove(made)
    assert "cannot be opened" in proof.problem
    assert "clinic.db" in proof.recoverable
    assert "chroma" not in proof.recoverable, "what does not open is not still whole"
    assert engine.find(made.name).state is State.DAMAGED

    monkeypatch.undo()
    assert engine.prove(engine.find(made.name)).is_full
    assert engine.find(made.name).state is State.PROVEN


@pytest.mark.parametrize(
    "words",
    [
        "Error creating hnsw segment reader: Error loading hnsw index",
        "Internal error: Error getting embedding",
        "Internal error: Error querying knn",
        "Internal error: Error finding id",
        "Error deserializing pickle file: unresolved global reference",
        "error returned from database: (code: 11) database disk image is malformed",
    ],
)
def test_what_chroma_says_of_damaged_files_is_damage(words: str, engine: BackupEngine, be: Be) -> None:
    made = engine.create()
    be(READY + f"raise RuntimeError({words!r})")
    assert words in engine.prove(made).problem
    assert engine.find(made.name).state is State.DAMAGED


@pytest.mark.parametrize(
    "words",
    [
        "Could not deserialize schema",
        "Database error: (code: 1) no such column: collections.config_json_str",
        "something that a later version says",
    ],
)
def test_a_store_of_another_version_of_chroma_is_counted_and_not_called_damaged(
    words: str, engine: BackupEngine, be: Be
) -> None:
    made = engine.create()
    be(READY + f"raise RuntimeError({words!r})")
    proof = engine.prove(made)
    assert (proof.ok, proof.opened, proof.asked) == (True, False, 0)
    assert proof.entries > 0
    assert proof.remark == f"The search index was counted but not opened (RuntimeError: {words})."
    assert engine.find(made.name).state is State.VERIFIED


def test_ctrl_c_at_the_terminal_is_not_for_the_child(be: Be, tmp_path: Path) -> None:
    be(READY + 'print(\'{"collections": [{"session": %d}]}\' % os.getsid(0))')
    assert ask(tmp_path, ignore, behind=False)[0]["session"] != os.getsid(0)


def test_a_child_ends_with_whoever_has_asked_it() -> None:
    code = "import threading, time; from backup_core.chromaprobe import _end_with_the_asker as wait\n"
    code += "threading.Thread(target=wait).start(); print('waits', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as one:
        assert one.stdin is not None and one.stdout is not None
        assert one.stdout.readline() == b"waits\n"
        one.stdin.close()
        assert one.wait(20) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="niceness is asked of another system")
def test_what_nobody_waits_for_is_asked_behind_everything_else(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import json, os; import backup_core.chromaprobe as probe; probe._ask = lambda one: {'nice': os.nice(0)};"
    code += "probe.main()"
    monkeypatch.setattr("backup_core.probe.command", lambda module: [sys.executable, "-c", code])
    told = [ask(clinic.chroma, ignore, behind=behind)[0]["nice"] for behind in (False, True)]
    assert told == [os.nice(0), max(os.nice(0), 15)]


def test_where_the_system_forbids_to_step_back_it_is_asked_all_the_same(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = """if True:
        import psutil
        import backup_core.chromaprobe as probe
        def refuse(*asked):
            raise psutil.AccessDenied
        psutil.Process.nice = psutil.Process.ionice = refuse
        probe.main()
    """
    monkeypatch.setattr("backup_core.probe.command", lambda module: [sys.executable, "-c", textwrap.dedent(code)])
    assert ask(clinic.chroma, ignore, behind=True)
