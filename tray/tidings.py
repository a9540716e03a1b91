"""What the end of a job is worth saying: a failure, a restore, the first backup, the good-night at closing time."""

from backup_core.errors import BackupError
from backup_core.history import Action, History, Outcome, Run, Trigger
from backup_core.jobs import Job
from backup_core.listing import Archive
from backup_core.text import _, _n
from webadmin.formats import number
from webadmin.words import count

from .hands import Hands
from .news import Cause, News

#: Seconds for which DocAssist was open that make a day's work: who only looked something up needs no good-night.
A_DAYS_WORK = 600.0


class Tidings:
    """Tells what became of the jobs of one launcher; called on their threads."""

    def __init__(self, hands: Hands, news: News) -> None:
        self._hands = hands
        self._news = news

    def follow(self, job: Job) -> None:
        """Tell what is to be told of a job that has ended."""
        if job.error:
            self._news.tell(Cause.FAILED, f"{job.error} {job.error.hint}".strip(), kind=f"{job.kind} {job.error.code}")
        elif job.state == "done":
            self._news.tell(Cause.FAILED, "")
            if job.kind == "restore":
                self._news.announce(_("The data was put back. DocAssist can be used again."))
            elif job.kind == "undo":
                self._news.announce(_("The data is as it was before the restore. DocAssist can be used again."))
            elif isinstance(job.result, Run):
                self._tell_of_backup(job.result)

    def _tell_of_backup(self, run: Run) -> None:
        archive = self._archive(run.archive)
        if archive is None or archive.manifest is None:
            return
        if run.outcome is Outcome.MADE and _is_first(self._hands.engine.history):
            held = count(archive.manifest.patient_count, "patient")
            self._news.announce(
                _("The first backup is made and checked: %(held)s. The next ones come by themselves.", held=held)
            )
        end = self._hands.emr.last_end
        if run.trigger is Trigger.EMR_EXIT and end is not None and end.ran >= A_DAYS_WORK:
            if self._hands.preferences.closing_note:
                self._news.announce(good_night(archive.manifest.visits_today))

    def _archive(self, name: str | None) -> Archive | None:
        try:
            return self._hands.engine.find(name) if name else None
        except BackupError:
            # Another program has tidied up meanwhile: then there is nothing to praise.
            return None


def good_night(visits: int | None) -> str:
    """Return what is said when the work of a day is saved."""
    if visits is None:
        return _("Saved. You can switch off.")
    return _n(
        "Saved: %(number)s visit today. You can switch off.",
        "Saved: %(number)s visits today. You can switch off.",
        visits,
        number=number(visits),
    )


def _is_first(history: History) -> bool:
    made = (run for run in history.runs() if run.action is Action.BACKUP and run.outcome is Outcome.MADE)
    return len([*zip(made, range(2), strict=False)]) == 1
