"""A backup from a file: taken in slices, checked, shown, restored."""

import re
from threading import Event

import pytest

from backup_core.engine import BackupEngine
from backup_core.files import PRIVATE
from tests.web.conftest import ORIGIN, Clinic, Visitor
from webadmin.gate import LARGEST_BODY
from webadmin.uploads import SLICE


def send(visitor: Visitor, data: bytes, slice_size: int = 10_000) -> str:
    """Send a file as the page does and return the id under which it is kept."""
    intake_id = str(visitor.post("/uploads", {"size": str(len(data))}).get_json()["id"])
    for offset in range(0, len(data), slice_size):
        answer = visitor.client.post(
            f"/uploads/{intake_id}/slices?offset={offset}",
            data=data[offset : offset + slice_size],
            headers={"Authorization": f"Bearer {visitor.key}", "Accept": "application/json"},
            base_url=ORIGIN,
        )
        assert answer.get_json()["taken"] == min(offset + slice_size, len(data))
    return intake_id


def checked(visitor: Visitor, data: bytes) -> str:
    """Send a file, have it checked, and return the page that says what came of it."""
    started = visitor.post(f"/uploads/{send(visitor, data)}/check")
    visitor.finished()
    return visitor.get(started.request.full_path).text


@pytest.fixture
def stick(engine: BackupEngine, backup: str) -> bytes:
    """The bytes of a backup that is on a stick, and in the backup folder no longer."""
    path = engine.find(backup).path
    data = path.read_bytes()
    path.unlink()
    return data


def test_a_slice_fits_into_a_body() -> None:
    assert SLICE < LARGEST_BODY


def test_a_backup_from_a_file_is_checked_shown_and_restored(
    visitor: Visitor, clinic: Clinic, engine: BackupEngine, stick: bytes
) -> None:
    clinic.admit(2)
    page = checked(visitor, stick)
    link = re.search(r'href="(/backups/file_[^"]*/restore)"', page)
    assert link is not None
    question = visitor.get(link[1]).text
    nothing_yet = clinic.count("patients")
    started = visitor.post(link[1], {"confirmed": "yes"})
    visitor.finished()
    result = visitor.get(started.request.full_path).text

    assert "This backup is whole" in page
    assert "3 patients" in page
    assert "2 fewer" in question
    assert nothing_yet == 5
    assert "Read again and counted: 3 patients, 3 visits." in result
    assert clinic.count("patients") == 3
    assert engine.undoable() is not None
    assert list((clinic.data_dir / PRIVATE / "staging").glob("*/*.zip")) == []


@pytest.mark.parametrize("harm", ["flipped", "cut", "no zip"])
def test_a_file_that_is_no_whole_backup_is_refused_in_words(
    visitor: Visitor, clinic: Clinic, stick: bytes, harm: str
) -> None:
    middle = len(stick) // 3
    spoilt = {
        "flipped": stick[:middle] + bytes([stick[middle] ^ 1]) + stick[middle + 1 :],
        "cut": stick[:-60],
        "no zip": b"holiday photographs" * 50,
    }
    page = checked(visitor, spoilt[harm])

    assert "This file cannot be restored" in page
    assert "Nothing was changed." in page
    assert "/restore" not in page
    assert clinic.count("patients") == 3


def test_another_clinic_s_file_is_said_to_be_one(visitor: Visitor, clinic: Clinic, engine: BackupEngine) -> None:
    engine.create()
    other = Clinic(clinic.data_dir.parent / "other", prefix="Q")
    other.admit(7)
    archive = BackupEngine(other.data_dir).create()

    assert "It was made of another data folder than this one." in checked(visitor, archive.path.read_bytes())


def test_what_does_not_fit_or_does_not_follow_is_refused(visitor: Visitor, stick: bytes) -> None:
    assert visitor.post("/uploads", {"size": str(1 << 60)}).status_code == 507
    assert visitor.post("/uploads", {"size": "many"}).status_code == 422
    assert visitor.post("/uploads/nothing/slices?offset=0").status_code == 404
    intake_id = visitor.post("/uploads", {"size": "100"}).get_json()["id"]
    assert visitor.post(f"/uploads/{intake_id}/slices?offset=50").status_code == 422
    assert visitor.get("/uploads/nothing").status_code == 404


@pytest.mark.parametrize("kind", ["intake", "restore"])
def test_no_file_takes_the_place_of_one_that_is_being_read(visitor: Visitor, stick: bytes, kind: str) -> None:
    intake_id = send(visitor, stick)
    goes_on = Event()
    visitor.jobs.start(kind, lambda _report: goes_on.wait(60))

    refused = visitor.post("/uploads", {"size": "100"})
    goes_on.set()
    visitor.finished()

    assert refused.status_code == 409
    assert "just now" in refused.text
    visitor.post(f"/uploads/{intake_id}/check")
    assert visitor.finished().state == "done"


def test_the_page_asks_for_a_file_and_says_that_nothing_is_changed(visitor: Visitor) -> None:
    page = visitor.get("/uploads").text

    assert 'type="file"' in page
    assert "nothing is changed until you have seen what is in it" in page


def test_a_file_that_is_cancelled_on_its_way_is_not_kept(visitor: Visitor, clinic: Clinic, stick: bytes) -> None:
    intake_id = send(visitor, stick)
    cancelled = visitor.post(f"/uploads/{intake_id}/cancel")

    assert cancelled.status_code == 200
    assert list((clinic.data_dir / PRIVATE / "staging").rglob("*.zip")) == []
    assert visitor.post(f"/uploads/{intake_id}/cancel").status_code == 404
