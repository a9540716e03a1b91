"""The command line, run as a script runs it: words in; stdout, stderr and an exit status out."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from filelock import FileLock

from backup_core import cli, control
from tests.audit import listening
from tests.clinic import ROOT, Clinic
from tests.core.commandline import Run, damage, made
from tests.core.test_control import serve_tickets

pytestmark = pytest.mark.usefixtures("own_log")

if sys.platform != "win32":
    import fcntl
    import pty
    import termios

PATIENCE = 60.0


@contextmanager
def held_open(path: Path) -> Iterator[None]:
    """Let another program have a file open."""
    code = f"import sys; file = open({str(path)!r}, 'rb'); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        program.stdout.readline()
        yield
        program.communicate(b"")


def test_create_prints_where_the_backup_is_and_list_shows_it(run: Run, clinic: Clinic) -> None:
    created = run("create")
    assert (created.status, created.err) == (0, "")
    path = Path(created.out.removeprefix("Made ").partition(".zip")[0] + ".zip")
    assert path.parent == clinic.data_dir / "backups"
    assert "60 patients" in created.out
    listed = run("list")
    assert listed.status == 0
    assert path.name in listed.out
    assert "cli" in listed.out


def test_json_is_one_document_with_what_a_script_wants(run: Run, clinic: Clinic) -> None:
    created = run("create", "--json").document
    assert Path(created["path"]).is_file()
    assert (created["patients"], created["trigger"], created["state"]) == (60, "cli", "verified")
    assert run("--json", "list").document == {"backups": [{**created, "kept_because": "newest"}]}


def test_a_folder_without_backups_lists_none(run: Run) -> None:
    assert run("--json", "list").document == {"backups": []}
    assert "no backup" in run("list").out
    assert run("verify").status == 0


def test_the_backup_folder_can_be_named(run: Run, clinic: Clinic, tmp_path: Path) -> None:
    run("--backup-dir", str(tmp_path / "elsewhere"), "create")
    assert len(list((tmp_path / "elsewhere").glob("backup_*.zip"))) == 1
    assert not (clinic.data_dir / "backups").exists()


def test_verify_reads_one_backup_by_name_or_path_or_all(run: Run, clinic: Clinic, tmp_path: Path) -> None:
    name = made(run)
    outside = shutil.copy(clinic.data_dir / "backups" / name, tmp_path / "copy.zip")
    assert run("verify", name, "--json").document == {"verified": [name]}
    assert run("verify", str(outside), "--json").document == {"verified": ["copy.zip"]}
    assert "All 1 are whole." in run("verify").out


def test_a_damaged_backup_gives_status_3_and_is_not_restored(run: Run, clinic: Clinic) -> None:
    good, bad = made(run), made(run)
    damage(clinic.data_dir / "backups" / bad)
    before = clinic.rows()
    for words in (["verify", bad], ["verify"], ["restore", bad, "--yes"]):
        refused = run(*words)
        assert (refused.status, refused.out) == (3, "")
        assert refused.err.count("\n") == 2
    assert clinic.rows() == before
    assert bad in run("list").out
    assert bad in run("verify").err
    assert good not in run("verify").err


def test_what_docassist_has_locked_is_listed_and_not_judged(run: Run, clinic: Clinic) -> None:
    name = made(run)
    (clinic.data_dir / "backups" / "backup_2026-01-05_09-00-00.encrypted.zip").write_bytes(b"secret")
    assert "encrypted" in run("list").out
    assert run("--json", "verify").document == {"verified": [name]}


def test_restore_and_undo_bring_back_the_rows(run: Run, clinic: Clinic) -> None:
    name, before = made(run), clinic.rows()
    clinic.admit("Zoë")
    after = clinic.rows()
    restored = run("restore", name, "--yes", "--json")
    assert restored.status == 0
    assert clinic.rows() == before
    assert restored.document["patient_count"] == 60
    assert restored.document["safety"].startswith("safety_backup_")
    undone = run("undo", "--yes", "--json")
    assert undone.status == 0
    assert clinic.rows() == after
    assert undone.document["patient_count"] == 61
    assert [(loss["table"], loss["missing"]) for loss in undone.document["brings"]] == [("patients", 1), ("visits", 1)]
    assert undone.document["puts_aside"] == []


@pytest.mark.parametrize("command", ["restore", "undo"])
def test_without_a_terminal_nothing_is_replaced_unless_yes_was_said(run: Run, clinic: Clinic, command: str) -> None:
    name = made(run)
    run("restore", name, "--yes")
    clinic.admit("Zoë")
    refused = run(*([command, name] if command == "restore" else [command]))
    assert refused.status == 2
    assert refused.err == "There is nobody here to ask.\nAdd --yes if you are sure.\n"
    assert "Zoë" in clinic.names()


def test_a_user_at_a_terminal_is_told_what_is_replaced_and_asked(run: Run, clinic: Clinic) -> None:
    name = made(run)
    clinic.admit("Zoë")
    refused = run("restore", name, typed="no\n")
    assert (refused.status, refused.out) == (1, "")
    assert f"This puts back {name}" in refused.err
    assert "Today's data (61 patients" in refused.err
    assert refused.err.endswith("Nothing was changed.\n")
    assert "Zoë" in clinic.names()
    assert run("restore", name, typed="YES\n").status == 0
    assert "Zoë" not in clinic.names()
    clinic.sql("INSERT INTO patients (name, created_at) VALUES ('Since', '2026-02-03 10:00:00')")
    undone = run("undo", typed="yes\n")
    assert undone.status == 0
    assert f"This goes back to before the restore of {name}" in undone.err
    assert "patients: 1 gone today, 0 otherwise today\n  gone today" in undone.err
    assert "what was entered since:\npatients: 1 new, 0 changed since" in undone.err
    assert ("Zoë" in clinic.names(), "Since" in clinic.names()) == (True, False)
    again = run("undo", "--yes", "--json")
    assert (again.status, again.document["error"]["code"]) == (1, "nothing-to-undo")


def test_an_undo_that_cannot_be_compared_with_damaged_data_says_so_and_goes_on(run: Run, clinic: Clinic) -> None:
    name = made(run)
    clinic.admit("Zoë")
    run("restore", name, "--yes")
    clinic.db.write_bytes(clinic.db.read_bytes()[:5000] + b"\xa5" * 9000)
    undone = run("undo", typed="yes\n")
    assert undone.status == 0
    assert f"This goes back to before the restore of {name}" in undone.err
    assert "The entries cannot be compared." in undone.err
    assert "It brings back" not in undone.err
    assert "Zoë" in clinic.names()


@pytest.mark.parametrize("step", [".part", "/staging/"])
def test_ctrl_c_in_a_backup_is_one_sentence_and_leaves_nothing_behind(run: Run, clinic: Clinic, step: str) -> None:
    def interrupt(event: str, values: tuple[Any, ...]) -> None:
        if event == "open" and step in str(values[0]):
            raise KeyboardInterrupt

    with listening(interrupt):
        stopped = run("create")
    assert (stopped.status, stopped.out) == (1, "")
    assert stopped.err == "Stopped.\nThe next command tidies up what was begun.\n"
    assert run("list").out.startswith("There is no backup in")
    created = run("create")
    assert (created.status, created.err) == (0, "")
    private = clinic.data_dir / ".docassist-backup"
    assert [*(private / "staging").iterdir(), *clinic.data_dir.glob("backups/.docassist-backup/*.part")] == []


@pytest.fixture
def foreign(run: Run, made_clinic: Clinic, tmp_path: Path) -> str:
    """The path of another clinic's backup."""
    other = shutil.copytree(made_clinic.data_dir, tmp_path / "other clinic")
    run("create")
    return str(run("--json", "create", data_dir=other).document["path"])


def test_yes_does_not_answer_whether_another_clinics_records_are_meant(run: Run, clinic: Clinic, foreign: str) -> None:
    clinic.admit("Zoë")
    refused = run("restore", foreign, "--yes")
    assert refused.status == 1
    assert "another clinic's records (60 patients" in refused.err
    assert "--other-clinic" in refused.err
    assert "Zoë" in clinic.names()
    assert run("restore", foreign, "--yes", "--other-clinic").status == 0
    assert "Zoë" not in clinic.names()


def test_at_a_terminal_the_question_of_the_other_clinic_is_asked_in_spite_of_yes(
    run: Run, clinic: Clinic, foreign: str
) -> None:
    clinic.admit("Zoë")
    assert run("restore", foreign, "--yes", typed="no\n").status == 1
    assert "Zoë" in clinic.names()
    assert run("restore", foreign, "--yes", typed="yes\n").status == 0
    assert "Zoë" not in clinic.names()


def test_a_backup_is_put_back_on_a_new_pc_from_its_path(run: Run, clinic: Clinic, tmp_path: Path) -> None:
    path = clinic.data_dir / "backups" / made(run)
    new = Clinic(tmp_path / "new")
    new.data_dir.mkdir()
    restored = run("restore", str(path), "--yes", "--json", data_dir=new.data_dir)
    assert (restored.status, restored.document["safety"]) == (0, None)
    assert new.rows() == clinic.rows()


def test_while_another_backup_runs_commands_that_change_are_refused_and_others_are_not(
    run: Run, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = made(run)
    monkeypatch.setattr(cli, "PATIENCE", 0.1)
    with FileLock(clinic.data_dir / ".docassist-backup" / "lock", is_singleton=False):
        for words in (["create"], ["restore", name, "--yes"], ["undo", "--yes"], ["recover"]):
            refused = run("--json", *words)
            assert (refused.status, refused.document["error"]["code"]) == (4, "locked")
        for words in (["list"], ["status"]):
            assert run(*words).status == 0


def test_while_a_program_has_the_data_open_a_restore_is_refused(run: Run, clinic: Clinic) -> None:
    name = made(run)
    with held_open(clinic.db):
        refused = run("restore", name, "--yes")
    assert refused.status == 4
    assert "python" in refused.err


def test_a_full_disk_gives_status_5(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(total=10, used=10, free=0))
    refused = run("create")
    assert refused.status == 5
    assert "not enough room" in refused.err
    assert run("list").status == 0


def test_prune_keeps_as_many_as_it_is_told(run: Run) -> None:
    names = [made(run) for _ in range(3)]
    assert run("--json", "prune", "--keep", "1").document == {"deleted": names[:2]}
    assert run("prune").out == "There was no backup to delete.\n"
    assert [archive["name"] for archive in run("--json", "list").document["backups"]] == names[2:]


def test_status_tells_what_is_in_no_backup_with_its_size(run: Run, clinic: Clinic) -> None:
    (clinic.data_dir / "exports").mkdir()
    (clinic.data_dir / "exports" / "all.csv").write_bytes(b"x" * 2_500_000)
    name = made(run)
    text, document = run("status").out, run("--json", "status").document
    assert "exports (2.5 MB)" in text
    assert {"name": "exports", "bytes": 2_500_000} in document["not_in_backups"]
    assert (document["last_backup"]["name"], document["backups"], document["undo"]) == (name, 1, None)
    assert document["launcher_running"] is False


@pytest.mark.parametrize(("name", "left"), [("exports", 0), ("exports/old", 2_500_000)])
def test_status_goes_on_past_a_folder_that_may_not_be_read(run: Run, clinic: Clinic, name: str, left: int) -> None:
    (clinic.data_dir / "exports" / "old").mkdir(parents=True)
    (clinic.data_dir / "exports" / "old" / "all.csv").write_bytes(b"x" * 700)
    (clinic.data_dir / "exports" / "all.csv").write_bytes(b"x" * 2_500_000)
    made(run)
    refused: list[str] = []

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "os.scandir" and Path(str(arguments[0])) == clinic.data_dir / name:
            refused.append(name)
            raise PermissionError(13, "Permission denied")

    with listening(refuse):
        told = run("--json", "status")

    assert refused
    assert (told.status, told.err) == (0, "")
    assert told.document["last_backup"]["patients"] == 60
    assert {"name": "exports", "bytes": left} in told.document["not_in_backups"]


def test_status_tells_of_a_failure_and_of_settings_that_cannot_be(run: Run, clinic: Clinic) -> None:
    clinic.settings.write_text('{"preferences": {"backup_frequency_hours": 0}}')
    clinic.db.unlink()
    assert run("create").status == 1
    status = run("status")
    assert "There is no clinic.db" in status.out
    assert "every 0 hours is not possible" in status.out


#: A process that restores, and dies when the first store is put into its place.
_DIES = """
import os, sys
from backup_core.cli import main

def die(event, arguments):
    if event == "os.rename" and os.fspath(arguments[1]).endswith("clinic.db"):
        os._exit(9)

sys.addaudithook(die)
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def interrupted(run: Run, clinic: Clinic) -> str:
    """The name of the backup whose restore was cut off in the middle."""
    name = made(run)
    clinic.admit("Zoë")
    words = [sys.executable, "-c", _DIES, "--data-dir", str(clinic.data_dir), "restore", name, "--yes"]
    assert subprocess.run(words, cwd=ROOT, check=False).returncode == 9
    return name


def test_an_interrupted_restore_is_settled_before_any_command_which_says_so(
    run: Run, clinic: Clinic, interrupted: str
) -> None:
    listed = run("--json", "list")
    assert listed.status == 0
    assert listed.err == f"The restore of {interrupted} has been finished.\n"
    assert [archive["safety"] for archive in listed.document["backups"]] == [True, False]
    assert "Zoë" not in clinic.names()
    assert run("list").err == ""


def test_where_it_cannot_be_settled_now_only_what_changes_nothing_goes_on(
    run: Run, clinic: Clinic, interrupted: str
) -> None:
    with held_open(clinic.db):
        looked, refused = run("list"), run("create")
    assert (looked.status, refused.status) == (0, 4)
    assert "in use by" in looked.err
    assert run("recover").out == f"The restore of {interrupted} has been finished.\n"


def test_recover_says_what_it_decided(run: Run) -> None:
    assert run("recover").out == "No restore was interrupted.\n"
    assert run("--json", "recover").document == {"recovered": None}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "required: COMMAND"),
        (["levitate"], "levitate"),
        (["restore"], "required: NAME|PATH"),
        (["prune", "--keep", "0"], "0 is not a number from 1 upwards"),
        (["create", "--fast"], "--fast"),
    ],
)
def test_a_wrong_command_line_gives_status_2_and_one_sentence(run: Run, words: list[str], said: str) -> None:
    refused = run(*words)
    assert (refused.status, refused.out) == (2, "")
    assert said in refused.err
    assert refused.err.count("\n") == 2
    assert run("--json", *words).document["error"]["code"] == "usage"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["restore", "no such.zip", "--yes"], "unknown-archive"),
        (["verify", "no such.zip"], "unknown-archive"),
        (["undo", "--yes"], "nothing-to-undo"),
        (["open"], "launcher-not-running"),
    ],
)
def test_an_error_is_one_json_document_too_and_a_sentence_for_people(run: Run, words: list[str], code: str) -> None:
    refused = run("--json", *words)
    error = refused.document["error"]
    assert (refused.status, error["code"]) == (1, code)
    assert refused.err.startswith(error["sentence"] + "\n")
    assert "Traceback" not in refused.err


@pytest.mark.parametrize("command", ["create", "list", "verify", "undo", "recover", "prune", "status"])
def test_a_data_folder_that_is_not_there_is_said_and_never_made(run: Run, tmp_path: Path, command: str) -> None:
    missing = tmp_path / "unplugged" / "data"
    refused = run(command, data_dir=missing)
    assert (refused.status, refused.out) == (1, "")
    assert refused.err.startswith(f"The data folder {missing} is not there.\n")
    assert not missing.parent.exists()


def test_the_traceback_of_a_refusal_is_in_the_log_only(run: Run, clinic: Clinic, own_log: Path) -> None:
    clinic.db.unlink()
    assert "Traceback" not in run("create").err
    assert "Traceback" in own_log.read_text(encoding="utf-8")


def test_open_prints_the_address_with_a_ticket(run: Run, clinic: Clinic) -> None:
    with serve_tickets() as port:
        control.write(clinic.data_dir, control.Control(port=port, pid=os.getpid(), key="secret"))
        assert run("open", "--print").out == f"http://127.0.0.1:{port}/#t=T1\n"
        assert run("--json", "status").document["launcher_running"] is True


def test_open_finds_the_launcher_while_the_data_folder_is_away(run: Run, tmp_path: Path) -> None:
    away = tmp_path / "unplugged" / "data"
    refused = run("open", "--print", data_dir=away)
    assert (refused.status, refused.err.splitlines()[0]) == (
        1,
        "DocAssist Backup is not running for this data folder.",
    )
    with serve_tickets() as port:
        control.write(away, control.Control(port=port, pid=os.getpid(), key="secret"))
        assert run("open", "--print", data_dir=away).out == f"http://127.0.0.1:{port}/#t=T1\n"
    assert not away.parent.exists()


def test_without_a_desktop_open_prints_the_address(run: Run, clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    with serve_tickets() as port:
        control.write(clinic.data_dir, control.Control(port=port, pid=os.getpid(), key="secret"))
        assert run("open").out == f"http://127.0.0.1:{port}/#t=T1\n"


def test_open_asks_the_browser_and_shows_no_ticket(clinic: Clinic) -> None:
    code = "import sys; from backup_core import browser, cli; browser._KEPT = 0.1; sys.exit(cli.main(sys.argv[1:]))"
    with serve_tickets() as port:
        control.write(clinic.data_dir, control.Control(port=port, pid=os.getpid(), key="secret"))
        opened = subprocess.run(
            [sys.executable, "-c", code, "--data-dir", str(clinic.data_dir), "open"],
            cwd=ROOT,
            env={**os.environ, "BROWSER": "true %s"},
            capture_output=True,
            check=False,
        )
    assert (opened.returncode, opened.stdout) == (0, b"The admin page was opened in your browser.\n")


def test_a_fault_of_the_program_is_a_sentence_too_and_its_traceback_is_in_the_log(run: Run, own_log: Path) -> None:
    failed = run("--backup-dir", "no\0folder", "create")
    assert (failed.status, failed.out) == (1, "")
    assert failed.err == f"Something went wrong inside DocAssist Backup.\nThe details are in {own_log}.\n"
    assert "ValueError" in own_log.read_text(encoding="utf-8")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
def test_an_answer_that_cannot_be_written_is_no_success(clinic: Clinic) -> None:
    words = [sys.executable, "-m", "backup_core.cli", "--data-dir", str(clinic.data_dir), "list"]
    with Path("/dev/full").open("wb") as full:
        failed = subprocess.run(words, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, check=False)
    assert (failed.returncode, failed.stderr) == (1, b"The answer could not be written (No space left on device).\n")


def test_as_a_process_it_finds_the_data_by_the_environment_and_prints_on_any_console(clinic: Clinic) -> None:
    environ = {**os.environ, "DOCASSIST_DATA_DIR": str(clinic.data_dir), "PYTHONIOENCODING": "ascii"}
    for word in ("create", "status"):
        done = subprocess.run(
            [sys.executable, "-m", "backup_core.cli", word], cwd=ROOT, env=environ, capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"M\\xfcller" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such terminals")
@pytest.mark.parametrize(
    ("typed", "status", "said"),
    [
        (b"yes\n", 0, b""),
        (b"\n", 1, b"Nothing was changed."),
        (b"\x04", 1, b"Nothing was changed."),
        (b"\x03", 1, b"Stopped."),
    ],
)
def test_at_a_real_terminal_it_asks_and_ctrl_c_ends_it_in_peace(
    run: Run, clinic: Clinic, typed: bytes, status: int, said: bytes
) -> None:
    name = made(run)
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "backup_core.cli", "--data-dir", str(clinic.data_dir), "restore", name]
    with subprocess.Popen(
        words,
        cwd=ROOT,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=_take_terminal,
    ) as process:
        assert process.stderr is not None
        asked = b""
        while not asked.endswith(b"go on: "):
            asked += os.read(process.stderr.fileno(), 1000)
        os.write(ours, typed)
        _, err = process.communicate(timeout=PATIENCE)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == status
    assert said in err
    assert b"Traceback" not in err


def _take_terminal() -> None:
    """Make the terminal on stdin that of the new session, so that Ctrl+C reaches it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # tests that run in the background may ignore it
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
