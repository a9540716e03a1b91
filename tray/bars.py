"""Which bar this system has; apart from `bar`, so that each bar can know what a bar is."""

import sys

from .bar import Bar


def bar_of_this_system() -> Bar:
    """Return this system's bar; raise NoBar where no icon can be shown."""
    if sys.platform == "win32":
        from .bar_windows import WindowsBar, system_calls

        return WindowsBar(system_calls())
    if sys.platform == "darwin":
        from .bar_macos import MacBar

        return MacBar()
    from .bar_linux import LinuxBar

    return LinuxBar()
