"""What each command of `docassist-backup` does; it answers and prints nothing."""

from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from . import browser, control
from .answers import Answer, about_archives, about_created, about_restored, about_standing, counted, holds
from .engine import BackupEngine
from .errors import ArchiveUnusable, BackupError, OtherClinic
from .listing import State
from .restore import Restored
from .runs import Trigger
from .settings import Settings

#: Those that change nothing: they go on where an interrupted restore cannot be settled just now.
LOOKING = ("list", "verify", "status", "open")


class NotConfirmed(BackupError):
    """The user was asked, and did not say yes."""

    code = "not-confirmed"


@dataclass(frozen=True)
class Request:
    """One command and what it works on."""

    options: Namespace
    engine: BackupEngine
    settings: Settings
    #: Asks the user a question and returns whether the answer was yes; raises BackupError where nobody is there.
    confirm: Callable[[str], bool]
    #: Whether somebody is there.
    is_attended: bool


def run(request: Request) -> Answer:
    """Carry out the command that was asked for and return its answer; raise BackupError."""
    return _COMMANDS[request.options.command](request)


def _create(request: Request) -> Answer:
    return about_created(request.engine.create(Trigger.CLI))


def _list(request: Request) -> Answer:
    archives = request.engine.archives()
    if not archives:
        return Answer({"backups": []}, f"There is no backup in {request.engine.backup_dir} yet.")
    return about_archives(archives)


def _verify(request: Request) -> Answer:
    if not request.options.archive:
        return _verify_all(request.engine)
    archive = request.engine.verify(request.engine.find(request.options.archive))
    return Answer({"verified": [archive.name]}, f"{archive.name} is whole: {holds(archive)}.")


def _verify_all(engine: BackupEngine) -> Answer:
    whole, damaged = [], []
    for archive in engine.archives():
        if archive.state not in (State.ENCRYPTED, State.WRITING):
            try:
                whole.append(engine.verify(archive).name)
            except ArchiveUnusable as error:
                damaged.append(f"{archive.name}: {error}")
    if damaged:
        raise ArchiveUnusable(
            f"{len(damaged)} of {len(whole) + len(damaged)} backups cannot be used. {' '.join(damaged)}",
            hint="The others are whole. Make a new one now." if whole else "Make a new one now.",
            damaged=len(damaged),
            whole=len(whole),
        )
    verdict = f"All {len(whole)} are whole." if whole else "There is no backup yet."
    return Answer({"verified": whole}, "\n".join([*whole, verdict]))


def _restore(request: Request) -> Answer:
    archive = request.engine.find(request.options.archive)
    _make_sure(request, f"This puts back {archive.name} of {archive.created_at:%d %b %Y, %H:%M} ({holds(archive)}).")

    def restore(*, other_clinic: bool) -> Restored:
        return request.engine.restore(archive, trigger=Trigger.CLI, other_clinic=other_clinic)

    try:
        return about_restored(restore(other_clinic=request.options.other_clinic))
    except OtherClinic as error:
        if not request.is_attended:
            error.hint = "If they are the ones you want, add --other-clinic."
            raise
        _go_on_if(request.confirm(f"{error} Are they the ones you want?"))
        return about_restored(restore(other_clinic=True))


def _undo(request: Request) -> Answer:
    archive = request.engine.undoable()
    if archive is not None:
        _make_sure(request, f"This goes back to before the last restore ({holds(archive)}).")
    return about_restored(request.engine.undo(trigger=Trigger.CLI))


def _recover(request: Request) -> Answer:
    decided = request.engine.recover()
    return Answer({"recovered": decided}, decided or "No restore was interrupted.")


def _prune(request: Request) -> Answer:
    deleted = request.engine.prune(request.options.keep, trigger=Trigger.CLI)
    text = "\n".join(f"Deleted {name}" for name in deleted) or "There was no backup to delete."
    return Answer({"deleted": deleted}, text)


def _status(request: Request) -> Answer:
    is_running = control.read(request.engine.data_dir) is not None
    return about_standing(request.engine, is_running=is_running, problems=request.settings.problems)


def _open(request: Request) -> Answer:
    running = control.read(request.engine.data_dir)
    if running is None:
        raise control.not_running()
    address = control.page_address(running, control.ask_ticket(running))
    if request.options.print or not browser.open_page(address, wait=True):
        return Answer({"address": address}, address)
    return Answer({"address": address}, "The admin page was opened in your browser.")


_COMMANDS: Mapping[str, Callable[[Request], Answer]] = {
    "create": _create,
    "list": _list,
    "verify": _verify,
    "restore": _restore,
    "undo": _undo,
    "recover": _recover,
    "prune": _prune,
    "status": _status,
    "open": _open,
}


def _make_sure(request: Request, what: str) -> None:
    """Ask before today's data is replaced, unless `--yes` has said so; raise NotConfirmed for any other answer."""
    if request.options.yes:
        return
    today = request.engine.holdings() if request.is_attended else None
    if today and today.exists and not today.problem:
        what += f" Today's data ({counted(today.patient_count, today.visit_count)}) is kept in a safety backup first."
    _go_on_if(request.confirm(what))


def _go_on_if(confirmed: bool) -> None:
    if not confirmed:
        raise NotConfirmed("Nothing was changed.")
