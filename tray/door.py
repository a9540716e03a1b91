"""The page's address: its port and its secrets, whichever application answers there now.

The set-up and the launcher follow each other behind the same door, so that a page that is open stays open.
"""

import logging
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from backup_core import control
from backup_core.browser import open_page
from backup_core.control import Control
from webadmin import Access

from .server import PageServer, listen

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

logger = logging.getLogger(__name__)


class Door:
    """Serves one application after another on one port."""

    def __init__(self, asked: int | None, remembered: int | None = None) -> None:
        """Take a port, as `listen` says; raise SettingInvalid if the one asked for cannot be had."""
        self.access = Access()
        self._server = PageServer(lambda *request: self._app(*request), listen(asked, remembered))
        self._app: WSGIApplication
        self._is_open = False
        self.access.set_port(self._server.port)

    @property
    def control(self) -> Control:
        """What the command line needs to reach this page."""
        return Control(self._server.port, os.getpid(), self.access.control_key)

    def serve(self, app: "WSGIApplication") -> None:
        """Answer with `app` from the next request on."""
        self._app = app

    def open(self) -> None:
        """Begin to answer, if that has not begun."""
        if not self._is_open:
            self._is_open = True
            self._server.start()

    def close(self) -> None:
        """Stop answering."""
        self._server.close()

    def announce(self, data_dir: Path) -> None:
        """Let the command line and a second start find the page of this data folder."""
        try:
            control.write(data_dir, self.control)
        except OSError:
            logger.warning("the page can be opened by the tray icon only", exc_info=True)

    def hide(self, data_dir: Path) -> None:
        """Take away what `announce` has left, if it is still this page's."""
        if control.read(data_dir) == self.control:
            control.remove(data_dir)

    def address(self, path: str = "/") -> str:
        """Return an address that opens the page at `path` once, within a minute."""
        return control.page_address(self.control, self.access.new_ticket(), path)

    def show(self, path: str = "/") -> None:
        """Open the page in the browser, without waiting for it: some browsers return when they are closed."""
        threading.Thread(target=open_page, args=(self.address(path),), name="browser", daemon=True).start()
