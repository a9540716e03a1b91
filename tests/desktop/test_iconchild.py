"""One icon process as the launcher sees it, with real processes."""

import sys
from pathlib import Path

import pytest

from tray.iconchild import IconChild


def child(program: str, folder: Path) -> IconChild:
    return IconChild([sys.executable, "-c", program], folder)


def test_only_json_objects_are_messages(tmp_path: Path) -> None:
    lines = ('{"shown": true}', '{"broken', "[1]", "", "Gdk-WARNING: theme", '{"click": "quit"}')
    program = f"print({chr(10).join(lines)!r})"
    started = child(program, tmp_path)
    assert list(started.messages()) == [{"shown": True}, {"click": "quit"}]
    assert started.reap() == 0


def test_a_process_that_lives_on_after_its_last_word_is_killed(tmp_path: Path) -> None:
    started = child("import os, time; os.close(1); os.close(2); time.sleep(600)", tmp_path)
    assert list(started.messages()) == []
    assert started.reap(grace=0.1) != 0


def test_what_is_written_after_the_end_is_an_error_of_the_system(tmp_path: Path) -> None:
    started = child("", tmp_path)
    started.reap()
    with pytest.raises(OSError, match="closed"):
        started.send(b"{}\n")
    started.end()
    started.kill()


def test_its_temporary_files_go_into_the_folder_it_was_given(tmp_path: Path) -> None:
    started = child("import json, tempfile; print(json.dumps({'folder': tempfile.gettempdir()}))", tmp_path)
    assert list(started.messages()) == [{"folder": str(tmp_path)}]
    started.reap()
