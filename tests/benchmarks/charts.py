"""Bar charts as SVG, for the docs."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

_ROW = 26
_LABEL = 410
_WIDTH = 860


class Bar(NamedTuple):
    """One bar; ours has another colour than what it is compared with."""

    name: str
    value: float
    is_ours: bool = True


def draw(folder: Path, name: str, title: str, bars: Sequence[Bar]) -> str:
    """Write the chart into `folder` as benchmark-NAME.svg, and return the line that shows it on the page."""
    (folder / f"benchmark-{name}.svg").write_text(chart(title, bars), encoding="utf-8")
    return f"![{title}](benchmark-{name}.svg)\n"


def chart(title: str, bars: Sequence[Bar]) -> str:
    """Return a horizontal bar chart."""
    most = max(bar.value for bar in bars) or 1.0
    rows = []
    for number, (name, value, is_ours) in enumerate(bars):
        top = 40 + number * _ROW
        length = (_WIDTH - _LABEL - 90) * value / most
        colour = "#1b7f5c" if is_ours else "#8a94a0"
        rows.append(
            f'<text x="{_LABEL - 8}" y="{top + 14}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="{_LABEL}" y="{top}" width="{length:.1f}" height="18" fill="{colour}" rx="3"/>'
            f'<text x="{_LABEL + length + 6:.1f}" y="{top + 14}">{_told(value)}</text>'
        )
    height = 50 + len(bars) * _ROW
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img"'
        f' aria-label="{escape(title)}" font-family="sans-serif" font-size="13">'
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/><text x="12" y="22" font-weight="bold">'
        f"{escape(title)}</text>{''.join(rows)}</svg>\n"
    )


def _told(value: float) -> str:
    return f"{value:.0f}" if value >= 20 else f"{value:.1f}" if value >= 2 else f"{value:.2f}"
