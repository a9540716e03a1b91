"""The HTML itself: valid where it matters, usable without a mouse or eyes, and deaf to what an archive says."""

import zipfile
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

from backup_core.engine import BackupEngine
from backup_core.manifest import MANIFEST_NAME, Manifest
from tests.web.conftest import ORIGIN, Clinic, Visitor

EVIL = '"><img src=x onerror=alert(1)><b hx-post="/undo" hx-trigger="load">&'
VOID = {"input", "img", "meta", "link", "br", "hr", "path", "circle", "rect", "use"}


class Page(HTMLParser):
    """The elements of a page, each with its attributes and whether htmx is kept away from it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.ignored_text: list[str] = []
        self.other_text: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append((tag, "hx-ignore" in dict(attrs)))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        is_ignored = any(ignored for _, ignored in self._open)
        (self.ignored_text if is_ignored else self.other_text).append(data)

    def close(self) -> None:
        """End the page; every element must have been closed."""
        super().close()
        assert not self._open

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of all elements of that tag."""
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def paths(visitor: Visitor, clinic: Clinic, engine: BackupEngine, backup: str) -> list[str]:
    """Every page there is, in a clinic that has seen a backup, a restore and a failure."""
    clinic.admit(1)
    started = visitor.post(f"/backups/{backup}/restore", {"confirmed": "yes"})
    visitor.finished()
    (clinic.data_dir / "exports").mkdir()
    (clinic.data_dir / "exports" / EVIL.replace("/", "")).write_bytes(b"x")
    pages = [
        "/",
        "/bar",
        "/overview",
        "/backups/outside",
        "/preferences",
        "/activity",
        "/activity/log",
        "/activity/diagnostics",
        "/help",
        "/help/selftest",
        "/undo",
        "/undo/entries",
        "/picture",
        "/uploads",
        f"/backups/{backup}/compare",
        f"/backups/{backup}/compare/all",
        f"/backups/{backup}/losses",
        "/nowhere",
    ]
    return [*pages, f"/backups/{backup}/restore", f"/backups/{backup}/delete", started.request.path]


def test_every_page_is_well_formed_and_keeps_to_the_policy(visitor: Visitor, paths: list[str]) -> None:
    shell = visitor.client.get("/", headers={"Sec-Fetch-Mode": "navigate"}, base_url=ORIGIN).text
    for text in [shell, *(visitor.get(path).text for path in paths)]:
        page = Page(text)
        for tag, attributes in page.elements:
            assert "style" not in attributes
            assert not [name for name in attributes if name.startswith(("on", "hx-on", "hx-vals", "hx-headers"))]
            assert not [value for value in attributes.values() if value and value.startswith(("js:", "javascript:"))]
            assert tag not in ("style", "iframe", "object", "base")
        assert not [script for script in page.all("script") if not script.get("src")]


def test_every_page_can_be_used_by_keyboard_and_screen_reader(visitor: Visitor, paths: list[str]) -> None:
    for path in paths:
        page = Page(visitor.get(path).text)
        ids = Counter(attributes["id"] for _, attributes in page.elements if "id" in attributes)
        labelled = {label.get("for") for label in page.all("label")}
        assert not [name for name, times in ids.items() if times > 1]
        for field in [*page.all("input"), *page.all("textarea")]:
            assert field.get("type") in ("checkbox", "hidden") or field["id"] in labelled
        for _, attributes in page.elements:
            described = (attributes.get("aria-describedby") or "").split()
            assert ids.keys() >= {*described, *filter(None, [attributes.get("aria-labelledby")])}
        if page.all("main"):
            assert len(page.all("h1")) == 1
            assert len(page.all("title")) == 1
            assert "hx-history-elt" in page.all("main")[0]
        assert not [tag for tag, attributes in page.elements if int(attributes.get("tabindex") or 0) > 0]


def test_every_change_is_a_post(visitor: Visitor, paths: list[str]) -> None:
    for path in paths:
        page = Page(visitor.get(path).text)
        assert all(form.get("method") == "post" for form in page.all("form"))
        assert not [tag for tag, attributes in page.elements if {"hx-post", "hx-put", "hx-delete"} & attributes.keys()]


def rewrite_manifest(path: Path) -> None:
    """Give an archive a manifest whose every text is an attack, as a ZIP from elsewhere may have."""
    with zipfile.ZipFile(path) as opened:
        members = {name: opened.read(name) for name in opened.namelist()}
    manifest = Manifest.from_json(members[MANIFEST_NAME])
    texts = {"trigger": EVIL, "host": EVIL, "app_version": EVIL, "counts": {**manifest.counts, EVIL: 3}, "seal": ""}
    members[MANIFEST_NAME] = Manifest(**{**vars(manifest), **texts}).to_json()
    with zipfile.ZipFile(path, "w") as written:
        for name, data in members.items():
            written.writestr(name, data)


def test_what_an_archive_says_is_text_that_htmx_never_looks_at(
    visitor: Visitor, engine: BackupEngine, backup: str
) -> None:
    rewrite_manifest(engine.find(backup).path)
    for path in ["/", f"/backups/{backup}/restore", f"/backups/{backup}/delete", f"/backups/{backup}/compare"]:
        page = Page(visitor.get(path).text)
        assert not page.all("img")
        assert not [attributes for attributes in page.all("b") if "hx-post" in attributes]
        assert "onerror" not in "".join(page.other_text)
    listed, asked = Page(visitor.get("/").text), Page(visitor.get(f"/backups/{backup}/restore").text)
    assert "onerror" in "".join(listed.ignored_text)
    assert "".join(asked.ignored_text).count("onerror") >= 3
