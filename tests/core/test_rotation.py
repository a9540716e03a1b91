"""Which archive is opened next, over days and months."""

import dataclasses
import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backup_core.listing import Archive, State, with_proof
from backup_core.manifest import Manifest, Member, archive_name
from backup_core.proofs import Proof
from backup_core.rotation import may_begin, next_to_prove, room_for, wants_replacement

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def archive(
    sequence: int, made: datetime, opened: datetime | None = None, *, origin: str = "us", was_newest: bool = True
) -> Archive:
    """Return an archive made, and perhaps opened, at those times."""
    local = made.replace(tzinfo=None)
    manifest = Manifest(local, created_at_utc=made, sequence=sequence, origin=origin, members=())
    path = Path("backups") / archive_name(local)
    found = Archive(path, 1, 1, State.VERIFIED, manifest, sequence=sequence)
    return with_proof(found, Proof(opened, was_newest=was_newest)) if opened else found


def test_the_first_archive_is_opened_and_the_newest_comes_first() -> None:
    older, newest = archive(1, NOW - timedelta(days=2)), archive(2, NOW - timedelta(hours=1))
    assert next_to_prove([older, newest], "us", NOW) == newest
    assert next_to_prove([], "us", NOW) is None


def test_one_new_archive_a_day_is_enough() -> None:
    opened = archive(1, NOW - timedelta(hours=5), NOW - timedelta(hours=4))
    fresh = archive(2, NOW - timedelta(hours=1))
    assert next_to_prove([opened, fresh], "us", NOW) is None
    assert next_to_prove([opened, fresh], "us", NOW + timedelta(hours=17)) == fresh


def test_another_clinics_archives_are_not_opened_unasked() -> None:
    assert next_to_prove([archive(1, NOW, origin="them")], "us", NOW) is None


def test_after_a_damaged_one_the_next_newest_is_opened_without_delay() -> None:
    good, bad = archive(1, NOW - timedelta(hours=5)), archive(2, NOW - timedelta(hours=1))
    bad = with_proof(bad, Proof(NOW, problem="it is damaged"))
    assert next_to_prove([good, bad], "us", NOW) == good


def damaged(sequence: int, made: datetime, opened: datetime) -> Archive:
    """Return an archive that was found damaged when it was the newest."""
    return with_proof(archive(sequence, made), Proof(opened, problem="it is damaged", was_newest=True))


def test_after_two_damaged_ones_in_a_row_the_next_waits_for_a_day() -> None:
    first, second = damaged(1, NOW - 3 * HOUR, NOW - 2 * HOUR), damaged(2, NOW - HOUR, NOW)
    fresh = archive(3, NOW)
    assert next_to_prove([first, fresh], "us", NOW) == fresh
    assert next_to_prove([first, second, fresh], "us", NOW) is None
    assert next_to_prove([first, second, fresh], "us", NOW + 19 * HOUR) is None
    assert next_to_prove([first, second, fresh], "us", NOW + 20 * HOUR) == fresh
    good = archive(3, NOW, NOW + HOUR)
    after = archive(4, NOW + 2 * HOUR)
    assert next_to_prove([first, second, good, after], "us", NOW + 21 * HOUR) == after


def test_a_damaged_one_is_replaced_once_and_what_was_made_in_its_place_is_not() -> None:
    good, bad = archive(1, NOW - 9 * HOUR, NOW - 8 * HOUR), damaged(2, NOW - HOUR, NOW)
    assert not wants_replacement([], "us", NOW)
    assert not wants_replacement([good], "us", NOW)
    assert wants_replacement([good, bad], "us", NOW)
    assert not wants_replacement([good, bad], "them", NOW)
    for hours in (0, 1, 19, 20, 21, 99):
        its_replacement = damaged(3, NOW, NOW + hours * HOUR)
        assert not wants_replacement([good, bad, its_replacement], "us", NOW + hours * HOUR)


def test_another_damaged_one_is_replaced_when_a_day_has_gone_by() -> None:
    bad, between = damaged(1, NOW - HOUR, NOW), archive(2, NOW, NOW + HOUR)
    for hours, wants in ((19, False), (20, True)):
        later = NOW + hours * HOUR
        assert wants_replacement([bad, between, damaged(3, NOW + 2 * HOUR, later)], "us", later) is wants


def test_opening_an_older_archive_does_not_put_off_the_newest() -> None:
    old = archive(1, NOW - timedelta(days=26), NOW - timedelta(hours=1), was_newest=False)
    fresh = archive(2, NOW - timedelta(minutes=5))
    assert next_to_prove([old, fresh], "us", NOW) == fresh


def test_one_that_could_not_be_opened_is_put_off_and_others_go_on() -> None:
    stale = archive(1, NOW - timedelta(days=60), NOW - timedelta(days=26))
    before, newest = archive(2, NOW - timedelta(hours=5)), archive(3, NOW - timedelta(hours=1))
    put_off = {newest.name}
    assert next_to_prove([stale, before, newest], "us", NOW, put_off=put_off) == before
    before = archive(2, NOW - timedelta(hours=5), NOW, was_newest=False)
    later = NOW + timedelta(hours=2)
    assert next_to_prove([stale, before, newest], "us", NOW, put_off=put_off) is None, "one follows another in peace"
    assert next_to_prove([stale, before, newest], "us", later, put_off=put_off) == stale
    assert next_to_prove([stale, before, newest], "us", NOW) == newest


def test_one_that_was_only_counted_is_tried_again_when_there_is_memory() -> None:
    index = Member("chroma/a/data_level0.bin", 1_000_000_000, "")
    newest = archive(2, NOW - timedelta(hours=3))
    assert newest.manifest is not None
    newest = dataclasses.replace(newest, manifest=dataclasses.replace(newest.manifest, members=(index,)))
    newest = with_proof(newest, Proof(NOW, opened=False, was_newest=True, remark="too little memory"))
    assert newest.state is State.VERIFIED
    later = NOW + timedelta(hours=2)
    assert next_to_prove([newest], "us", NOW, free_memory=9_000_000_000) is None, "that was just now"
    assert next_to_prove([newest], "us", later, free_memory=1_300_000_000) is None
    assert next_to_prove([newest], "us", later, free_memory=1_500_000_000) == newest
    stale = archive(1, NOW - timedelta(days=26))
    assert next_to_prove([newest, stale], "us", later, free_memory=1_300_000_000) == stale


def test_damaged_data_that_was_kept_as_it_was_is_read_monthly_and_no_more() -> None:
    raw = archive(1, NOW - timedelta(days=40))
    assert raw.manifest is not None
    raw = dataclasses.replace(raw, manifest=dataclasses.replace(raw.manifest, state="raw"))
    raw = with_proof(raw, Proof(NOW, opened=False))
    assert next_to_prove([raw], "us", NOW + timedelta(days=24)) is None
    assert next_to_prove([raw], "us", NOW + timedelta(days=25)) == raw


class Month:
    """A clinic's PC that is on from 8 to 18 h and backs up every four hours; it keeps the newest sixty."""

    def __init__(self) -> None:
        self.archives: dict[int, Archive] = {}
        #: When each archive was opened last, else made.
        self.seen: dict[int, datetime] = {}
        self.newest_opened: list[datetime] = []
        self.longest = timedelta()

    def pass_hour(self, now: datetime) -> None:
        if now.hour in (8, 12, 16):
            number = len(self.seen) + 1
            self.archives[number], self.seen[number] = archive(number, now), now
            self.archives.pop(number - 60, None)
        chosen = next_to_prove(list(self.archives.values()), "us", now)
        if chosen is not None:
            was_newest = chosen.sequence == max(self.archives)
            if was_newest:
                self.newest_opened.append(now)
            self.seen[chosen.sequence] = now
            self.archives[chosen.sequence] = with_proof(chosen, Proof(now, was_newest=was_newest))
        self.longest = max([self.longest, *(now - self.seen[number] for number in self.archives)])


def test_over_months_a_newest_one_is_opened_each_day_and_every_other_monthly() -> None:
    month = Month()
    first = NOW.replace(hour=0)
    for hour in range(24 * 90):
        if hour % 24 in range(8, 18):
            month.pass_hour(first + timedelta(hours=hour))
    days = [at.date() for at in month.newest_opened]
    assert max(later - earlier for earlier, later in itertools.pairwise(days)) == timedelta(days=1)
    assert len(days) == 90
    assert month.longest <= timedelta(days=31)


def test_every_archive_is_opened_again_at_least_monthly() -> None:
    archives = {number: archive(number, NOW - timedelta(days=30 - number)) for number in range(1, 31)}
    opened = dict.fromkeys(archives, NOW - timedelta(days=31))
    gaps = []
    for hour in range(24 * 90):
        now = NOW + timedelta(hours=hour)
        if hour % 24 not in range(8, 18):
            continue  # the PC is off at night
        chosen = next_to_prove(list(archives.values()), "us", now)
        if chosen is not None:
            gaps.append(now - opened[chosen.sequence])
            opened[chosen.sequence] = now
            archives[chosen.sequence] = with_proof(chosen, Proof(now))
    end = NOW + timedelta(days=90)
    assert max([*gaps[30:], *(end - at for at in opened.values())]) <= timedelta(days=31)


@pytest.mark.parametrize(
    ("waited", "quiet", "free_memory", "begins"),
    [
        (0, 119, 8_000_000_000, False),
        (0, 120, 8_000_000_000, True),
        (3600, 0, 8_000_000_000, True),
        (99_999, 99_999, 699_999_999, False),
    ],
)
def test_it_begins_when_the_clinic_is_quiet_or_after_an_hour_and_never_without_memory(
    waited: float, quiet: float, free_memory: int, begins: bool
) -> None:
    assert may_begin(waited=waited, quiet=quiet, free_memory=free_memory, has_room=True) is begins
    assert not may_begin(waited=waited, quiet=quiet, free_memory=free_memory, has_room=False)


def test_the_room_that_is_needed_is_that_of_all_that_is_in_the_archive() -> None:
    one = archive(1, NOW)
    assert one.manifest is not None
    members = (Member("clinic.db", 7_000_000, ""), Member("chroma/a", 5_000_000, ""))
    larger = dataclasses.replace(one, manifest=dataclasses.replace(one.manifest, members=members))
    assert room_for(larger) - room_for(dataclasses.replace(one, manifest=None)) == 12_000_000
