"""Finds the words in a template that no translator would ever see: text, labels and literals outside of `_()`."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from jinja2 import Environment, nodes

#: What people read, although it stands in an attribute.
_READ = frozenset({"alt", "aria-description", "aria-label", "content", "data-label", "placeholder", "title", "value"})
#: What keys say is the same on every keyboard.
_UNREAD = frozenset({"kbd", "script", "style"})
#: The same in every language.
_NAMES = re.compile(
    r"DocAssist Backup|DocAssist|\bCtrl\b|&[a-z]+;|width=device-width, initial-scale=1|light dark|^yes$"
)
_CALLS = frozenset({"_", "gettext", "ngettext"})
#: These take names of pictures and pages, not words.
_LOOKUPS = frozenset({"icon", "url_for"})
#: A sentence or a label: it has a space between words, or starts with a capital letter.
_WORDS = re.compile(r"[A-Za-z]{2,} [A-Za-z(]|^[A-Z][a-z]+")
_TRANS = re.compile(r"\{%-?\+?\s*trans\b.*?endtrans\s*-?%\}", re.DOTALL)
_ROOM = re.compile(r"\{% block room %\}.*?\{% endblock %\}")
_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
_BLOCK = re.compile(r"\{%.*?%\}", re.DOTALL)
_OUTPUT = re.compile(r"\{\{.*?\}\}", re.DOTALL)


def bare_words(source: str, environment: Environment) -> list[str]:
    """Return every piece of a template's text that is in no catalogue."""
    return [*_in_html(source), *_in_expressions(environment.parse(source))]


def _in_html(source: str) -> list[str]:
    for code in (_COMMENT, _TRANS, _ROOM, _BLOCK, _OUTPUT):
        source = code.sub("", source)
    reader = _Reader()
    reader.feed(source)
    reader.close()
    return [text for text in reader.found if re.search(r"[A-Za-z]{2}", _NAMES.sub("", text))]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.found: list[str] = []
        self._unread = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unread += tag in _UNREAD
        if tag != "meta":
            self.found += [value.strip() for name, value in attrs if name in _READ and value]

    def handle_endtag(self, tag: str) -> None:
        self._unread -= tag in _UNREAD

    def handle_data(self, data: str) -> None:
        if not self._unread and data.strip():
            self.found.append(" ".join(data.split()))


def _in_expressions(tree: nodes.Node) -> Iterator[str]:
    """Yield the literals of expressions, but those in a call that translates, or that look something up."""
    for child in tree.iter_child_nodes():
        called = child.node.name if isinstance(child, nodes.Call) and isinstance(child.node, nodes.Name) else ""
        if called in _LOOKUPS:
            continue
        if isinstance(child, nodes.Call) and called in _CALLS:
            facts: list[Any] = [keyword.value for keyword in child.kwargs]
            for fact in facts:
                yield from _in_expressions(nodes.Output([fact]))
        elif isinstance(child, nodes.Const):
            if isinstance(child.value, str) and _WORDS.search(_NAMES.sub("", child.value)):
                yield child.value
        elif not isinstance(child, nodes.Compare):
            yield from _in_expressions(child)
