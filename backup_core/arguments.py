"""The arguments of `docassist-backup`: which commands there are, and what each takes."""

import argparse
from typing import NoReturn

from .errors import BackupError

_STATUSES = "exit status: 0 ok, 1 failed, 2 usage, 3 damaged archive, 4 busy or DocAssist is open, 5 disk full"


class Usage(BackupError):
    """The command line is not one that can be carried out."""

    code = "usage"


class _Parser(argparse.ArgumentParser):
    """Reports a wrong command line as every other error is reported."""

    def error(self, message: str) -> NoReturn:
        raise Usage(f"{message[:1].upper()}{message[1:]}.", hint=f"See {self.prog} --help.")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line; it raises Usage."""
    anywhere = _Parser(add_help=False, argument_default=argparse.SUPPRESS)
    anywhere.add_argument("--data-dir", metavar="DIR", help="the data folder of DocAssist")
    anywhere.add_argument("--backup-dir", metavar="DIR", help="where the backups lie (DATA-DIR/backups)")
    anywhere.add_argument("--json", action="store_true", help="print one JSON document")
    whole = _Parser(
        prog="docassist-backup",
        description="Backs up and restores the data of DocAssist.",
        epilog=_STATUSES,
        parents=[anywhere],
    )
    _add_commands(whole.add_subparsers(dest="command", metavar="COMMAND", required=True), anywhere)
    return whole


def _add_commands(found: "argparse._SubParsersAction[_Parser]", anywhere: _Parser) -> None:
    def command(name: str, help: str) -> argparse.ArgumentParser:
        return found.add_parser(name, help=help, description=help, parents=[anywhere])

    command("create", "make a backup now")
    command("list", "list the backups, newest first")
    verify = command("verify", "read a backup again, or all of them, and check every byte")
    verify.add_argument("archive", nargs="?", metavar="NAME|PATH")
    restore = command("restore", "put a backup back; today's data is kept in a safety backup first")
    restore.add_argument("archive", metavar="NAME|PATH")
    restore.add_argument("--other-clinic", action="store_true", help="yes, these are another clinic's records")
    restore.add_argument("--newer", action="store_true", help="yes, a newer DocAssist made it")
    undo = command("undo", "go back to before the last restore")
    for asks in (restore, undo):
        asks.add_argument("--yes", action="store_true", help="do not ask")
    command("recover", "settle a restore that was interrupted")
    prune = command("prune", "delete the backups that need not be kept")
    prune.add_argument("--keep", type=_count, metavar="N", help="keep exactly the N newest")
    prove = command("prove", "open a backup as DocAssist would, and check what is in it; the newest if none is named")
    prove.add_argument("archive", nargs="?", metavar="NAME|PATH")
    compare = command("compare", "list what restoring a backup would remove of today's data")
    compare.add_argument("archive", metavar="NAME|PATH")
    copy = command(
        "copy", "copy a backup to another drive and read it again there; the newest checked one if none is named"
    )
    copy.add_argument("folder", metavar="FOLDER")
    copy.add_argument("archive", nargs="?", metavar="NAME|PATH")
    for name, help in (("pin", "keep a backup for ever"), ("unpin", "keep a backup no longer than the others")):
        command(name, help).add_argument("archive", metavar="NAME")
    command("all-is-well", "end the alarm that patients or tables have gone: that is right, go on")
    command("forget-pin", "ask for no PIN on the admin page any more")
    command("selftest", "try the whole job on this PC, with a sample clinic in a folder of its own")
    command("status", "tell how things stand, and what is in no backup")
    command("diagnostics", "tell somebody who helps about this PC, with nothing of a patient in it")
    command("open", "open the admin page of the running launcher").add_argument(
        "--print", action="store_true", help="print its address instead; it works once, for a minute"
    )


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 upwards")
    return int(text)
