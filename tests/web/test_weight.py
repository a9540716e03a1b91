"""The page is light: all that a browser loads for the list of backups, as it goes over the wire."""

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from backup_core.engine import BackupEngine
from backup_core.manifest import archive_name
from tests.web.conftest import ORIGIN, Visitor
from tests.web.test_gate import NAVIGATION

LIMIT = 150_000


@pytest.fixture
def many(engine: BackupEngine, backup: str) -> None:
    """More backups than one page of the list shows."""
    first = datetime(2025, 1, 1)  # noqa: DTZ001 - names tell local time
    for number in range(60):
        (engine.backup_dir / archive_name(first + timedelta(hours=number))).hardlink_to(engine.backup_dir / backup)


@pytest.mark.usefixtures("many")
def test_a_page_with_all_that_belongs_to_it_weighs_less_than_150_kilobytes(visitor: Visitor) -> None:
    shell = visitor.client.get("/", headers=NAVIGATION, base_url=ORIGIN)
    page = visitor.get("/")
    parts = {"shell": len(shell.data), "page": len(page.data)}
    wanted = {*re.findall(r'(?:src|href)="(/static/[^"]+)"', shell.text + page.text)}
    # What refreshes itself later is the same again.
    wanted |= set(re.findall(r'hx-get="([^"]+)" hx-trigger="load', page.text))
    for address in wanted:
        with visitor.client.get(address.replace("&amp;", "&"), headers=visitor._headers(), base_url=ORIGIN) as answer:
            assert answer.status_code == 200, address
            parts[address] = len(answer.data)

    assert "/static/htmx.min.js" in parts
    assert "/backups/outside" in parts
    assert sum(parts.values()) < LIMIT, parts


def test_nothing_that_is_sent_to_the_browser_is_left_over() -> None:
    static = Path(__file__).parents[2] / "webadmin" / "static"
    texts = [path.read_text(encoding="utf-8") for path in (static.parents[1] / "templates").rglob("*.html")]
    unused = [
        path.name for path in static.iterdir() if path.suffix != ".LICENSE" and not any(path.name in t for t in texts)
    ]

    assert unused == []
