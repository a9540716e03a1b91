"""The PIN of the page: kept as a hash, and slower to try with every mistake."""

import errno
import json
import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from backup_core.errors import SettingInvalid
from backup_core.pin import Pin, WrongPin
from tests.clinic import Clinic
from tests.core.commandline import Run
from tests.fakeclock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def pin(tmp_path: Path, clock: FakeClock) -> Pin:
    pin = Pin(tmp_path, clock=clock)
    pin.set("48 15")
    return pin


def kept(folder: Path) -> Path:
    return folder / ".docassist-backup" / "pin.json"


def test_without_a_pin_nothing_is_asked(tmp_path: Path) -> None:
    pin = Pin(tmp_path)

    assert not pin.is_set()
    pin.check("whatever")


def test_only_the_pin_is_right_whatever_keyboard_wrote_it(pin: Pin) -> None:
    pin.check(" 48 15 ")
    pin.check("４８ １５")
    with pytest.raises(WrongPin):
        pin.check("4815")


@pytest.mark.skipif(os.name == "nt", reason="Windows inherits the rights of the folder")
def test_the_file_is_this_users_only_and_does_not_hold_the_pin(pin: Pin, tmp_path: Path) -> None:
    path = kept(tmp_path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"48 15" not in path.read_bytes()
    assert b"4815" not in path.read_bytes()


def test_the_same_pin_is_kept_differently_each_time(pin: Pin, tmp_path: Path) -> None:
    first = json.loads(kept(tmp_path).read_text())
    pin.set("48 15")
    second = json.loads(kept(tmp_path).read_text())

    assert first["hash"] != second["hash"]


def test_the_wait_doubles_with_each_mistake_and_outlasts_a_restart(pin: Pin, tmp_path: Path, clock: FakeClock) -> None:
    waits = []
    for _free in range(2):
        with pytest.raises(WrongPin, match="not the PIN"):
            pin.check("wrong")
    for _try in range(8):
        with pytest.raises(WrongPin, match="not the PIN"):
            Pin(tmp_path, clock=clock).check("wrong")
        with pytest.raises(WrongPin, match="too many") as caught:
            Pin(tmp_path, clock=clock).check("48 15")
        waits.append(caught.value.facts["seconds"])
        clock.pass_time(timedelta(seconds=float(waits[-1] or 0)))

    assert waits == [1, 2, 4, 8, 16, 32, 64, 128]
    pin.check("48 15")


def test_a_try_that_comes_too_early_is_not_even_looked_at(pin: Pin, clock: FakeClock) -> None:
    for _try in range(3):
        with pytest.raises(WrongPin):
            pin.check("wrong")

    with pytest.raises(WrongPin, match="too many"):
        pin.check("48 15")
    clock.pass_time(timedelta(seconds=1))
    pin.check("48 15")


def test_nobody_waits_longer_than_an_hour(pin: Pin, tmp_path: Path, clock: FakeClock) -> None:
    written = json.loads(kept(tmp_path).read_text())
    kept(tmp_path).write_text(json.dumps({**written, "failures": 400, "failed_at": clock.now().isoformat()}))
    clock.pass_time(timedelta(minutes=59))
    with pytest.raises(WrongPin, match="too many"):
        pin.check("48 15")
    clock.pass_time(timedelta(minutes=1))

    pin.check("48 15")


def test_the_right_pin_forgets_the_mistakes(pin: Pin) -> None:
    for _round in range(3):
        for _try in range(2):
            with pytest.raises(WrongPin, match="not the PIN"):
                pin.check("wrong")
        pin.check("48 15")


def test_a_try_counts_even_if_the_program_is_stopped_while_it_looks(
    pin: Pin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_arguments: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr("backup_core.pin._hash", stop)
    with pytest.raises(KeyboardInterrupt):
        pin.check("48 15")

    assert json.loads(kept(tmp_path).read_text())["failures"] == 1


@pytest.mark.parametrize(
    "content",
    [
        *("", "{}", "[]", "null", "[[[", '{"salt": "x", "hash": 1}', '{"salt": 4}'),
        '{"salt": "00", "hash": "über", "failures": 0, "failed_at": ""}',
        '{"salt": "00", "hash": "00", "failures": Infinity, "failed_at": ""}',
        '{"salt": "00", "hash": "00", "failures": 0, "failed_at": "2026-01-01"}',
    ],
)
def test_a_damaged_file_is_no_way_around_the_pin(pin: Pin, tmp_path: Path, content: str) -> None:
    kept(tmp_path).write_text(content)

    assert pin.is_set()
    with pytest.raises(WrongPin, match="damaged"):
        pin.check("48 15")


def test_on_a_drive_that_fails_it_is_asked_for_as_it_was_before(
    pin: Pin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    without = Pin(tmp_path / "other")
    assert not without.is_set()

    def fail(path: object, **options: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as failing:
        failing.setattr(os, "stat", fail)
        found = (pin.is_set(), without.is_set(), Pin(tmp_path / "other").is_set())

    assert found == (True, False, True)


@pytest.mark.parametrize("short_or_long", ["", "123", "   1   ", "x" * 65])
def test_a_pin_that_is_too_short_or_too_long_is_refused_and_the_old_one_stays(pin: Pin, short_or_long: str) -> None:
    with pytest.raises(SettingInvalid):
        pin.set(short_or_long)

    pin.check("48 15")


def test_a_pin_can_be_changed_and_removed(pin: Pin) -> None:
    pin.set("another")
    with pytest.raises(WrongPin):
        pin.check("48 15")
    pin.remove()
    pin.remove()

    assert not pin.is_set()


@pytest.mark.usefixtures("own_log")
def test_a_forgotten_pin_is_removed_from_the_command_line(run: Run, clinic: Clinic) -> None:
    Pin(clinic.data_dir).set("2468")

    assert run("forget-pin").out == "The admin page asks for no PIN any more.\n"
    assert not Pin(clinic.data_dir).is_set()
    assert run("forget-pin").out == "No PIN was set.\n"
