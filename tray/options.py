"""What the command line of the launcher says."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of one start; an empty text and None stand for what was not said."""

    data_dir: Path | None = None
    backup_dir: Path | None = None
    port: int | None = None
    icon: bool = True
    browser: bool = True
    emr: str = ""
    emr_dir: str = ""
    demo: bool = False
    #: Whether nothing but the icon is to be opened, as at login.
    at_login: bool = False


def at_login(options: Options, data_dir: Path) -> list[str]:
    """Return the words that start the launcher at login as it was started now, with nothing opened but the icon."""
    words = ["--data-dir", str(data_dir), "--at-login"]
    if options.backup_dir:
        words += ["--backup-dir", str(options.backup_dir.absolute())]
    if options.port is not None:
        words += ["--port", str(options.port)]
    if options.emr:
        words += ["--emr", options.emr]
    if options.emr_dir:
        words += ["--emr-dir", str(Path(options.emr_dir).absolute())]
    return words


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Return the options of a command line; on a faulty one, say so and end with status 2."""
    parser = argparse.ArgumentParser(
        prog="docassist-tray", description="Starts DocAssist, backs up its live data, and serves the admin page."
    )
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="the data folder of DocAssist")
    parser.add_argument("--backup-dir", type=Path, metavar="DIR", help="where the backups lie (DATA-DIR/backups)")
    parser.add_argument("--port", type=int, metavar="N", help="the port of the admin page on 127.0.0.1")
    parser.add_argument("--no-icon", dest="icon", action="store_false", help="show no icon in the tray")
    parser.add_argument("--no-browser", dest="browser", action="store_false", help="do not open the admin page")
    parser.add_argument("--emr", default="", metavar="COMMAND", help="the command that starts DocAssist")
    parser.add_argument("--emr-dir", default="", metavar="DIR", help="the folder in which DocAssist is started")
    parser.add_argument(
        "--at-login", action="store_true", help="show the icon, but open neither DocAssist nor the admin page"
    )
    parser.add_argument("--demo", action="store_true", help="show it all with a sample clinic, away from real data")
    found = parser.parse_args(arguments)
    if found.demo and (found.emr or found.emr_dir):
        parser.error("--demo brings its own stand-in for DocAssist: leave --emr and --emr-dir out")
    if found.emr_dir and not Path(found.emr_dir).is_dir():
        parser.error(f"there is no folder {found.emr_dir}")
    found.browser = found.browser and not found.at_login
    return Options(**vars(found))
