"""A backup beside today's data, as numbers."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_core.holdings import Holdings
from backup_core.listing import Archive, State
from backup_core.manifest import Manifest
from webadmin.comparison import Line, compare

COUNTS = st.integers(0, 10**9)


def archive(patients: int, visits: int, **counts: int) -> Archive:
    """Return an archive whose manifest says so."""
    manifest = Manifest(datetime(2026, 1, 2), patients, visits, counts=counts)  # noqa: DTZ001 - as manifests have it
    return Archive(Path("backup.zip"), 1, 1, State.VERIFIED, manifest)


def today(patients: int, visits: int, **counts: int) -> Holdings:
    """Return live data that holds so much."""
    return Holdings(counts, patients, visits)


def test_known_records_come_first_and_housekeeping_not_at_all() -> None:
    comparison = compare(
        archive(3, 4, allergies=1, investigations=2, schema_versions=5),
        today(3, 4, **{"chroma:patient_summaries": 3}),
    )

    assert [line.records for line in comparison.lines] == ["patients", "visits", "investigations", "allergies"]


def test_a_backup_made_by_docassist_tells_only_patients_and_visits() -> None:
    comparison = compare(archive(3, 4), today(3, 6, procedures=7))

    assert comparison.lines[-1] == Line("procedures", None, 7)
    assert (comparison.lines[-1].fewer, comparison.lines[-1].more) == (0, 0)
    assert comparison.loss == "2 visits"


def test_an_unreadable_backup_or_live_data_has_no_numbers() -> None:
    unreadable = replace(archive(3, 4), manifest=None)
    damaged = Holdings(problem="It is damaged.")

    assert compare(unreadable, today(3, 4)).loss == ""
    assert compare(archive(3, 4), damaged).lines == (Line("patients", 3, None), Line("visits", 4, None))
    assert compare(archive(3, 4), damaged).problem == "It is damaged."
    assert not compare(archive(3, 4), Holdings(exists=False)).exists


@pytest.mark.parametrize(
    ("patients", "visits", "loss"),
    [(3, 4, ""), (4, 4, "1 patient"), (3, 9, "5 visits"), (5, 2004, "2 patients and 2,000 visits"), (1, 1, "")],
)
def test_the_loss_in_words(patients: int, visits: int, loss: str) -> None:
    assert compare(archive(3, 4), today(patients, visits)).loss == loss


@given(COUNTS, COUNTS)
def test_today_less_what_is_removed_and_more_what_comes_back_is_the_backup(backup: int, now: int) -> None:
    line = Line("patients", backup, now)

    assert now - line.fewer + line.more == backup
    assert 0 in (line.fewer, line.more)
