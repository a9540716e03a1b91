"""A choice of points for the short forms."""

from collections.abc import Sequence


def spread(points: Sequence[int], wanted: int) -> Sequence[int]:
    """Return at least `wanted` of `points`, evenly spread, or all where there are fewer."""
    return points[:: max(len(points) // wanted, 1)]
