"""The picture of the history in words, for those who do not see it and those in a hurry. Pure."""

from backup_core.text import _, _n
from webadmin.formats import number
from webadmin.picture import Gap, Picture
from webadmin.words import count, date_time, day, size


def summary(picture: Picture | None) -> str:
    """Return some sentences on what the picture shows; "" where there is none."""
    if picture is None:
        return ""
    sentences = [_since(picture), _failures(picture.failures)]
    if picture.gaps:
        longest = max(picture.gaps, key=lambda gap: gap.end - gap.begin)
        sentences.append(_gaps(len(picture.gaps), longest))
    return " ".join(filter(None, sentences))


def _since(picture: Picture) -> str:
    facts: dict[str, object] = {
        "begin": day(picture.begin),
        "backups": count(sum(one.backups for one in picture.days), "backup"),
    }
    if not picture.points:
        return _("Since %(begin)s: %(backups)s.", **facts)
    first, last = picture.points[0], picture.points[-1]
    facts |= {"before": number(first.patients), "now": count(last.patients, "patient"), "size": size(last.size)}
    return _("Since %(begin)s: %(backups)s, from %(before)s to %(now)s, the last one of %(size)s.", **facts)


def _failures(failures: int) -> str:
    if not failures:
        return _("None has failed.")
    return _n("%(number)s run has failed.", "%(number)s runs have failed.", failures, number=number(failures))


def _gaps(gaps: int, longest: Gap) -> str:
    facts = {"number": number(gaps), "begin": date_time(longest.begin), "end": date_time(longest.end)}
    return _n(
        "For over a day nothing was backed up %(number)s time: from %(begin)s to %(end)s.",
        "For over a day nothing was backed up %(number)s times, the longest from %(begin)s to %(end)s.",
        gaps,
        **facts,
    )
