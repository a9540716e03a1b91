"""What crosses the pipe to the icon arrives as it was sent."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tray.icon import cut
from tray.look import SEPARATOR, IconState, Item, Look, Notice, from_message, to_line

texts = st.text(max_size=40)
items = st.builds(Item, texts, texts, st.booleans(), st.booleans(), st.none() | st.booleans()) | st.just(SEPARATOR)
looks = st.builds(
    Look,
    st.sampled_from(IconState),
    texts,
    st.lists(items, max_size=5).map(tuple),
    st.none() | st.floats(0, 1),
)


@given(looks, st.none() | st.builds(Notice, texts, texts))
def test_a_look_and_its_notice_arrive_as_they_were_sent(look: Look, notice: Notice | None) -> None:
    line = to_line(look, notice)
    assert line.index(b"\n") == len(line) - 1
    assert from_message(json.loads(line)) == (look, notice)


def test_a_file_name_that_is_no_text_can_be_shown_all_the_same() -> None:
    look, _ = from_message(json.loads(to_line(Look(IconState.FAILED, "R\udce9sum\u00e9 is damaged."))))
    assert look.title == "R?sum\u00e9 is damaged."


def test_what_is_no_look_is_refused() -> None:
    with pytest.raises(ValueError, match="cheerful"):
        from_message({"state": "cheerful", "title": "", "menu": [], "progress": None})


@given(st.text(max_size=200), st.integers(1, 100))
def test_a_text_is_cut_to_what_windows_takes(text: str, units: int) -> None:
    short = cut(text, units)
    assert len(short.encode("utf-16-le")) <= 2 * units
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))
