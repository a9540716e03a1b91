"""Tickets, session keys and download tokens: what each opens, how often and for how long."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.fakeclock import FakeClock
from webadmin.access import DOWNLOAD_LIFE, MOST_SESSIONS, TICKET_LIFE, Access
from webadmin.errors import Refused


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def access(clock: FakeClock) -> Access:
    return Access(clock=clock)


def test_a_fresh_ticket_opens_a_session(access: Access) -> None:
    assert access.is_session(access.open_session(access.new_ticket()))


def test_a_ticket_that_was_never_given_out_opens_nothing(access: Access) -> None:
    with pytest.raises(Refused, match="already been used, or it is too old") as caught:
        access.open_session("guess")

    assert "tray" in caught.value.hint


def test_a_ticket_is_too_old_after_a_minute(access: Access, clock: FakeClock) -> None:
    ticket = access.new_ticket()
    clock.pass_time(timedelta(seconds=TICKET_LIFE))

    with pytest.raises(Refused, match="too old"):
        access.open_session(ticket)


def test_a_second_use_within_a_minute_is_refused_and_ends_the_session(access: Access, clock: FakeClock) -> None:
    ticket = access.new_ticket()
    clock.pass_time(timedelta(seconds=TICKET_LIFE - 1))
    key = access.open_session(ticket)
    clock.pass_time(timedelta(seconds=TICKET_LIFE - 1))

    with pytest.raises(Refused, match="opened twice"):
        access.open_session(ticket)

    assert not access.is_session(key)


def test_a_second_use_later_leaves_the_session_alone(access: Access, clock: FakeClock) -> None:
    ticket = access.new_ticket()
    key = access.open_session(ticket)
    clock.pass_time(timedelta(seconds=TICKET_LIFE))

    with pytest.raises(Refused, match="too old"):
        access.open_session(ticket)

    assert access.is_session(key)


def test_a_second_use_ends_no_other_session(access: Access) -> None:
    other = access.open_session(access.new_ticket())
    ticket = access.new_ticket()
    access.open_session(ticket)

    with pytest.raises(Refused):
        access.open_session(ticket)

    assert access.is_session(other)


def test_of_many_that_race_for_a_ticket_one_gets_a_key_and_nobody_keeps_it(access: Access) -> None:
    ticket = access.new_ticket()

    def run(_: int) -> str | None:
        try:
            return access.open_session(ticket)
        except Refused:
            return None

    with ThreadPoolExecutor(8) as pool:
        keys = [key for key in pool.map(run, range(8)) if key]

    assert len(keys) == 1
    assert not access.is_session(keys[0])


def test_the_oldest_session_ends_when_there_are_too_many(access: Access) -> None:
    keys = [access.open_session(access.new_ticket()) for _ in range(MOST_SESSIONS + 1)]

    assert [access.is_session(key) for key in keys] == [False, *[True] * MOST_SESSIONS]


def test_a_download_token_is_good_for_one_fetch_of_one_archive(access: Access) -> None:
    token = access.new_download("backup.zip")

    assert access.spend_download(token) == "backup.zip"
    with pytest.raises(Refused, match="download link"):
        access.spend_download(token)


def test_a_download_token_is_too_old_after_a_minute(access: Access, clock: FakeClock) -> None:
    token = access.new_download("backup.zip")
    clock.pass_time(timedelta(seconds=DOWNLOAD_LIFE))

    with pytest.raises(Refused):
        access.spend_download(token)


def test_no_secret_opens_another_door(access: Access) -> None:
    key = access.open_session(access.new_ticket())
    ticket, download = access.new_ticket(), access.new_download("backup.zip")

    assert not access.is_control(key)
    assert not any(access.is_session(secret) for secret in (access.control_key, ticket, download, ""))
    assert access.is_control(access.control_key)


def test_each_run_has_secrets_of_its_own() -> None:
    assert Access().control_key != Access().control_key


def test_only_the_loopback_names_with_the_port_are_our_address(access: Access) -> None:
    access.set_port(4711)

    assert access.hosts == {"127.0.0.1:4711", "localhost:4711"}
