"""The launcher's link to the icon's own process, which may hang or die without touching the launcher.

Three threads, none of them the caller's: the keeper starts one child after another and hears it, the sender tells it
the latest look and waits for the answer, the third passes clicks on. Nothing queues up behind a slow child: a newer
look replaces an older one.
"""

import logging
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from backup_core.children import command as child_command
from backup_core.text import _

from .iconchild import IconChild
from .look import Look, Notice, to_line

logger = logging.getLogger(__name__)

#: A child that lived this long (seconds) is started again after the first pause, however often others died before.
STEADY = 60.0


class IconLink:
    """Shows looks in the tray whenever there is one, and calls `on_click` with the id of each chosen item.

    `pauses` are the first and the longest wait (seconds) before a child that ended is started again; one that leaves
    a look unanswered for `patience` seconds is killed. `on_click` runs in a thread of its own and may take its time.
    """

    def __init__(
        self,
        on_click: Callable[[str], None],
        *,
        command: Sequence[str] = (),
        pauses: tuple[float, float] = (1.0, 300.0),
        patience: float = 60.0,
    ) -> None:
        self._on_click = on_click
        self._command = command or child_command("tray.icon")
        self._first_pause, self._longest_pause = pauses
        self._patience = patience
        # All that follows is read and written under this condition.
        self._changed = threading.Condition()
        self._closed = False
        self._child: IconChild | None = None
        self._look: Look | None = None
        self._notices: deque[Notice] = deque(maxlen=3)
        self._clicks: deque[str] = deque(maxlen=16)
        self._unsent = False
        self._unanswered = False
        self._problem = ""
        self._keeper = threading.Thread(target=self._keep, name="icon-keeper", daemon=True)
        self._sender = threading.Thread(target=self._send, name="icon-sender", daemon=True)
        self._clicker = threading.Thread(target=self._pass_clicks, name="icon-clicks", daemon=True)

    def start(self) -> None:
        """Start the icon's process, and go on without waiting for it."""
        for thread in (self._keeper, self._sender, self._clicker):
            thread.start()

    def show(self, look: Look) -> None:
        """Have the icon show `look` as soon as it can; return at once."""
        with self._changed:
            if look != self._look:
                self._look = look
                self._unsent = True
                self._changed.notify_all()

    def notify(self, title: str, message: str) -> None:
        """Have the desktop show a notification once, if an icon is there to ask for it; return at once."""
        with self._changed:
            self._notices.append(Notice(title, message))
            self._changed.notify_all()

    @property
    def problem(self) -> str:
        """Why no icon can be seen, as a sentence; empty while one can, or while that is not known yet."""
        with self._changed:
            return self._problem

    def close(self, timeout: float = 5.0) -> None:
        """End the icon's process: politely, and by force after `timeout` seconds. It may be called by `on_click`."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._keeper.join(timeout)
        with self._changed:
            if self._child:
                self._child.kill()
        self._keeper.join(timeout)

    def _keep(self) -> None:
        pause = self._first_pause
        while not self._wait_for_close(0):
            started = time.monotonic()
            try:
                # What a killed child leaves of its pictures goes with the folder.
                with tempfile.TemporaryDirectory(prefix="docassist-icon-", ignore_cleanup_errors=True) as folder:
                    self._follow(IconChild(self._command, Path(folder)))
            except OSError as error:
                self._set_problem(_("The tray icon could not be started: %(reason)s.", reason=error.strerror))
            if time.monotonic() - started > STEADY:
                pause = self._first_pause
            self._wait_for_close(pause)
            pause = min(pause * 2, self._longest_pause)

    def _wait_for_close(self, timeout: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._closed, timeout)

    def _follow(self, child: IconChild) -> None:
        """Hear a child until it ends."""
        self._adopt(child)
        for message in child.messages():
            self._hear(message)
        self._adopt(None)
        status = child.reap()
        logger.info("the icon's process ended with status %s", status)
        if status and not self._wait_for_close(0):
            self._set_problem(_("The tray icon stopped. It will be started again."))

    def _adopt(self, child: IconChild | None) -> None:
        """Make `child` the one that is told; None where there is none."""
        with self._changed:
            self._child = child
            self._unsent = True
            self._unanswered = False
            if child is None:
                # With the next child, perhaps hours later, they would be no news any more.
                self._notices.clear()
            elif self._closed:
                child.end()
            self._changed.notify_all()

    def _hear(self, message: dict[str, Any]) -> None:
        with self._changed:
            if "click" in message:
                self._clicks.append(str(message["click"]))
            if "shown" in message:
                self._unanswered = False
            self._changed.notify_all()
        if "ready" in message:
            self._set_problem("")
        # The one says why this process cannot show an icon at all, the other why nobody may see it.
        for kind in ("unavailable", "hidden"):
            if kind in message:
                self._set_problem(str(message[kind]))

    def _set_problem(self, sentence: str) -> None:
        with self._changed:
            changed, self._problem = sentence != self._problem, sentence
        if changed:
            logger.warning("%s", sentence or "the tray icon can be seen")

    def _send(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._has_news())
                child, look = self._child, self._look
                if self._closed or not child or not look:
                    break
                line = to_line(look, self._notices.popleft() if self._notices else None)
                self._unsent, self._unanswered = False, True
            self._deliver(child, line)
        if child:
            child.end()

    def _has_news(self) -> bool:
        ready = self._child is not None and self._look is not None and not self._unanswered
        return ready and (self._unsent or bool(self._notices))

    def _deliver(self, child: IconChild, line: bytes) -> None:
        """Send `line` and wait until the child has shown it, has ended, or has had patience enough."""
        try:
            child.send(line)
        except OSError:
            return  # it has ended, and the keeper sees that too
        with self._changed:
            if not self._changed.wait_for(lambda: self._closed or not self._unanswered, self._patience):
                logger.warning("the icon's process does not answer")
                child.kill()

    def _pass_clicks(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or bool(self._clicks))
                if self._closed:
                    return
                click = self._clicks.popleft()
            try:
                self._on_click(click)
            except Exception:  # noqa: BLE001 (a click that went wrong must not be the last one)
                logger.exception("the click %r was not carried out", click)
