"""A clinic's life as Hypothesis invents it: a short form of `python -m tests.laws.model --steps 10000`."""

from .life import Life
from .model import live


def test_whatever_is_done_in_whatever_order_no_archive_and_no_row_is_lost() -> None:
    before = Life.steps
    live(12, steps=25)
    assert Life.steps - before > 100
