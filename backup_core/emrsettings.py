"""DocAssist's own `settings.json`: what it says about backups, and how to change that without harm to the rest.

DocAssist owns the file and rewrites it from its own model; a key that its model does not know made one version start
with empty settings. So only a number that is there is replaced, and every other byte stays as it is.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from .errors import SettingInvalid
from .text import _

#: For each of our fields, where it lies in the model that this program is for, then in that of later versions.
PATHS = {
    "frequency_hours": (("preferences", "backup_frequency_hours"), ("backup", "backup_frequency_hours")),
    "keep": (("preferences", "backup_retention_count"), ("backup", "max_local_backups")),
}

#: What the model of later versions says about backups that DocAssist makes by itself; the first model cannot say it.
SWITCHES = (("backup", "auto_backup_enabled"), ("backup", "backup_on_close"))

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


def read_values(data: bytes) -> dict[str, object]:
    """Return what DocAssist's file says, unchecked, by our field; raise ValueError where it is no JSON object."""
    _, document = _parse(data)
    found = {field: [_value(document, path) for path in paths] for field, paths in PATHS.items()}
    return {
        field: next(value for value in values if value is not None)
        for field, values in found.items()
        if any(value is not None for value in values)
    }


def with_values(data: bytes, values: Mapping[str, float]) -> bytes:
    """Return DocAssist's file with other values (by our field) in each place that holds a number.

    A file that is no JSON object is returned as it is. Raise SettingInvalid for a fraction where DocAssist keeps a
    whole number: it would not read its file again.
    """
    try:
        text, document = _parse(data)
    except ValueError:
        return data
    for field, new in values.items():
        for path in PATHS[field]:
            old = _value(document, path)
            if isinstance(old, int | float) and not isinstance(old, bool) and old != new:
                begin, end = _find(text, path)
                text = text[:begin] + _number_like(old, new, field) + text[end:]
    return text.encode()


def switches_on(data: bytes) -> bool:
    """Return whether DocAssist's file says that it backs up by itself; raise ValueError where it is no JSON object."""
    _, document = _parse(data)
    return any(_value(document, path) is True for path in SWITCHES)


def without_switches(data: bytes) -> bytes:
    """Return DocAssist's file with each switch for its own backups off that is there; another file as it is."""
    try:
        text, document = _parse(data)
    except ValueError:
        return data
    for path in SWITCHES:
        if _value(document, path) is True:
            begin, end = _find(text, path)
            text = text[:begin] + "false" + text[end:]
    return text.encode()


def _parse(data: bytes) -> tuple[str, dict[str, Any]]:
    """Return the text and the object of a JSON file, or raise ValueError; a byte order mark stays in the text."""
    text = data.decode()
    try:
        document = json.loads(text.removeprefix("\ufeff"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(document, dict):
        raise ValueError("not an object")
    return text, document


def _value(document: dict[str, Any], path: tuple[str, str]) -> Any:
    """Return what lies at `path`, or None."""
    section = document.get(path[0])
    return section.get(path[1]) if isinstance(section, dict) else None


def _number_like(old: float, new: float, field: str) -> str:
    """Return `new` as JSON, whole where `old` is."""
    if isinstance(old, float):
        return repr(float(new))
    if new != int(new):
        raise SettingInvalid(
            _("DocAssist itself accepts only whole hours here."),
            field=field,
            hint=_("Choose %(new)s hours.", new=math.ceil(new)),
        )
    return str(int(new))


def _find(text: str, path: Sequence[str]) -> tuple[int, int]:
    """Return where the value at `path` begins and ends in valid JSON that has it; of equal keys the last one counts."""
    begin, end = text.index("{"), len(text)
    for wanted in path:
        begin, end = [span for key, span in _spans(text, begin) if key == wanted][-1]
    return begin, end


def _spans(text: str, brace: int) -> list[tuple[str, tuple[int, int]]]:
    """Return the keys of the JSON object that opens at `brace`, and where each value begins and ends."""
    spans = []
    at = _after_space(text, brace + 1)
    while text[at] != "}":
        key, at = _DECODER.raw_decode(text, at)
        begin = _after_space(text, _after_space(text, at) + len(":"))
        _, end = _DECODER.raw_decode(text, begin)
        spans.append((key, (begin, end)))
        at = _after_space(text, end)
        if text[at] == ",":
            at = _after_space(text, at + 1)
    return spans


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
