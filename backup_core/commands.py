"""What each command of `docassist-backup` does; it answers and prints nothing."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from . import browser, control, lookups, selftest
from .answers import (
    Answer,
    about_copy,
    about_created,
    about_restored,
    about_undoing,
    counted,
    holds,
)
from .atwork import announced
from .errors import BackupError, NewerData, OtherClinic, UnknownArchive
from .lookups import Request
from .pin import Pin
from .runs import Trigger
from .text import _

#: Those that change nothing: they go on where an interrupted restore cannot be settled just now.
LOOKING = ("list", "verify", "prove", "compare", "status", "diagnostics")


class NotConfirmed(BackupError):
    """The user was asked, and did not say yes."""

    code = "not-confirmed"


def run(request: Request) -> Answer:
    """Carry out the command that was asked for and return its answer; raise BackupError."""
    return _COMMANDS[request.options.command](request)


def _create(request: Request) -> Answer:
    with announced(request.engine.data_dir, "create", Trigger.CLI) as on_progress:
        return about_created(request.engine.create(Trigger.CLI, on_progress))


def _restore(request: Request) -> Answer:
    archive = request.engine.find(request.options.archive)
    _make_sure(
        request,
        _(
            "This puts back %(archive)s of %(created_at)s (%(archive2)s).",
            archive=archive.name,
            created_at=format(archive.created_at, "%d %b %Y, %H:%M"),
            archive2=holds(archive),
        ),
    )

    other_clinic, newer = request.options.other_clinic, request.options.newer
    while True:
        try:
            with announced(request.engine.data_dir, "restore", Trigger.CLI) as on_progress:
                restored = request.engine.restore(
                    archive, trigger=Trigger.CLI, other_clinic=other_clinic, newer=newer, on_progress=on_progress
                )
            return about_restored(restored)
        except OtherClinic as error:
            _confirm_what(request, error, "--other-clinic")
            other_clinic = True
        except NewerData as error:
            _confirm_what(request, error, "--newer")
            newer = True


def _undo(request: Request) -> Answer:
    undoing = request.engine.undoing()
    foreseen = about_undoing(undoing) if undoing else Answer({}, "")
    if undoing is not None:
        _make_sure(request, foreseen.text)
    with announced(request.engine.data_dir, "undo", Trigger.CLI) as on_progress:
        undone = about_restored(request.engine.undo(trigger=Trigger.CLI, on_progress=on_progress))
    told = {key: foreseen.document.get(key, []) for key in ("brings", "puts_aside")}
    return Answer({**undone.document, **told}, undone.text)


def _recover(request: Request) -> Answer:
    decided = request.engine.recover()
    return Answer({"recovered": decided}, decided or _("No restore was interrupted."))


def _prune(request: Request) -> Answer:
    deleted = request.engine.prune(request.options.keep, trigger=Trigger.CLI)
    text = "\n".join(_("Deleted %(name)s", name=name) for name in deleted) or _("There was no backup to delete.")
    return Answer({"deleted": deleted}, text)


def _pin(request: Request) -> Answer:
    archive = request.engine.find(request.options.archive)
    keep = request.options.command == "pin"
    request.engine.keeper.keep_for_ever(archive, keep=keep)
    return Answer(
        {"name": archive.name, "pinned": keep},
        _("%(archive)s is kept for ever.", archive=archive.name)
        if keep
        else _("%(archive)s is no longer kept for ever.", archive=archive.name),
    )


def _copy(request: Request) -> Answer:
    wanted, engine = request.options.archive, request.engine
    archive = engine.find(wanted) if wanted else engine.best_archive()
    if archive is None:
        raise UnknownArchive(_("There is no backup to copy yet."), hint=_("Make one first."))
    place = Path(request.options.folder).expanduser().absolute()
    return about_copy(engine.copier.save(archive, place, Trigger.CLI))


def self_test(folder: Path) -> Answer:
    """Try the whole job in a new folder below `folder`, and leave the report there; raise BackupError if it fails."""
    tested = selftest.self_test(folder)
    steps, path = tested.steps, tested.report
    failed = [step for step in steps if not step.ok]
    if failed:
        raise BackupError(
            _(
                "The self-test failed: %(failed)s.",
                failed="; ".join(f"{step.name} ({step.detail})" for step in failed),
            ),
            hint=_("Send the report to whoever looks after this PC: %(path)s", path=path),
            failed=len(failed),
            passed=len(steps) - len(failed),
            report=str(path),
        )
    text = "\n".join([selftest.report(steps), _("Report: %(path)s", path=path)])
    return Answer({"steps": [asdict(step) for step in steps], "report": str(path)}, text)


def _all_is_well(request: Request) -> Answer:
    alarm = request.engine.keeper.alarm()
    request.engine.keeper.all_is_well()
    said = _("Ended: %(reason)s", reason=alarm.reason) if alarm else _("There was no alarm.")
    return Answer({"ended": alarm and alarm.reason}, said)


def _forget_pin(request: Request) -> Answer:
    pin = Pin(request.engine.data_dir)
    was_set = pin.is_set()
    pin.remove()
    said = _("The admin page asks for no PIN any more.") if was_set else _("No PIN was set.")
    return Answer({"removed": was_set}, said)


def open_page(data_dir: Path, *, only_print: bool) -> Answer:
    """Open the page of the launcher that looks after a data folder, which need not be there; else tell its address."""
    running = control.read(data_dir)
    if running is None:
        raise control.not_running()
    address = control.page_address(running, control.ask_ticket(running))
    if only_print or not browser.open_page(address, wait=True):
        return Answer({"address": address}, address)
    return Answer({"address": address}, _("The admin page was opened in your browser."))


_COMMANDS: Mapping[str, Callable[[Request], Answer]] = {
    "create": _create,
    "list": lookups.list_archives,
    "verify": lookups.verify,
    "restore": _restore,
    "undo": _undo,
    "recover": _recover,
    "prune": _prune,
    "status": lookups.status,
    "diagnostics": lookups.diagnose,
    "prove": lookups.prove,
    "compare": lookups.compare,
    "copy": _copy,
    "pin": _pin,
    "unpin": _pin,
    "all-is-well": _all_is_well,
    "forget-pin": _forget_pin,
}


def _make_sure(request: Request, what: str) -> None:
    """Ask before today's data is replaced, unless `--yes` has said so; raise NotConfirmed for any other answer."""
    if request.options.yes:
        return
    today = request.engine.holdings() if request.is_attended else None
    if today and today.exists and not today.problem:
        kept = _(
            "Today's data (%(contents)s) is kept in a safety backup first.",
            contents=counted(today.patient_count, today.visit_count),
        )
        what = f"{what} {kept}"
    _go_on_if(request.confirm(what))


def _confirm_what(request: Request, error: BackupError, option: str) -> None:
    """Ask about what `--yes` does not answer; where nobody is there, raise the error naming the option that does."""
    if not request.is_attended:
        error.hint = _("If it is the one you want, add %(option)s.", option=option)
        raise error
    _go_on_if(request.confirm(_("%(reason)s Do you want it all the same?", reason=error)))


def _go_on_if(confirmed: bool) -> None:
    if not confirmed:
        raise NotConfirmed(_("Nothing was changed."))
