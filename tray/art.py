"""Draws the icon: one shape and one colour for each state, readable on light and on dark bars.

The calm states are a shield; a warning and a failure are other shapes, so that they are seen without seeing colours.
"""

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw

from .look import IconState

#: Fill of each state: each stands out from white, from the usual dark bars, and from the white sign upon it.
COLOURS = {
    IconState.PROTECTED: "#1b8a4b",
    IconState.BACKING_UP: "#2a7dd8",
    IconState.ATTENTION: "#d26e00",
    IconState.FAILED: "#df3c3c",
    IconState.PAUSED: "#8170be",
    IconState.NOT_RUNNING: "#7a828c",
}

_WHITE = "#ffffff"
#: Everything is drawn this many times larger and then made smaller, for smooth edges.
_OVERSAMPLING = 8

Point = tuple[float, float]

_CHECK: tuple[Point, ...] = ((0.29, 0.49), (0.45, 0.65), (0.73, 0.33))
_TRIANGLE: tuple[Point, ...] = ((0.5, 0.02), (1.0, 0.95), (0.0, 0.95))


class _Canvas:
    """A square picture drawn in units of its width, from (0, 0) at the top left to (1, 1)."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._scale = size * _OVERSAMPLING
        self._image = Image.new("RGBA", (self._scale, self._scale))
        self._draw = ImageDraw.Draw(self._image)

    def polygon(self, points: Sequence[Point], colour: str) -> None:
        self._draw.polygon(self._pixels(points), fill=colour)

    def disc(self, centre: Point, radius: float, colour: str) -> None:
        self._draw.ellipse(self._box(centre, radius), fill=colour)

    def pie(self, radius: float, share: float, colour: str) -> None:
        """Fill `share` of a disc in the middle, clockwise from the top."""
        self._draw.pieslice(self._box((0.5, 0.5), radius), -90, -90 + 360 * share, fill=colour)

    def rounded_square(self, margin: float, radius: float, colour: str) -> None:
        corners = self._pixels(((margin, margin), (1 - margin, 1 - margin)))
        self._draw.rounded_rectangle(corners, radius * self._scale, fill=colour)

    def stroke(self, points: Sequence[Point], width: float, colour: str = _WHITE) -> None:
        """Draw a line through `points`, with round ends and corners."""
        self._draw.line(self._pixels(points), fill=colour, width=round(width * self._scale))
        for point in points:
            self.disc(point, width / 2, colour)

    def picture(self) -> Image.Image:
        return self._image.resize((self.size, self.size), Image.Resampling.BOX)

    def _pixels(self, points: Sequence[Point]) -> list[Point]:
        return [(x * self._scale, y * self._scale) for x, y in points]

    def _box(self, centre: Point, radius: float) -> list[Point]:
        x, y = centre
        return self._pixels(((x - radius, y - radius), (x + radius, y + radius)))


def draw(state: IconState, size: int, progress: float | None = None) -> Image.Image:
    """Return the icon of `state`, `size` pixels square; `progress` (0 to 1) is shown while backing up."""
    canvas = _Canvas(size)
    colour = COLOURS[state]
    match state:
        case IconState.PROTECTED:
            canvas.polygon(_shield(), colour)
            canvas.stroke(_CHECK, 0.13)
        case IconState.BACKING_UP:
            _backing_up(canvas, colour, progress)
        case IconState.ATTENTION:
            canvas.polygon(_TRIANGLE, colour)
            canvas.stroke(((0.5, 0.36), (0.5, 0.61)), 0.13)
            canvas.disc((0.5, 0.8), 0.075, _WHITE)
        case IconState.FAILED:
            canvas.polygon(_octagon(), colour)
            canvas.stroke(((0.31, 0.31), (0.69, 0.69)), 0.14)
            canvas.stroke(((0.69, 0.31), (0.31, 0.69)), 0.14)
        case IconState.PAUSED:
            canvas.rounded_square(0.04, 0.2, colour)
            canvas.stroke(((0.35, 0.29), (0.35, 0.71)), 0.15)
            canvas.stroke(((0.65, 0.29), (0.65, 0.71)), 0.15)
        case IconState.NOT_RUNNING:
            canvas.stroke(_shield(0.08), 0.13, colour)
            canvas.stroke(_CHECK, 0.11, colour)
    return canvas.picture()


def _backing_up(canvas: _Canvas, colour: str, progress: float | None) -> None:
    """Draw a disc whose rim fills as the backup goes on, around an arrow that goes down into safety."""
    canvas.disc((0.5, 0.5), 0.5, colour)
    if progress:
        canvas.pie(0.43, progress, _WHITE)
        canvas.disc((0.5, 0.5), 0.33, colour)
    canvas.stroke(((0.5, 0.28), (0.5, 0.68)), 0.12)
    canvas.stroke(((0.34, 0.54), (0.5, 0.7), (0.66, 0.54)), 0.12)


def _octagon() -> list[Point]:
    angles = (math.radians(22.5 + 45 * corner) for corner in range(8))
    return [(0.5 + 0.53 * math.cos(angle), 0.5 + 0.53 * math.sin(angle)) for angle in angles]


def _shield(margin: float = 0.0) -> list[Point]:
    """Return the outline of a shield that leaves `margin` free on all sides; first and last point are the same."""
    left, right, top, bottom = 0.06 + margin, 0.94 - margin, 0.1 + margin, 1.0 - margin
    middle = (top + bottom) / 2
    # The two lower sides are quarter ellipses that meet in a point.
    curve = [math.radians(step * 7.5) for step in range(11)]
    reach, depth = 0.5 - left, bottom - middle
    lower_right = [(0.5 + reach * math.cos(a), middle + depth * math.sin(a)) for a in curve]
    lower_left = [(1 - x, y) for x, y in reversed(lower_right)]
    upper = [(left, top), (0.5, top - 0.1), (right, top)]
    return [*upper, *lower_right, (0.5, bottom), *lower_left, upper[0]]
