"""The command `docassist-tray`: options in, one launcher run, an exit status out."""

import contextlib
import io
import logging
import os
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from backup_core import browser, children, control
from backup_core.errors import BackupError, LauncherNotRunning
from backup_core.logs import log_file, start_logging
from backup_core.settings import resolve_data_dir, save_data_dir, saved_data_dir
from backup_core.sources import CLINIC_DB

from . import demo
from .instance import LauncherRunning
from .launcher import Launcher
from .options import Options, parse

logger = logging.getLogger(__name__)

#: Seconds in which a launcher that has just started tells where its page is.
_START_PATIENCE = 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the launcher until it is asked to end, or open the page of the one that runs; return the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == [children.CHILD_FLAG]:
        return children.run(words[1], words[2:])
    options = parse(words)
    start_logging()
    try:
        return _run(options)
    except BackupError as error:
        logger.info("the launcher ends: %s", error, exc_info=True)
        _say(f"{error} {error.hint}".strip(), sys.stderr)
        return 1


def _run(options: Options) -> int:
    data_dir = demo.demo_folder(options.data_dir) if options.demo else resolve_data_dir(options.data_dir, os.environ)
    if _open_running(data_dir, options):
        return 0
    if options.demo:
        demo.fill(data_dir)
        options = replace(options, emr=demo.standin_command(), emr_dir=str(children.ROOT))
    try:
        launcher = Launcher(options, data_dir)
    except LauncherRunning as error:
        if error.is_ours and _open_starting(data_dir, options):
            return 0
        raise
    _end_on_signals(launcher)
    if options.data_dir and not launcher.is_sample:
        _remember(data_dir)
    launcher.run(lambda: _tell(launcher, options))
    return 0


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
        _say(f"DocAssist Backup is already running. Its admin page, for one minute: {address}")
    return True


def _open_starting(data_dir: Path, options: Options) -> bool:
    """Open the page of a launcher of ours that is just starting; return whether it came up."""
    deadline = time.monotonic() + _START_PATIENCE
    while time.monotonic() < deadline:
        if _open_running(data_dir, options):
            return True
        time.sleep(0.2)
    return False


def _remember(data_dir: Path) -> None:
    """Keep a clinic's folder that was named as the choice for the next start and for the command line."""
    if (data_dir / CLINIC_DB).is_file() and saved_data_dir() != data_dir:
        try:
            save_data_dir(data_dir)
        except BackupError:
            logger.warning("the data folder has to be named at the next start too", exc_info=True)


def _end_on_signals(launcher: Launcher) -> None:
    """Let whatever asks this process to end begin an orderly end."""
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: launcher.quit())


def _tell(launcher: Launcher, options: Options) -> None:
    """Say where the admin page is, and open it."""
    browser.sweep()
    what = "the sample clinic" if launcher.is_sample else "DocAssist's data"
    _say(f"DocAssist Backup looks after {what} in {launcher.data_dir}")
    _say(f"Admin page: http://127.0.0.1:{launcher.control.port}/")
    _say(f'Open it by the tray icon, or with: {_backup_command()} --data-dir "{launcher.data_dir}" open')
    _say(f"Log: {log_file()}")
    if options.browser:
        launcher.open_page()


def _backup_command() -> str:
    """Return how the other command is typed here: by its path where it lies in an environment that is not active."""
    name = "docassist-backup"
    beside = Path(sys.executable).with_name(name)
    return f'"{beside}"' if beside.is_file() and not shutil.which(name) else name


def _say(text: str, stream: TextIO | None = None) -> None:
    """Write a line for a person at a terminal, if there is one: a program without a console has no streams."""
    target = stream or sys.stdout
    if isinstance(target, io.TextIOWrapper):
        # What a console cannot show becomes an escape, and stops nothing.
        target.reconfigure(errors="backslashreplace")
    if target is not None:
        # Nor does a pipe that nobody reads any more.
        with contextlib.suppress(OSError):
            target.write(f"{text}\n")
            target.flush()


if __name__ == "__main__":
    raise SystemExit(main())
