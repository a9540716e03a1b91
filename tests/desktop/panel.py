"""A panel and a notification daemon in one, on a test's own session bus."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from jeepney import HeaderFields, Message, MessageType, message_bus, new_error, new_method_return
from jeepney.io.blocking import DBusConnection

from .desk import PATIENCE, Desk

WATCHER = "org.kde.StatusNotifierWatcher"
NOTIFICATIONS = "org.freedesktop.Notifications"


@dataclass(frozen=True)
class Shown:
    """A notification as its daemon gets it."""

    title: str
    message: str


class Panel(threading.Thread):
    """Knows the icons that register themselves, and takes notifications; with `hung` it never answers one."""

    def __init__(self, connection: DBusConnection, *, hung: bool = False) -> None:
        super().__init__(daemon=True)
        self._connection = connection
        self._hung = hung
        #: The bus names of the icons, oldest first.
        self.icons: list[str] = []
        self.notifications: list[Shown] = []
        for name in (WATCHER, NOTIFICATIONS):
            connection.send_and_get_reply(message_bus.RequestName(name))

    def run(self) -> None:
        """Answer until `stop`."""
        # `stop` may come between a question and its answer: then the answer finds the bus closed.
        with suppress(ConnectionError):
            while True:
                message = self._connection.receive()
                if message.header.message_type is MessageType.method_call:
                    answer = self._answer(message, str(message.header.fields.get(HeaderFields.member)))
                    if answer is not None:
                        self._connection.send(answer)

    def stop(self) -> None:
        """Leave the bus."""
        self._connection.sock.shutdown(socket.SHUT_RDWR)
        self.join(PATIENCE)

    def _answer(self, message: Message, member: str) -> Message | None:
        if member == "RegisterStatusNotifierItem":
            icon = str(message.header.fields[HeaderFields.sender])
            # An icon may register a second time while the panel is starting.
            self.icons += [] if icon in self.icons else [icon]
            return new_method_return(message)
        if member == "Notify":
            self.notifications.append(Shown(message.body[3], message.body[4]))
            return None if self._hung else new_method_return(message, "u", (1,))
        if member == "GetAll" and message.body[0] == WATCHER:
            # Without this answer an icon takes the panel for one that is not ready.
            facts = {"IsStatusNotifierHostRegistered": ("b", True), "ProtocolVersion": ("i", 0)}
            return new_method_return(message, "a{sv}", (facts,))
        if member == "GetAll":
            return new_method_return(message, "a{sv}", ({},))
        return None if self._hung else new_error(message, "org.freedesktop.DBus.Error.UnknownMethod")


@contextmanager
def panel_on(desk: Desk, *, hung: bool = False) -> Iterator[Panel]:
    """Yield a panel on the desk's session bus."""
    with desk.connection() as connection:
        panel = Panel(connection, hung=hung)
        panel.start()
        try:
            yield panel
        finally:
            panel.stop()
