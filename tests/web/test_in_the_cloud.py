"""A backup in a sync folder that is not on this PC: the page says so, and fetches it only for who asks."""

import pytest

from tests.web.conftest import Clinic, Visitor


def test_a_backup_in_the_cloud_is_named_as_such_and_can_be_restored(
    visitor: Visitor, clinic: Clinic, backup: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic.admit(2)
    for room in ("listing", "repository"):
        monkeypatch.setattr(f"backup_core.{room}.is_online_only", lambda status: True)

    listed = visitor.get("/").text
    assert "In the cloud only" in listed
    assert f"/backups/{backup}/restore" in listed
    question = visitor.get(f"/backups/{backup}/restore")
    assert question.status_code == 200
    visitor.post(f"/backups/{backup}/restore", {"confirmed": "yes", "other_clinic": "yes"})
    visitor.finished()
    assert clinic.count("patients") == 3
