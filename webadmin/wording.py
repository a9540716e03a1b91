"""What every template can use: the page's words as filters, and the facts that stand on every page."""

from datetime import datetime
from typing import Any

from flask import Flask

from backup_core.discreet import discreet
from backup_core.listing import State

from . import entries, words
from .parts import parts
from .protection import made_at
from .status import bar_facts


def install(app: Flask) -> None:
    """Give the words and the facts to the templates of the application."""
    app.jinja_env.filters.update(
        ago=_ago,
        ago_short=_ago_short,
        count=words.count,
        day=words.day,
        date=lambda moment: words.day(_local(moment)),
        discreet=discreet,
        day_written=words.day_written,
        date_time=lambda moment: words.date_time(_local(moment)),
        field=entries.field,
        lasted=words.lasted,
        made_at=made_at,
        number=words.number,
        records=words.records,
        seconds=words.seconds,
        size=words.size,
        step=words.step,
        time_or_date=lambda moment: words.time_or_date(_local(moment), _local(parts().now())),
        why=words.why,
        written=entries.written,
        within=lambda sentence: sentence[:1].lower() + sentence[1:],
    )
    app.jinja_env.globals.update(
        ACTIONS=words.ACTIONS,
        DRIVES=words.DRIVES,
        JOBS=words.JOBS,
        OUTCOMES=words.OUTCOMES,
        STAGES=words.STAGES,
        STATES=words.STATES,
    )
    # The set-up has its own application, and says so.
    app.jinja_env.globals["setting_up"] = False
    app.jinja_env.globals.update(State=State, bar_facts=bar_facts)
    app.context_processor(_on_every_page)


def _on_every_page() -> dict[str, Any]:
    theme = parts().settings.read().theme
    return {"theme": theme, "sample": parts().sample, "notices": parts().desk.notices()}


def _local(moment: datetime) -> datetime:
    """Return a time as this PC's clock on the wall shows it; a naive one is such a time."""
    return moment.astimezone().replace(tzinfo=None) if moment.tzinfo else moment


def _ago(moment: datetime) -> str:
    return words.ago(parts().now() - moment)


def _ago_short(moment: datetime) -> str:
    return words.ago_short(parts().now() - moment)
