"""The commands of `docassist-backup` that change nothing in the clinic's data."""

from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass

from . import control
from .answers import Answer, about_archives, about_losses, about_proof, about_standing, holds, still_whole
from .diagnostics import diagnostics
from .engine import BackupEngine
from .errors import ArchiveUnusable, BackupError, RepositoryFull, RepositoryUnusable
from .listing import State
from .runs import Trigger
from .settings import Settings
from .text import _, _n


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


def list_archives(request: Request) -> Answer:
    """Return the list of the archives, with the reason why each is kept."""
    archives = request.engine.archives()
    if not archives:
        return Answer(
            {"backups": []}, _("There is no backup in %(backup_dir)s yet.", backup_dir=request.engine.backup_dir)
        )
    return about_archives(archives, request.engine.keeper.reasons(request.engine.policy))


def verify(request: Request) -> Answer:
    """Read one archive again, or all of them, and return which are whole; raise ArchiveUnusable."""
    if not request.options.archive:
        return _verify_all(request.engine)
    archive = request.engine.find(request.options.archive)
    try:
        request.engine.verify(archive)
    except ArchiveUnusable as error:
        if "newer_format" in error.facts:
            raise
        whole = str(error.facts.get("recoverable", "")).split(", ")
        raise ArchiveUnusable(f"{error} {still_whole(whole)}".strip(), hint=error.hint, **error.facts) from error
    return Answer(
        {"verified": [archive.name]},
        _("%(archive)s is whole: %(archive2)s.", archive=archive.name, archive2=holds(archive)),
    )


def _verify_all(engine: BackupEngine) -> Answer:
    whole, damaged = [], []
    archives = engine.archives()
    away = sum(archive.state is State.ONLINE for archive in archives)
    newer = sum(archive.state is State.NEWER for archive in archives)
    for archive in archives:
        # One that is in the cloud only is fetched where somebody names it, and never all of them at once.
        if archive.state not in (State.ENCRYPTED, State.WRITING, State.ONLINE, State.NEWER):
            try:
                whole.append(engine.verify(archive).name)
            except ArchiveUnusable as error:
                whole_in_it = str(error.facts.get("recoverable", "")).split(", ")
                damaged.append(f"{archive.name}: {error} {still_whole(whole_in_it)}".strip())
            except RepositoryFull:
                raise
            except RepositoryUnusable as error:
                damaged.append(str(error))
    if damaged:
        raise ArchiveUnusable(
            _(
                "%(damaged)s of %(whole)s backups cannot be used. %(damaged2)s",
                damaged=len(damaged),
                whole=len(whole) + len(damaged),
                damaged2=" ".join(damaged),
            ),
            hint=_("The others are whole. Make a new one now.") if whole else _("Make a new one now."),
            damaged=len(damaged),
            whole=len(whole),
        )
    told = [_("All %(whole)s are whole.", whole=len(whole))] if whole else []
    if away:
        told.append(
            _n(
                "%(number)s that is not on this PC was not fetched: name it to have it read.",
                "%(number)s that are not on this PC were not fetched: name one to have it read.",
                away,
                number=away,
            )
        )
    if newer:
        told.append(
            _n(
                "%(number)s of a later version of this program was left out.",
                "%(number)s of a later version of this program were left out.",
                newer,
                number=newer,
            )
        )
    told = told or [_("There is no backup yet.")]
    return Answer({"verified": whole} | ({"not_fetched": away} if away else {}), "\n".join([*whole, *told]))


def prove(request: Request) -> Answer:
    """Open an archive, the newest if none is named, and return the evidence; raise ArchiveUnusable."""
    wanted = request.options.archive
    archive = request.engine.find(wanted) if wanted else request.engine.last_good()
    if archive is None:
        raise BackupError(_("There is no backup to open yet."), hint=_("Make one first."))
    proof = request.engine.prove(archive, trigger=Trigger.CLI)
    if not proof.ok:
        problem = f"{archive.name}: {proof.problem} {still_whole(proof.recoverable)}".strip()
        raise ArchiveUnusable(problem, hint=_("Choose another backup."), name=archive.name)
    return about_proof(archive, proof)


def compare(request: Request) -> Answer:
    """Return what restoring an archive would remove."""
    archive = request.engine.find(request.options.archive)
    return about_losses(archive, request.engine.compare(archive))


def diagnose(request: Request) -> Answer:
    """Return what somebody who helps needs to know of this PC."""
    text = diagnostics(request.engine, request.settings.read())
    return Answer({"diagnostics": text.splitlines()}, text)


def status(request: Request) -> Answer:
    """Return how things stand."""
    is_running = control.read(request.engine.data_dir) is not None
    return about_standing(request.engine, is_running=is_running, problems=request.settings.problems)
