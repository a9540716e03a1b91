"""The battery of this PC, if it has one."""

import psutil

from backup_core.due import LOW_CHARGE


def battery_is_low() -> bool:
    """Return whether this PC runs on a battery that is nearly empty; where nobody can say, it does not."""
    # Systems without a battery, and systems whose answer psutil cannot read, differ in how they say so.
    ask = getattr(psutil, "sensors_battery", None)
    try:
        battery = ask() if ask else None
    except (OSError, RuntimeError, ValueError, psutil.Error):
        return False
    return battery is not None and battery.power_plugged is False and battery.percent < LOW_CHARGE
