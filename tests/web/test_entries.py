"""The words of the list that is typed in again after a restore."""

import json

import pytest

from tests.web.conftest import Clinic, Visitor
from webadmin.entries import field, written


@pytest.mark.parametrize(
    ("column", "text", "shown"),
    [
        ("visit_date", "2026-01-02", "2 Jan 2026"),
        ("is_abnormal", "1", "yes"),
        ("is_abnormal", "0", "no"),
        ("age", "1", "1"),
        ("clinical_notes", "2026-01-02", "2026-01-02"),
        ("clinical_notes", "{see the letter}", "{see the letter}"),
        ("clinical_notes", "[" * 100_000, "[" * 100_000),
        ("prescription_json", '["Paracetamol 500 mg", "Rest"]', "Paracetamol 500 mg\nRest"),
    ],
)
def test_what_was_written_is_read_as_on_paper(column: str, text: str, shown: str) -> None:
    assert written(text, column) == shown


def test_a_prescription_is_read_line_by_line_without_what_is_empty() -> None:
    prescription = {"medications": [{"drug_name": "Amlodipine", "dose": "5 mg", "note": ""}], "advice": [], "next": 3}

    assert written(json.dumps(prescription), "prescription_json") == (
        "Medications: Drug name: Amlodipine, Dose: 5 mg\nNext: 3"
    )


def test_a_column_of_another_version_is_shown_without_its_underscores() -> None:
    assert field("blood_group") == "Blood group"


def test_no_column_is_printed_as_it_is_called_inside(visitor: Visitor, clinic: Clinic, backup: str) -> None:
    clinic.admit(1)
    clinic.rename(4, "Asha Sample")
    page = visitor.get(f"/backups/{backup}/compare/all").text

    assert "Patient number (UHID)</bdi>" in page
    assert "Uhid" not in page
