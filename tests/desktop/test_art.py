"""The drawn icons: told apart by shape as well as by colour, and seen on every bar, at every size."""

from itertools import combinations

import pytest
from PIL import Image, ImageColor

from tray.art import COLOURS, draw
from tray.look import IconState

SIZES = (16, 20, 22, 24, 32, 48, 64)
#: Bars of Windows, macOS and Linux desktops.
BARS = ("#ffffff", "#f3f3f3", "#2d2d2d", "#1e1e1e", "#000000")


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour (WCAG 2)."""
    parts = [part / 255 for part in ImageColor.getrgb(colour)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def shape(picture: Image.Image) -> list[int]:
    """Return the picture without its colours: for each pixel whether it is clear, coloured or white."""
    pixels = zip(picture.getchannel("A").tobytes(), picture.getchannel("B").tobytes(), strict=True)
    reds = picture.getchannel("R").tobytes()
    return [
        0 if alpha < 128 else 2 if min(red, blue) > 215 else 1 for (alpha, blue), red in zip(pixels, reds, strict=True)
    ]


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return the share of pixels in which two pictures differ when colours are left out."""
    pairs = list(zip(shape(one), shape(other), strict=True))
    return sum(left != right for left, right in pairs) / len(pairs)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("state", IconState)
def test_an_icon_has_the_size_asked_for_and_fills_it(state: IconState, size: int) -> None:
    picture = draw(state, size)
    assert (picture.mode, picture.size) == ("RGBA", (size, size))
    left, top, right, bottom = picture.getchannel("A").getbbox() or (0, 0, 0, 0)
    assert min(right - left, bottom - top) >= 0.8 * size
    assert shape(picture).count(0) < 0.7 * size * size


@pytest.mark.parametrize("bar", BARS)
@pytest.mark.parametrize("state", IconState)
def test_an_icon_stands_out_from_the_bar(state: IconState, bar: str) -> None:
    assert contrast(COLOURS[state], bar) >= 3


@pytest.mark.parametrize("state", IconState)
def test_the_white_sign_stands_out_from_its_ground(state: IconState) -> None:
    assert contrast(COLOURS[state], "#ffffff") >= 3


@pytest.mark.parametrize("size", SIZES)
def test_no_two_states_have_the_same_shape_even_without_colours(size: int) -> None:
    for one, other in combinations(IconState, 2):
        assert difference(draw(one, size), draw(other, size)) > 0.08, (one, other)


def test_no_two_states_have_the_same_colour() -> None:
    assert len(set(COLOURS.values())) == len(IconState)


@pytest.mark.parametrize("size", SIZES)
def test_progress_can_be_seen_to_grow(size: int) -> None:
    white = [shape(draw(IconState.BACKING_UP, size, share)).count(2) for share in (None, 0.25, 0.5, 0.75, 1.0)]
    assert white == sorted(set(white))


def test_progress_changes_no_other_icon() -> None:
    for state in set(IconState) - {IconState.BACKING_UP}:
        assert draw(state, 32, 0.5).tobytes() == draw(state, 32).tobytes()
