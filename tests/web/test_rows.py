"""What the list says of one backup: its evidence, and why it is kept."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backup_core.listing import Archive, State
from backup_core.manifest import Manifest
from backup_core.proofs import Proof
from webadmin.rows import evidence, row_of

NOW = datetime(2026, 1, 2, 12, 0)  # noqa: DTZ001 - local time
PROOF = Proof(NOW.replace(hour=10, minute=42).astimezone(UTC), "", 1284, 9310, 5120, 1000)


def archive(state: State, proof: Proof | None = None, problem: str = "") -> Archive:
    """Return an archive of this clinic in that state."""
    manifest = Manifest(
        created_at=NOW, patient_count=1284, visit_count=9310, app_version="1", origin="mine", members=()
    )
    return Archive(Path("backup_2026-01-02_10-30-00.zip"), 1, 1, state, manifest, problem, proof=proof)


def test_what_was_opened_tells_when_and_what_answered() -> None:
    said = evidence(archive(State.PROVEN, PROOF), NOW)

    assert said == "Opened and checked 10:42 am: 1,284 patients, 9,310 visits, 5,120 search entries answer."


def test_what_was_only_counted_is_not_said_to_be_opened() -> None:
    counted = replace(PROOF, asked=0, opened=False, remark="Too little memory.")
    said = evidence(archive(State.VERIFIED, counted), NOW)

    assert said == "Read and counted 10:42 am: 1,284 patients, 9,310 visits, 5,120 search entries. Too little memory."
    empty = replace(counted, patients=0, visits=0, entries=0, remark="No patients.")
    assert evidence(archive(State.LEGACY, empty), NOW) == "Read again 10:42 am. No patients."
    assert "entries" not in evidence(archive(State.PROVEN, replace(PROOF, asked=0, entries=0)), NOW)


def test_what_is_damaged_says_what_and_what_is_still_whole() -> None:
    proof = replace(PROOF, problem="chroma cannot be read.", recoverable=("clinic.db", "prescriptions", "notes.txt"))
    said = evidence(archive(State.DAMAGED, proof, "chroma cannot be read."), NOW)

    assert said == "chroma cannot be read. Still whole in it: patients and visits, prescriptions and notes.txt."
    nothing = replace(proof, recoverable=())
    assert "Nothing in it can be relied on." in evidence(archive(State.DAMAGED, nothing), NOW)
    assert "Choose Check" in evidence(archive(State.DAMAGED), NOW)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State.WRITING, "Another program is writing it."),
        (State.ENCRYPTED, "only DocAssist itself can open it"),
        (State.LEGACY, "Made by DocAssist itself"),
        (State.VERIFIED, "Not yet opened."),
    ],
)
def test_every_other_state_has_its_words(state: State, words: str) -> None:
    assert words in evidence(archive(state), NOW)


@pytest.mark.parametrize(
    ("reason", "pin", "words"),
    [
        ("newest", None, "One of the newest"),
        ("daily", None, "The last of its day"),
        ("pinned", "by-hand", "Kept for ever"),
        ("alarm", "alarm", "Kept until somebody says that all is well"),
        (None, None, "Goes when old backups are tidied up next"),
    ],
)
def test_it_says_why_a_backup_is_kept(reason: str | None, pin: str | None, words: str) -> None:
    row = row_of(archive(State.VERIFIED), origin="mine", reason=reason, pin=pin, now=NOW)

    assert row.kept == words
    assert row.pinned == (pin == "by-hand")
    assert not row.foreign


def test_nothing_is_said_of_keeping_another_clinic_s() -> None:
    row = row_of(archive(State.VERIFIED), origin="another", reason=None, pin=None, now=NOW)

    assert row.foreign
    assert row.kept == ""
