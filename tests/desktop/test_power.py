"""What the battery says, with psutil's answer stubbed: a test machine has none."""

from types import SimpleNamespace

import psutil
import pytest

from tray.power import battery_is_low


@pytest.mark.parametrize(
    ("percent", "plugged", "low"),
    [(19.9, False, True), (20, False, False), (3, True, False), (3, None, False), (100, False, False)],
)
def test_a_battery_is_low_below_20_percent_and_without_the_charger(
    monkeypatch: pytest.MonkeyPatch, percent: float, plugged: bool | None, low: bool
) -> None:
    answer = SimpleNamespace(percent=percent, power_plugged=plugged)
    monkeypatch.setattr(psutil, "sensors_battery", lambda: answer, raising=False)
    assert battery_is_low() is low


def test_a_pc_without_a_battery_has_no_low_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "sensors_battery", lambda: None, raising=False)
    assert not battery_is_low()
    monkeypatch.delattr(psutil, "sensors_battery")
    assert not battery_is_low()


def test_a_battery_that_cannot_be_read_puts_nothing_off(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OSError("no such device")

    monkeypatch.setattr(psutil, "sensors_battery", refuse, raising=False)
    assert not battery_is_low()
