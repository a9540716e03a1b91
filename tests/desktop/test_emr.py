"""The EMR as real processes: started, followed, asked to close."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tray.emr import Emr
from tray.emrstart import EmrNotStarted
from tray.processes import Lookout

PATIENCE = 20.0

WRITES_ITS_ENVIRONMENT = """
import json, os, pathlib, time
target = pathlib.Path(os.environ["DOCASSIST_DATA_DIR"]) / "seen.json"
names = ("DOCASSIST_DATA_DIR", "DOCASSIST_DB_PATH", "DOCASSIST_CHROMA_DIR", "DOCASSIST_PDF_DIR")
part = target.with_suffix(".part")
part.write_text(json.dumps({"cwd": os.getcwd(), "pid": os.getpid(), **{name: os.environ[name] for name in names}}))
part.replace(target)
"""
STAYS_OPEN = WRITES_ITS_ENVIRONMENT + "time.sleep(120)\n"
REFUSES_TO_CLOSE = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + STAYS_OPEN
WRAPPER = "import subprocess, sys; subprocess.Popen([sys.executable, sys.argv[1]])\n"
#: Once told to, opens a viewer in a session of its own, and ends when told to.
OPENS_A_VIEWER = """
import os, pathlib, subprocess, sys, time
data = pathlib.Path(os.environ["DOCASSIST_DATA_DIR"])
def wait(name):
    while not (data / name).exists():
        time.sleep(0.05)
wait("show")
viewer = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"], start_new_session=True)
(data / "part").write_text(str(viewer.pid))
(data / "part").replace(data / "viewer")
wait("close")
"""
OPENS_A_DOCUMENT = OPENS_A_VIEWER.replace('(120)"]', '(120)", "Prescription.PDF"]')


class Workplace:
    """A data folder, an EMR's own folder, and the EMRs that a test has started."""

    def __init__(self, root: Path) -> None:
        self.data_dir = root / "données du cabinet"
        self.folder = root / "the EMR"
        self.exited = threading.Event()
        self.emrs: list[Emr] = []
        self.by_hand: list[subprocess.Popen[bytes]] = []
        self.data_dir.mkdir()
        self.folder.mkdir()

    def script(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return f'"{path}"'

    def emr(self, *words: str, folder: str | None = None, stand_in: bool = False) -> Emr:
        command = " ".join([f'"{sys.executable}"', *words])
        where = str(self.folder) if folder is None else folder
        emr = Emr(command, where, self.data_dir, self.exited.set, stand_in=stand_in)
        self.emrs.append(emr)
        return emr

    def start_by_hand(self, script: str, folder: Path, **environment: str) -> "subprocess.Popen[bytes]":
        """Start the same command without a launcher."""
        process = subprocess.Popen([sys.executable, script.strip('"')], cwd=folder, env={**os.environ, **environment})
        self.by_hand.append(process)
        return process

    def viewer(self) -> psutil.Process:
        """Have the EMR open a viewer some seconds after its start, and return it."""
        time.sleep(2.5)  # the system tells the time of a start to the second only
        (self.data_dir / "show").touch()
        until((self.data_dir / "viewer").exists)
        return psutil.Process(int((self.data_dir / "viewer").read_text()))

    def seen(self) -> dict[str, object]:
        """Return what the EMR has written of itself."""
        path = self.data_dir / "seen.json"
        until(path.exists)
        found: dict[str, object] = json.loads(path.read_text())
        return found


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    place = Workplace(tmp_path)
    yield place
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("DOCASSIST_DATA_DIR") == str(place.data_dir):
                process.kill()
    for started in place.by_hand:
        started.kill()
        started.wait()
    until(lambda: not any(emr.is_running for emr in place.emrs))


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"{holds} does not hold after {PATIENCE} s"
        time.sleep(0.05)


def test_the_emr_runs_in_its_own_folder_and_means_the_same_data(place: Workplace) -> None:
    emr = place.emr(place.script("emr.py", STAYS_OPEN))
    emr.start()
    seen = place.seen()
    assert seen.pop("cwd") == str(place.folder)
    assert seen.pop("pid") != os.getpid()
    assert seen == {
        "DOCASSIST_DATA_DIR": str(place.data_dir),
        "DOCASSIST_DB_PATH": str(place.data_dir / "clinic.db"),
        "DOCASSIST_CHROMA_DIR": str(place.data_dir / "chroma"),
        "DOCASSIST_PDF_DIR": str(place.data_dir / "prescriptions"),
    }
    assert emr.is_running
    assert not place.exited.is_set()


def test_an_emr_that_ends_is_reported_once_it_has_ended(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tray.emr.AT_ONCE", 0.0)
    emr = place.emr(place.script("emr.py", WRITES_ITS_ENVIRONMENT))
    emr.start()
    assert place.exited.wait(PATIENCE)
    until(lambda: not emr.is_running)


def test_an_emr_behind_a_wrapper_that_ends_at_once_is_still_running(place: Workplace) -> None:
    emr = place.emr(place.script("wrapper.py", WRAPPER), place.script("emr.py", STAYS_OPEN))
    emr.start()
    place.seen()
    assert not place.exited.wait(1.5), "the wrapper has ended, the EMR has not"
    assert emr.is_running
    assert emr.close(PATIENCE)
    assert place.exited.is_set()


def test_an_end_is_told_with_its_cause_and_after_how_long(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tray.emr.AT_ONCE", 0.0)
    for code, crashed in (("raise SystemExit(3)", True), ("import os; os.abort()", True), ("pass", False)):
        place.exited.clear()
        emr = place.emr(place.script("emr.py", f"import time; time.sleep(0.5); {code}"))
        emr.start()
        assert place.exited.wait(PATIENCE)
        assert emr.last_end is not None
        assert emr.last_end.crashed is crashed
        assert 0.4 < emr.last_end.ran < PATIENCE


def test_an_emr_that_was_asked_to_end_has_not_crashed(place: Workplace) -> None:
    emr = place.emr(place.script("emr.py", STAYS_OPEN))
    emr.start()
    assert emr.close(PATIENCE)
    assert emr.last_end is not None
    assert not emr.last_end.crashed


def test_the_end_of_the_emr_is_seen_at_once_though_nobody_looks_often(place: Workplace) -> None:
    emr = place.emr(place.script("emr.py", "import time; time.sleep(4)"))
    emr.start()
    threads = {thread.name for thread in threading.enumerate()}
    assert "emr-waiter" in threads
    assert place.exited.wait(PATIENCE)


def test_the_end_of_an_emr_that_was_opened_without_us_is_seen_at_once_too(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tray.emr._LOOK", 3600.0)
    script = place.script("emr.py", "import time; time.sleep(120)")
    by_hand = place.start_by_hand(script, place.folder)
    emr = place.emr(script)
    until(emr.adopt)
    assert not place.exited.wait(1)
    by_hand.kill()
    assert place.exited.wait(PATIENCE)


def test_a_wrapper_that_takes_long_before_it_starts_the_emr_is_no_exit(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tray.kin.WRAPPER_PATIENCE", 0.5)
    monkeypatch.setattr("tray.emr.AT_ONCE", 0.0)
    wrapper = place.script("wrapper.py", "import time; time.sleep(2.5)\n" + WRAPPER)
    emr = place.emr(wrapper, place.script("emr.py", STAYS_OPEN))
    emr.start()
    place.seen()
    assert not place.exited.wait(6), "the wrapper has ended, the EMR has not"
    assert emr.is_running


def test_an_emr_whose_wrapper_has_ended_before_it_begins_is_waited_for(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tray.emr.ON_ITS_WAY", 12.0)
    script = place.script("emr.py", "import time; time.sleep(120)")
    emr = place.emr("-c", "pass")
    emr.start()
    assert not place.exited.wait(3)
    assert emr.is_running
    emr.configure(f'"{sys.executable}" {script}', str(place.folder))
    by_hand = place.start_by_hand(script, place.folder)
    assert not place.exited.wait(14), "it has come, by another way"
    by_hand.kill()
    assert place.exited.wait(PATIENCE)


def test_an_emr_that_was_asked_to_close_has_ended_when_close_returns(place: Workplace) -> None:
    emr = place.emr(place.script("emr.py", STAYS_OPEN))
    emr.start()
    place.seen()
    assert emr.close(PATIENCE)
    assert not emr.is_running
    assert place.exited.is_set()


def test_an_emr_can_be_started_again_after_it_was_closed(place: Workplace) -> None:
    emr = place.emr(place.script("emr.py", STAYS_OPEN))
    emr.start()
    first = place.seen()["pid"]
    assert emr.close(PATIENCE)
    (place.data_dir / "seen.json").unlink()
    emr.start()
    assert place.seen()["pid"] != first


def test_an_emr_that_refuses_to_close_is_left_alone(place: Workplace) -> None:
    emr = place.emr(place.script("emr.py", REFUSES_TO_CLOSE))
    emr.start()
    place.seen()
    assert not emr.close(1.0)
    assert emr.is_running


def test_a_stand_in_that_refuses_to_close_can_be_ended(place: Workplace) -> None:
    emr = place.emr(place.script("emr.py", REFUSES_TO_CLOSE), stand_in=True)
    emr.start()
    place.seen()
    assert emr.close(0.5)


def test_an_end_that_was_expected_is_not_reported(place: Workplace) -> None:
    emr = place.emr(place.script("emr.py", STAYS_OPEN))
    emr.start()
    place.seen()
    with emr.expected_to_end():
        assert emr.close(PATIENCE)
    assert not place.exited.is_set()


def test_a_new_command_counts_from_the_next_start(place: Workplace) -> None:
    emr = place.emr("-c", "pass")
    emr.configure(f'"{sys.executable}" {place.script("emr.py", STAYS_OPEN)}', str(place.data_dir))
    emr.start()
    assert place.seen()["cwd"] == str(place.data_dir)


def test_starting_twice_gives_one_emr(place: Workplace) -> None:
    emr = place.emr(place.script("emr.py", STAYS_OPEN))
    emr.start()
    first = place.seen()["pid"]
    emr.start()
    script = str(place.folder / "emr.py")
    open_now = [child.pid for child in psutil.Process().children() if script in child.cmdline()]
    assert open_now == [first]


def test_the_next_launcher_takes_over_an_emr_that_is_still_open(place: Workplace) -> None:
    script = place.script("emr.py", STAYS_OPEN)
    place.emr(script).start()
    place.seen()
    other = place.emr(script)
    assert other.adopt()
    assert other.is_running
    assert other.close(PATIENCE)


def test_an_emr_of_another_data_folder_is_not_taken_over(place: Workplace, tmp_path: Path) -> None:
    script = place.script("emr.py", STAYS_OPEN)
    place.emr(script).start()
    place.seen()
    elsewhere = Emr(f'"{sys.executable}" {script}', "", tmp_path / "another clinic", lambda: None)
    assert not elsewhere.adopt()


def test_a_stranger_that_runs_the_same_command_in_another_folder_is_left_alone(
    place: Workplace, tmp_path: Path
) -> None:
    """`python3 main.py` is the command of many programs."""
    elsewhere = tmp_path / "another program"
    elsewhere.mkdir()
    for folder in (place.folder, elsewhere):
        (folder / "main.py").write_text("import time; time.sleep(120)", encoding="utf-8")
    stranger = place.start_by_hand("main.py", elsewhere)
    emr = place.emr("main.py")
    assert not emr.adopt()
    emr.start()
    assert emr.close(PATIENCE)
    assert stranger.poll() is None


def test_an_emr_that_was_opened_by_hand_is_known_by_its_folder_or_its_data(place: Workplace, tmp_path: Path) -> None:
    script = place.script("emr.py", "import time; time.sleep(120)")
    at_home = place.start_by_hand(script, place.folder)
    emr = place.emr(script)
    until(emr.adopt)
    assert emr.close(PATIENCE)
    assert at_home.poll() is not None

    place.start_by_hand(script, tmp_path, DOCASSIST_DATA_DIR=str(place.data_dir))
    until(emr.adopt)
    assert emr.close(PATIENCE)

    of_another_clinic = place.start_by_hand(script, place.folder, DOCASSIST_DATA_DIR=str(tmp_path))
    until(lambda: "DOCASSIST_DATA_DIR" in psutil.Process(of_another_clinic.pid).environ())
    assert not emr.adopt()


def test_an_emr_opened_by_its_old_icon_is_known_by_its_own_file(place: Workplace, tmp_path: Path) -> None:
    """The icon on the desktop has the whole path, and another folder, than the command in the preferences."""
    (place.folder / "main.py").write_text("import time; time.sleep(120)", encoding="utf-8")
    emr = place.emr("main.py")
    assert not emr.notice()
    place.start_by_hand(str(place.folder / "main.py"), tmp_path)
    until(emr.notice)
    assert emr.is_running


def test_what_only_works_on_a_file_of_the_emr_is_not_the_emr(place: Workplace) -> None:
    script = place.script("main.py", "import time; time.sleep(120)")
    editor = ["/usr/bin/tail", "-f", script.strip('"')]
    place.by_hand.append(subprocess.Popen(editor, cwd=place.folder, stdout=subprocess.DEVNULL))
    emr = place.emr("main.py")
    assert not emr.adopt()


def test_a_look_for_the_emr_asks_only_what_is_new(place: Workplace) -> None:
    lookout, asked = Lookout(), list[int]()

    def is_wanted(process: psutil.Process) -> bool:
        asked.append(process.pid)
        return False

    for _ in range(2):
        lookout.find(is_wanted)
    asked.clear()
    by_hand = place.start_by_hand(place.script("emr.py", "import time; time.sleep(120)"), place.folder)
    lookout.find(is_wanted)
    assert by_hand.pid in asked
    assert os.getppid() not in asked
    for _ in range(Lookout.ALL_AGAIN):
        lookout.find(is_wanted)
    assert os.getppid() in asked, "now and then all are looked at again"


def test_a_viewer_that_outlives_the_emr_neither_counts_as_the_emr_nor_is_closed(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tray.kin.WRAPPER_PATIENCE", 1.0)
    monkeypatch.setattr("tray.emr.WRAPPER_LIFE", 1.0)
    monkeypatch.setattr("tray.emr.AT_ONCE", 1.0)
    emr = place.emr(place.script("emr.py", OPENS_A_VIEWER))
    emr.start()
    viewer = place.viewer()
    (place.data_dir / "close").touch()
    assert place.exited.wait(PATIENCE), "the EMR has ended"
    until(lambda: not emr.is_running)
    assert not emr.adopt()
    assert viewer.is_running()


def test_a_viewer_of_a_document_is_not_the_emr_even_in_the_first_seconds(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tray.emr.AT_ONCE", 1.0)
    emr = place.emr(place.script("shows.py", OPENS_A_DOCUMENT))
    emr.start()
    viewer = place.viewer()
    (place.data_dir / "close").touch()
    assert place.exited.wait(PATIENCE)
    assert viewer.is_running()
    assert not emr.adopt()


def test_a_viewer_stays_open_when_the_emr_is_asked_to_close(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tray.kin.WRAPPER_PATIENCE", 1.0)
    monkeypatch.setattr("tray.emr.WRAPPER_LIFE", 1.0)
    monkeypatch.setattr("tray.emr.AT_ONCE", 1.0)
    emr = place.emr(place.script("emr.py", OPENS_A_VIEWER))
    emr.start()
    viewer = place.viewer()
    time.sleep(5.5)  # until the launcher has looked again
    assert emr.close(PATIENCE)
    assert place.exited.is_set()
    assert viewer.is_running()
    assert viewer.status() != psutil.STATUS_ZOMBIE


def test_a_command_that_cannot_be_run_says_so(place: Workplace) -> None:
    for command in ("/nowhere/docassist", "", "'unmatched"):
        emr = Emr(command, str(place.folder), place.data_dir, place.exited.set)
        with pytest.raises(EmrNotStarted, match="could not be started"):
            emr.start()
        assert not emr.is_running


def test_a_folder_that_is_not_there_says_so(place: Workplace) -> None:
    emr = place.emr("-c", "pass", folder=str(place.folder / "gone"))
    with pytest.raises(EmrNotStarted):
        emr.start()


def test_without_a_folder_the_emr_runs_where_its_program_is(place: Workplace) -> None:
    emr = place.emr(place.script("emr.py", STAYS_OPEN), folder="")
    emr.start()
    assert place.seen()["cwd"] == str(Path(sys.executable).parent)
