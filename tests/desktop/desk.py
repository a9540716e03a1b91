"""A desktop of a test's own: a virtual screen, a session bus, and what listens on them as a panel does."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from jeepney import DBusAddress, MessageType, message_bus, new_method_call
from jeepney.io.blocking import DBusConnection, open_dbus_connection

Result = TypeVar("Result")

#: Seconds until a test gives up on something that should happen at once.
PATIENCE = 20.0

#: The Debian package of each program that the tests start.
PACKAGES = {"Xvfb": "xvfb", "dbus-daemon": "dbus-daemon", "trayer": "trayer", "xdotool": "xdotool"}

#: A session bus without service files, so that nothing is started by being asked for.
BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:tmpdir={folder}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
</policy></busconfig>"""


def program(name: str) -> str:
    """Return the path of a program; fail and name its package where it is missing."""
    path = shutil.which(name)
    if path is None:
        pytest.fail(f"{name} is missing: install the Debian package {PACKAGES[name]}")
    return path


def eventually(read: Callable[[], Result | None], accept: Callable[[Result], object] = bool) -> Result:
    """Return what `read` gives as soon as it is acceptable; fail after PATIENCE seconds and show the last value."""
    deadline = time.monotonic() + PATIENCE
    while (value := read()) is None or not accept(value):
        if time.monotonic() > deadline:
            pytest.fail(f"waited {PATIENCE:.0f} s in vain; the last value was {value!r}")
        time.sleep(0.02)
    return value


class Desk:
    """A screen and a bus that this process and those that it starts are on; a test opens what it wants of them."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._monkeypatch = monkeypatch
        self._processes: list[subprocess.Popen[bytes]] = []
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY"):
            monkeypatch.delenv(name, raising=False)
        for name in ("HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"):
            monkeypatch.setenv(name, str(folder))
        monkeypatch.setenv("GSETTINGS_BACKEND", "memory")
        monkeypatch.setenv("GTK_THEME", "Adwaita")
        monkeypatch.setenv("NO_AT_BRIDGE", "1")
        # Nobody listens there: without it a library may start a bus by itself.
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={folder / 'no-bus'}")

    def open_screen(self) -> subprocess.Popen[bytes]:
        """Start a virtual screen on a display number that is free, and return its process."""
        screen = ("-screen", "0", "1024x700x24", "-nolisten", "tcp", "-noreset")
        process, number = self._start_and_hear(program("Xvfb"), "-displayfd", "{fd}", *screen)
        self._monkeypatch.setenv("DISPLAY", f":{number}")
        return process

    def open_bus(self) -> None:
        """Start a session bus."""
        config = self._folder / "bus.conf"
        config.write_text(BUS_CONFIG.format(folder=self._folder), encoding="utf-8")
        bus = ("--nofork", f"--config-file={config}", "--print-address={fd}")
        self._bus, address = self._start_and_hear(program("dbus-daemon"), *bus)
        self._monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)

    def close_bus(self) -> None:
        """End the session bus, as the end of a session does."""
        self._bus.terminate()
        self._bus.wait(PATIENCE)

    @contextmanager
    def connection(self) -> Iterator[DBusConnection]:
        """Yield a connection to the session bus."""
        connection = open_dbus_connection(bus=os.environ["DBUS_SESSION_BUS_ADDRESS"])
        try:
            yield connection
        finally:
            connection.close()

    def start(self, *command: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start a process on this desk; it ends with the desk."""
        null = subprocess.DEVNULL
        process = subprocess.Popen(command, stdin=null, stdout=null, stderr=null, **options)
        self._processes.append(process)
        return process

    def close(self) -> None:
        """End all that was started here, the newest first."""
        for process in reversed(self._processes):
            process.terminate()
            process.wait(PATIENCE)

    def _start_and_hear(self, *command: str) -> tuple[subprocess.Popen[bytes], str]:
        """Start a process that writes one line to the file descriptor "{fd}", and return it with that line."""
        reading, writing = os.pipe()
        with os.fdopen(reading) as answer:
            process = self.start(*(part.format(fd=writing) for part in command), pass_fds=[writing])
            os.close(writing)
            line = answer.readline().strip()
        if not line:
            pytest.fail(f"{command[0]} did not start")
        return process, line


class TrayMenu:
    """The menu of an icon as a panel reads it: over D-Bus."""

    def __init__(self, connection: DBusConnection, owner: str) -> None:
        self._connection = connection
        self._owner = owner
        path = "/org/ayatana/NotificationItem/docassist_backup"
        self._item = DBusAddress(path, owner, "org.freedesktop.DBus.Properties")
        self._menu = DBusAddress(f"{path}/Menu", owner, "com.canonical.dbusmenu")

    def process_id(self) -> int:
        """Return the number of the process that shows the icon."""
        question = message_bus.GetConnectionUnixProcessID(self._owner)
        return int(self._connection.send_and_get_reply(question, timeout=PATIENCE).body[0])

    def property(self, name: str) -> Any:
        """Return a property of the icon: "Title", "IconName" (the path of its picture) or "Status"."""
        question = new_method_call(self._item, "Get", "ss", ("org.kde.StatusNotifierItem", name))
        return self._connection.send_and_get_reply(question, timeout=PATIENCE).body[0][1]

    def labels(self) -> list[str]:
        """Return the texts of the menu, top to bottom; a separator is "-"."""
        return ["-" if item.get("type") == "separator" else item["label"] for item in self._items()]

    def item(self, label: str) -> dict[str, Any]:
        """Return the properties of an item, and its number as "id"."""
        return next(item for item in self._items() if item.get("label") == label)

    def click(self, label: str) -> None:
        """Click an item; a greyed one is clicked all the same, as some panels do."""
        eventually(lambda: self._send_click(label))

    def _send_click(self, label: str) -> bool:
        """Return whether the item was still there: every change of the menu gives its items new numbers."""
        event = (self.item(label)["id"], "clicked", ("i", 0), 0)
        message = new_method_call(self._menu, "Event", "isvu", event)
        answer = self._connection.send_and_get_reply(message, timeout=PATIENCE)
        return answer.header.message_type is not MessageType.error

    def _items(self) -> list[dict[str, Any]]:
        question = new_method_call(self._menu, "GetLayout", "iias", (0, -1, []))
        answer = self._connection.send_and_get_reply(question, timeout=PATIENCE)
        if answer.header.message_type is MessageType.error:
            return []  # the icon is known a moment before its menu
        _, (_, _, children) = answer.body
        return [
            {"id": number, **{key: value for key, (_, value) in facts.items()}} for _, (number, facts, _) in children
        ]
