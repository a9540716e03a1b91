"""Every way into the application, told by itself, with its blanks filled in."""

import re
from pathlib import Path
from typing import Any, cast

from flask import Flask

from backup_core.engine import BackupEngine
from webadmin import Access, create_app

#: What a route is filled with where nothing real is at hand.
FILLINGS = {"name": "x.zip", "filename": "app.css"}


def routes_of(app: Flask) -> list[tuple[str, str]]:
    """Return method and path of every route."""
    return sorted(
        (method, re.sub(r"<(?:\w+(?:\(.*?\))?:)?(\w+)>", lambda blank: FILLINGS.get(blank[1], "1"), rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    )


def all_routes() -> list[tuple[str, str]]:
    """Return those of the application, which is made over nothing: only to be asked which routes it has."""
    nothing = cast(Any, None)
    return routes_of(create_app(BackupEngine(Path("nowhere")), nothing, Access(), nothing, nothing))
