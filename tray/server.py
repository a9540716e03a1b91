"""The admin page's server: waitress on 127.0.0.1, in a thread of its own."""

import logging
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any

from waitress import wasyncore
from waitress.server import create_server

from backup_core.errors import SettingInvalid
from backup_core.text import _
from webadmin.gate import LARGEST_BODY

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

HOST = "127.0.0.1"

logger = logging.getLogger(__name__)

#: Seconds between two looks when nobody asks for anything; a request, or the end, is heard at once all the same.
_REST = 300


def listen(asked: int | None, remembered: int | None = None) -> socket.socket:
    """Return a socket that listens on 127.0.0.1: on the port asked for, else on the remembered one, else on a free one.

    Raise SettingInvalid if the port asked for is in use, or may not be used.
    """
    if asked is not None:
        try:
            return _bind(asked)
        except (OSError, OverflowError) as error:
            raise SettingInvalid(
                _(
                    "Port %(asked)s cannot be used for the admin page: another program has it, or it is not allowed.",
                    asked=asked,
                ),
                field="port",
                hint=_("Choose another --port, or leave it out to get a free one."),
                port=asked,
            ) from error
    if remembered is not None:
        try:
            return _bind(remembered)
        except (OSError, OverflowError):
            logger.info("port %s is in use, so the admin page moves to another one", remembered)
    return _bind(0)


def _bind(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            # Else another program could take the same port and receive what is meant for us.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            # Else a restart finds its own port in use for a minute.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(128)
    except BaseException:
        listener.close()
        raise
    return listener


class PageServer:
    """Serves one WSGI application on a listening socket until it is closed."""

    def __init__(self, app: "WSGIApplication", listener: socket.socket) -> None:
        self.port: int = listener.getsockname()[1]
        self._sockets: dict[int, Any] = {}
        # One socket makes one server; the other type of the annotation is for several.
        self._server: Any = create_server(
            app,
            map=self._sockets,
            sockets=[listener],
            threads=4,
            asyncore_loop_timeout=_REST,
            ident=None,
            # All of a body is read before the gate itself is asked.
            max_request_body_size=LARGEST_BODY,
            clear_untrusted_proxy_headers=True,
        )
        self._thread = threading.Thread(target=self._server.run, name="page-server", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()
        logger.info("the admin page is on port %s", self.port)

    def close(self) -> None:
        """Stop answering; what is being answered is cut off after a second."""
        # The thunk runs on the server's own thread: closing its sockets from here would race with its select().
        self._server.trigger.pull_trigger(self._leave)
        self._thread.join(2)
        self._server.task_dispatcher.shutdown(timeout=1)
        self._server.trigger.close()

    def _leave(self) -> None:
        """Close every socket but the trigger, and so end the server's loop.

        Whoever asked for this may still be about to write a byte into the trigger: were it closed, that byte would go
        into whatever file has come to its number meanwhile.
        """
        kept = {number: one for number, one in self._sockets.items() if one is self._server.trigger}
        # The server's own way to close takes the trigger with it.
        wasyncore.dispatcher.close(self._server)
        for number in kept:
            del self._sockets[number]
        wasyncore.close_all(self._sockets)
