"""The command `docassist-backup`: arguments in, one answer and an exit status out; the only module that prints."""

import argparse
import io
import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from . import children, commands, logs, lookups
from .answers import Answer
from .arguments import Usage, parser
from .engine import BackupEngine
from .errors import (
    ArchiveUnusable,
    BackupError,
    Busy,
    EmrRunning,
    RepositoryFull,
    RepositoryLocked,
    SettingInvalid,
)
from .places import is_data_dir_known, setup_folder, state_folder
from .settings import Settings, resolve_data_dir
from .sources import find_sources
from .text import _

#: Seconds for which another backup or restore may hold up a command before it is refused as busy.
PATIENCE = 10.0

logger = logging.getLogger(__name__)


_STATUS: dict[type[BackupError], int] = {
    BackupError: 1,
    Usage: 2,
    SettingInvalid: 2,
    ArchiveUnusable: 3,
    Busy: 4,
    RepositoryLocked: 4,
    EmrRunning: 4,
    RepositoryFull: 5,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line and return its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == [children.CHILD_FLAG]:
        return children.run(words[1], words[2:])
    as_json = "--json" in words
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What a Windows console cannot show becomes an escape, and stops nothing.
            stream.reconfigure(errors="backslashreplace")
    logs.start_logging(console=False)
    try:
        answer = _carry_out(parser().parse_args(words, argparse.Namespace(data_dir=None, backup_dir=None, json=False)))
    except BackupError as error:
        logger.info("%s: %s", error.code, error, exc_info=True)
        return _refuse(error, as_json)
    except KeyboardInterrupt:
        return _refuse(BackupError(_("Stopped."), hint=_("The next command tidies up what was begun.")), as_json)
    except Exception:  # noqa: BLE001 - the user gets a sentence, the log the traceback
        logger.exception("a fault of the program")
        hint = _("The details are in %(value)s.", value=logs.log_file())
        return _refuse(BackupError(_("Something went wrong inside DocAssist Backup."), hint=hint), as_json)
    return _answer(json.dumps(answer.document, indent=1) if as_json else answer.text)


def _carry_out(options: argparse.Namespace) -> Answer:
    if options.command == "selftest":
        return commands.self_test(state_folder())
    data_dir = resolve_data_dir(options.data_dir, os.environ)
    if options.command == "open":
        is_known = is_data_dir_known(options.data_dir, os.environ)
        return commands.open_page(data_dir if is_known else setup_folder(), only_print=options.print)
    find_sources(data_dir)  # no data folder is said first, and none is ever made
    settings = Settings(data_dir)
    preferences = settings.read()
    backup_dir = options.backup_dir or preferences.backup_dir
    looks_only = options.command in commands.LOOKING
    engine = BackupEngine(
        data_dir,
        Path(backup_dir).expanduser() if backup_dir else None,
        policy=preferences.policy,
        extras=preferences.extras,
        older_dirs=preferences.older_dirs,
        emr_command=preferences.emr_command,
        patience=0.0 if looks_only else PATIENCE,
    )
    if options.command != "recover":
        _recover_first(engine, looks_only=looks_only)
    attended = sys.stdin is not None and sys.stdin.isatty()
    return commands.run(lookups.Request(options, engine, settings, _confirm, attended))


def _recover_first(engine: BackupEngine, *, looks_only: bool) -> None:
    """Settle what an interrupted restore has left; where that cannot be now, only what changes nothing goes on."""
    try:
        decided = engine.recover()
    except RepositoryLocked:
        if not looks_only:
            raise
    except BackupError as error:
        if not looks_only:
            raise
        _note(error)
    else:
        if decided:
            print(decided, file=sys.stderr)


def _confirm(question: str) -> bool:
    if sys.stdin is None or not sys.stdin.isatty():
        raise Usage(_("There is nobody here to ask."), hint=_("Add --yes if you are sure."))
    asked = _("Type %(word)s to go on:", word="yes")
    print(f"{question}\n{asked} ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() == "yes"


def _answer(text: str) -> int:
    """Print the answer and return the exit status: it is no success where nobody could read it."""
    try:
        print(text, flush=True)
    except OSError as error:
        # What is still in the buffer would be tried again, and complained about, when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _refuse(
            BackupError(_("The answer could not be written (%(reason)s).", reason=error.strerror)), as_json=False
        )
    return 0


def _refuse(error: BackupError, as_json: bool) -> int:
    """Tell an error on stderr, and as the one document where that was asked for; return the exit status."""
    _note(error)
    if as_json:
        told = {"code": error.code, "sentence": str(error), "hint": error.hint, "facts": error.facts}
        print(json.dumps({"error": told}, indent=1))
    return next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)


def _note(error: BackupError) -> None:
    print("\n".join(line for line in (str(error), error.hint) if line), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
