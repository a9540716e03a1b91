"""Opens the admin page in the user's browser, without showing its ticket to other users of the computer."""

import html
import logging
import os
import platform
import secrets
import sys
import threading
import time
import webbrowser
from pathlib import Path

from .files import private_folder
from .places import state_folder

logger = logging.getLogger(__name__)

#: Seconds for which the redirecting file is kept: a cold browser needs some. The ticket in it works once, for a minute.
_KEPT = 10.0
#: Browsers in a sandbox that may not read our private folder.
_SANDBOXED = (Path("/snap/bin/firefox"), Path("/snap/bin/chromium"), Path("/var/lib/flatpak/exports/bin"))
_REDIRECT = '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url={}"><title>…</title>\n'


def open_page(address: str, *, wait: bool = False) -> bool:
    """Open `address` in the browser and return whether there was one to ask.

    `wait` returns only when the redirecting file is gone again: for a process that ends afterwards.
    """
    if not _has_desktop():
        logger.info("there is no desktop to open the page on")
        return False
    if sys.platform == "win32" or _is_sandboxed():
        return webbrowser.open(address)
    # On a command line the ticket could be read by every user of the computer.
    path = _redirect(address)
    remover = threading.Thread(target=_remove_later, args=(path,), name="redirect-remover", daemon=not wait)
    remover.start()
    # Some browsers return only when they are closed.
    opened = webbrowser.open(path.as_uri())
    if wait:
        remover.join()
    return opened


def sweep() -> None:
    """Remove redirecting files that an earlier run left behind."""
    for path in _folder().glob("open-*.html"):
        path.unlink(missing_ok=True)


def _redirect(address: str) -> Path:
    path = private_folder(_folder()) / f"open-{secrets.token_hex(8)}.html"
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(_REDIRECT.format(html.escape(address)), encoding="utf-8")
    return path


def _remove_later(path: Path) -> None:
    time.sleep(_KEPT)
    path.unlink(missing_ok=True)


def _folder() -> Path:
    return state_folder() / "open"


def _has_desktop() -> bool:
    return sys.platform != "linux" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))


def _is_sandboxed() -> bool:
    return "microsoft" in platform.release().lower() or any(path.exists() for path in _SANDBOXED)
