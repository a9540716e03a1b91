"""The hold on a data folder that cannot be written when it appears."""

import logging
from pathlib import Path

import pytest

from tests.fakeclock import FakeClock
from tray.claim import Claim
from tray.instance import Instance
from tray.notices import Notices
from tray.plan import Plan


def test_a_folder_that_cannot_be_written_is_told_once_and_taken_when_it_can(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    notices = Notices()
    instance = Instance(tmp_path)
    claim = Claim(instance, Plan(FakeClock()), notices)
    in_the_way = tmp_path / ".docassist-backup"
    in_the_way.write_text("a file where a folder should be", encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert not claim.is_held()
    assert len(caplog.records) == 1
    assert len(notices.sentences()) == 1
    assert "cannot be written" in notices.sentences()[0]

    in_the_way.unlink()
    assert claim.is_held()
    assert claim.is_held()
    assert notices.sentences() == []
    instance.release(cleanly=True)
