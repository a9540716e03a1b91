"""What was written in an entry of DocAssist, as one reads it on paper. Pure."""

import json
from typing import Any

from backup_core.text import N_, _

from .words import day_written

FIELDS = {
    "age": N_("Age"),
    "address": N_("Address"),
    "chief_complaint": N_("Complaint"),
    "clinical_notes": N_("Notes"),
    "details": N_("Details"),
    "diagnosis": N_("Diagnosis"),
    "gender": N_("Gender"),
    "is_abnormal": N_("Abnormal"),
    "name": N_("Name"),
    "phone": N_("Phone"),
    "prescription_json": N_("Prescription"),
    "procedure_date": N_("Day"),
    "procedure_name": N_("Procedure"),
    "reference_range": N_("Normal range"),
    "result": N_("Result"),
    "test_date": N_("Day"),
    "test_name": N_("Test"),
    "uhid": N_("Patient number (UHID)"),
    "unit": N_("Unit"),
    "visit_date": N_("Day"),
}


def field(column: str) -> str:
    """Return the plain name of a column; one of another version is shown without its underscores."""
    return _(FIELDS[column]) if column in FIELDS else _plain(column)


def written(text: str, column: str) -> str:
    """Return what stands in a column: days and yes or no in words, and what DocAssist keeps as JSON line by line."""
    if column.startswith("is_") and text in ("0", "1"):
        return _("yes") if text == "1" else _("no")
    if text[:1] in ("{", "["):
        try:
            return "\n".join(_lines(json.loads(text)))
        except (ValueError, RecursionError):
            return text
    return day_written(text) if column.endswith("_date") else text


def _lines(value: Any) -> list[str]:
    """Return an object or a list as lines; what is empty is left out."""
    if isinstance(value, list):
        return [_in_one(item) for item in value if item not in ("", None)]
    if isinstance(value, dict):
        return [f"{_plain(name)}: {_in_one(item)}" for name, item in value.items() if item not in ("", None, [], {})]
    return [str(value)]


def _in_one(value: Any) -> str:
    return ", ".join(_lines(value))


def _plain(name: str) -> str:
    return name.replace("_", " ").capitalize()
