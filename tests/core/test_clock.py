from datetime import UTC, datetime, timedelta

from backup_core.clock import SYSTEM_CLOCK, moment


def test_the_three_clocks_of_this_computer_agree() -> None:
    before = datetime.now(UTC)
    now, local = SYSTEM_CLOCK.now(), SYSTEM_CLOCK.local()
    assert before <= now <= datetime.now(UTC)
    assert local.tzinfo is None
    assert abs(local.astimezone(UTC) - now) < timedelta(minutes=1)
    assert SYSTEM_CLOCK.monotonic() <= SYSTEM_CLOCK.monotonic()


def test_a_moment_is_read_from_both_clocks() -> None:
    first, second = moment(SYSTEM_CLOCK), moment(SYSTEM_CLOCK)
    assert first.utc <= second.utc
    assert first.running <= second.running
