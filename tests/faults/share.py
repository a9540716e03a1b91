"""A long form may be cut into shares, one for each processor core: `--share 1/2` takes every second point."""

import argparse
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def add_to(parser: argparse.ArgumentParser) -> None:
    """Let the command line name a share."""
    parser.add_argument("--share", type=_share, default=(1, 1), metavar="N/OF", help="take the n-th of so many shares")


def of(points: Sequence[T], wanted: tuple[int, int]) -> Sequence[T]:
    """Return those of `points` that are in the share."""
    number, total = wanted
    return points[number - 1 :: total]


def _share(text: str) -> tuple[int, int]:
    number, _, total = text.partition("/")
    return int(number), int(total)
