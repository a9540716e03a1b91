"""The command `docassist-tray`: options in, one launcher run, an exit status out."""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from backup_core import browser, children, control
from backup_core.errors import BackupError, LauncherNotRunning
from backup_core.gentle import keep_small
from backup_core.logs import log_file, start_logging
from backup_core.places import is_data_dir_known, setup_folder
from backup_core.settings import resolve_data_dir, save_data_dir, saved_data_dir
from backup_core.sources import CLINIC_DB
from backup_core.text import _

from . import demo
from .door import Door
from .ending import EXIT_PATIENCE
from .instance import LauncherRunning
from .launcher import Launcher
from .options import Options, parse
from .terminal import backup_command, say

if TYPE_CHECKING:
    from .setup import SetUp

logger = logging.getLogger(__name__)

#: Seconds in which another launcher has either told where its page is, or made its last backup and ended.
_PATIENCE = EXIT_PATIENCE + 15.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the launcher until it is asked to end, or open the page of the one that runs; return the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == [children.CHILD_FLAG]:
        return children.run(words[1], words[2:])
    options = parse(words)
    start_logging()
    keep_small()
    try:
        return _run(options)
    except BackupError as error:
        logger.info("the launcher ends: %s", error, exc_info=True)
        say(f"{error} {error.hint}".strip(), sys.stderr)
        return 1


def _run(options: Options) -> int:
    data_dir = _data_dir(options)
    if _open_running(data_dir or setup_folder(), options):
        return 0
    if data_dir is None:
        return _set_up(Door(options.port), options)
    if options.demo:
        demo.fill(data_dir)
        options = replace(options, emr=demo.standin_command(), emr_dir=str(children.ROOT))
    launcher = _launcher(options, data_dir)
    if launcher is None:
        return 0
    if options.data_dir and not launcher.is_sample:
        _remember(data_dir)
    return _look_after(launcher, options)


def _data_dir(options: Options) -> Path | None:
    """Return the data folder that is meant, or None where nobody has said it yet."""
    if options.demo:
        return demo.demo_folder(options.data_dir)
    known = is_data_dir_known(options.data_dir, os.environ)
    return resolve_data_dir(options.data_dir, os.environ) if known else None


def _look_after(launcher: Launcher, options: Options) -> int:
    """Run a launcher, and whatever follows it behind its door."""
    _end_on_signals(launcher.quit)
    launcher.run(lambda: _tell(launcher, options))
    if launcher.leaves_for_set_up:
        return _set_up(launcher.door, options, is_open=True)
    return 0


def _set_up(door: Door, options: Options, *, is_open: bool = False) -> int:
    """Run the set-up behind `door`, then the launcher that came of it; `is_open` says that its page is open already."""
    # Needed once in the life of a clinic, and in the memory of each launcher all day.
    from .setup import SetUp, for_any_data

    setup = SetUp(options, door)
    _end_on_signals(setup.quit)
    launcher = setup.run(lambda: None if is_open else _tell_set_up(setup, options))
    if launcher is None:
        return 0
    # The page is open already, and follows.
    return _look_after(launcher, replace(for_any_data(options), browser=False))


def _open_running(data_dir: Path, options: Options) -> bool:
    """Open the page of the launcher that runs for this folder, or tell its address; return whether there is one."""
    running = control.read(data_dir)
    if running is None:
        return False
    try:
        address = control.page_address(running, control.ask_ticket(running))
    except LauncherNotRunning:
        return False
    if not options.browser or not browser.open_page(address, wait=True):
        say(_("DocAssist Backup is already running. Its admin page, for one minute: %(address)s", address=address))
    return True


def _launcher(options: Options, data_dir: Path) -> Launcher | None:
    """Return the launcher of a folder, or None once the page of the one that this user has already is open.

    Another one that is just starting has no page yet, and one that makes its last backup no longer: it is waited for.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return Launcher(options, data_dir)
        except LauncherRunning as error:
            if not error.is_ours or time.monotonic() > deadline:
                raise
        if _open_running(data_dir, options):
            return None
        time.sleep(0.2)


def _remember(data_dir: Path) -> None:
    """Keep a clinic's folder that was named as the choice for the next start and for the command line."""
    if (data_dir / CLINIC_DB).is_file() and saved_data_dir() != data_dir:
        try:
            save_data_dir(data_dir)
        except BackupError:
            logger.warning("the data folder has to be named at the next start too", exc_info=True)


def _end_on_signals(end: Callable[[], None]) -> None:
    """Let whatever asks this process to end begin an orderly end."""
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_signal: end())


def _tell(launcher: Launcher, options: Options) -> None:
    """Say where the admin page is, and open it."""
    browser.sweep()
    what = _("the sample clinic") if launcher.is_sample else "DocAssist's data"
    say(_("DocAssist Backup looks after %(what)s in %(data_dir)s", what=what, data_dir=launcher.data_dir))
    say(_("Admin page: http://127.0.0.1:%(port)s/", port=launcher.control.port))
    say(
        _(
            'Open it by the tray icon, or with: %(value)s --data-dir "%(data_dir)s" open',
            value=backup_command(),
            data_dir=launcher.data_dir,
        )
    )
    say(f"Log: {log_file()}")
    if options.browser:
        launcher.open_page()


def _tell_set_up(setup: "SetUp", options: Options) -> None:
    """Say that something is to be decided, and where; open that page."""
    browser.sweep()
    address = setup.address()
    say(_("DocAssist Backup does not know yet which data to look after."))
    if not options.browser or not browser.open_page(address):
        say(_("Decide it on this page, which opens once, within a minute: %(address)s", address=address))
        say(_("A fresh address is printed by: %(command)s", command=f"{backup_command()} open --print"))
    say(_("Or start it without the page: %(command)s", command='docassist-tray --data-dir "…" --emr "…"'))
    say(f"Log: {log_file()}")


if __name__ == "__main__":
    raise SystemExit(main())
