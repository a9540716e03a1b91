"""Every word of the product can be translated, and a language needs nothing but its catalogue."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.mofile import write_mo
from flask import Flask
from jinja2 import Environment

from backup_core import text
from backup_core.engine import BackupEngine
from backup_core.errors import RepositoryUnusable
from backup_core.jobs import JobRunner
from backup_core.settings import Settings
from tests.catalogue import ROOT, committed, extracted
from tests.web.barewords import bare_words
from tests.web.conftest import Visitor
from tray.menu import TrayState, menu_for, tooltip_for
from webadmin import Access, PlainDesk, create_app, formats, words

TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
#: How dates are written: patterns, which an invented language keeps.
PATTERNS = frozenset({"h:mm a", "d MMM y", "d MMM"})
#: Nothing in these words is English: names, units, keys, and the months of the invented language.
NAMES = re.compile(
    r"DocAssist Backup|DocAssist|\bCtrl\b|\b[KMGT]B\b|\b[ap]m\b|PM|AM"
    r"|\b(?:sty|lut|mar|kwi|maj|cze|lip|sie|wrz|paź|lis|gru)\b"
)
_KEPT = re.compile(r"(%\(\w+\)s|%%|<[^>]*>|&\w+;)")


def in_another_language(message: str) -> str:
    """Return a message of which no letter is English any more."""
    pieces = _KEPT.split(message)
    return "".join(piece if _KEPT.fullmatch(piece) else re.sub(r"[A-Za-z]", "ж", piece) for piece in pieces)


@pytest.fixture
def another_language(tmp_path: Path) -> Iterator[Path]:
    """A folder with a catalogue in the place of Polish, which has four plural forms; it is in use."""
    catalogue = Catalog(locale="pl", domain=text.DOMAIN)
    for message in extracted():
        if not message.id:
            continue
        if isinstance(message.id, str):
            catalogue.add(message.id, message.id if message.id in PATTERNS else in_another_language(message.id))
        else:
            forms = tuple(f"{in_another_language(message.id[1])} ({form})" for form in range(catalogue.num_plurals))
            catalogue.add(message.id, forms)
    folder = tmp_path / "locale"
    path = folder / "pl" / "LC_MESSAGES" / f"{text.DOMAIN}.mo"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        write_mo(file, catalogue)
    text.choose(["pl_PL.UTF-8"], folder)
    yield folder
    text.choose(["en"])


class _Seen(HTMLParser):
    """What a person reads of a page, but what comes from files, folders and names, or is for technicians."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._skipped: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag in ("bdi", "style", "script", "textarea", "kbd", "pre") or self._skipped:
            self._skipped += [tag] if tag not in ("br", "input", "img", "use", "path", "meta", "link", "hr") else []
            return
        self.texts += [
            value for name in ("aria-label", "title", "placeholder", "data-label") if (value := named.get(name))
        ]

    def handle_endtag(self, tag: str) -> None:
        if self._skipped and self._skipped[-1] == tag:
            self._skipped.pop()

    def handle_data(self, data: str) -> None:
        if not self._skipped and data.strip():
            self.texts.append(data.strip())


def english(html: str) -> list[str]:
    """Return the texts of a page that still have English words in them."""
    seen = _Seen()
    seen.feed(html)
    return [text for text in seen.texts if re.search(r"[A-Za-z]{2}", NAMES.sub("", text))]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(ROOT / "templates").as_posix())
def test_no_word_of_a_template_is_kept_from_translators(path: Path) -> None:
    environment = Environment(extensions=["jinja2.ext.i18n"])  # noqa: S701 - it only parses

    assert bare_words(path.read_text(encoding="utf-8"), environment) == []


def test_the_lint_finds_words_wherever_they_stand() -> None:
    environment = Environment(extensions=["jinja2.ext.i18n"])  # noqa: S701 - it only parses
    template = """{{ _("Fine") }}<p>Bare text</p><b aria-label="Bare label">{{ "Bare value" if x }}</b>
    {% set y = "Bare choice" %}{% trans %}Fine as well{% endtrans %}{{ plain(_("Fine"), z="Bare fact") }}"""

    found = bare_words(template, environment)

    assert found == ["Bare text", "Bare label", "Bare value", "Bare choice", "Bare fact"]


def test_the_catalogue_holds_every_message() -> None:
    """When it fails: `python -m tests.catalogue`."""
    assert {message.id for message in committed()} == {message.id for message in extracted()}


def test_the_facts_of_a_message_are_the_same_in_all_its_forms() -> None:
    for message in extracted():
        if isinstance(message.id, tuple):
            one, many = (set(re.findall(r"%\((\w+)\)s", form)) for form in message.id)
            assert one <= many, message.id


def test_a_language_needs_only_its_catalogue(
    another_language: Path, engine: BackupEngine, jobs: JobRunner, access: Access, backup: str
) -> None:
    app = create_app(engine, jobs, access, PlainDesk(engine, jobs), Settings(engine.data_dir))
    visitor = Visitor(app.test_client(), jobs, access.open_session(access.new_ticket()))

    shown = {path: visitor.get(path) for path in pages(app, backup)}

    assert len(shown) > 10
    for path, answer in shown.items():
        if answer.content_type.startswith("text/html"):
            assert english(answer.text) == [], path
    assert "ж" in shown["/"].text
    assert (
        '<html lang="pl" dir="ltr"'
        in visitor.client.get("/", headers={"Sec-Fetch-Mode": "navigate", "Host": "127.0.0.1:8765"}).text
    )


def pages(app: Flask, backup: str) -> list[str]:
    """Return the address of every page that can be looked at, also of those that say that there is no such thing."""
    rules = [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and rule.endpoint != "static"]
    return [re.sub(r"<[^>]+>", "1", rule.rule.replace("<name>", backup)) for rule in rules]


def test_errors_dates_and_numbers_follow_the_language(another_language: Path) -> None:
    moment = datetime(2026, 9, 2, 15, 5)  # noqa: DTZ001 - as people read it

    assert formats.day(moment) == "2 wrz 2026"
    assert formats.number(12845) == "12\xa0845"
    assert words.count(1, "visit") == "1 жжжжжж (0)"
    assert words.count(3, "visit") == "3 жжжжжж (1)"
    assert words.count(5, "visit") == "5 жжжжжж (2)"
    with pytest.raises(RepositoryUnusable, match=r"^жжж жжжжжж жжжжжж .*nowhere.* жж жжж жжжж"):
        BackupEngine(Path("/nowhere"), Path("/nowhere/at/all")).archives()


def test_the_icon_speaks_the_language_too(another_language: Path) -> None:
    now = datetime(2026, 9, 2, 15, 5, tzinfo=UTC)
    calm = TrayState(now=now, last_backup=now, patients=3, next_due=now + timedelta(days=1), starts_at_login=True)
    for state in (
        calm,
        replace(calm, emr="running", can_close_emr=True, can_undo=True),
        replace(calm, emr="not-running", can_start_emr=True, sample=True),
        replace(calm, job="create", progress=0.5),
        replace(calm, job="create", ending=True),
        replace(calm, last_backup=None),
        replace(calm, last_backup=now - timedelta(days=3)),
        replace(calm, paused_until=now + timedelta(hours=1)),
    ):
        said = [tooltip_for(state), *(item.text for item in menu_for(state))]
        assert [words for words in said if re.search(r"[A-Za-z]{2}", NAMES.sub("", words))] == []


@pytest.mark.parametrize("wanted", [["pl_PL.UTF-8"], ["pl"], ["de", "pl"], ["pl-PL"]])
def test_the_first_language_that_there_is_a_catalogue_for_is_used(another_language: Path, wanted: list[str]) -> None:
    text.choose(wanted, another_language)

    assert text.language().code == "pl"


@pytest.mark.parametrize("wanted", [["en_GB", "pl"], ["C"], ["C.UTF-8"], ["de"], [], [""]])
def test_without_a_catalogue_it_is_english(another_language: Path, wanted: list[str]) -> None:
    text.choose(wanted, another_language)

    assert text.language().code == "en"
    assert text._("Backups") == "Backups"
