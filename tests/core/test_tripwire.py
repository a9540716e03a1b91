"""The tripwire: what counts as much less than before."""

import pytest

from backup_core.tripwire import alarm


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({"patients": 100, "visits": 500}, {"patients": 100, "visits": 500}),
        ({"patients": 100}, {"patients": 81}),
        ({"patients": 1000}, {"patients": 801}),
        ({"patients": 20}, {"patients": 1}),
        ({"patients": 5, "chroma:summaries": 5}, {"patients": 5}),
        ({}, {"patients": 0}),
        ({"patients": 0}, {"patients": 0}),
    ],
)
def test_small_losses_and_growth_are_everyday_life(before: dict[str, int], now: dict[str, int]) -> None:
    assert alarm(before, now) == ""


@pytest.mark.parametrize(
    ("before", "now", "sentence"),
    [
        ({"patients": 100}, {"patients": 80}, "20 of 100 patients have gone since the last good backup."),
        ({"visits": 1000}, {"visits": 800}, "200 of 1,000 visits have gone since the last good backup."),
        ({"patients": 9, "visits": 1}, {"patients": 9}, "The table visits is no longer in DocAssist's data."),
        ({"patients": 9}, {"patients": 0}, "DocAssist started with an empty clinic: 9 patients were there before."),
    ],
)
def test_a_great_loss_is_told_with_its_numbers(before: dict[str, int], now: dict[str, int], sentence: str) -> None:
    assert alarm(before, now).startswith(sentence)
