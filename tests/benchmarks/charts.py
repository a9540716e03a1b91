"""Bar charts as SVG, for the docs."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

_ROW = 26
_LABEL = 270
_WIDTH = 720


def bars(title: str, values: Sequence[tuple[str, float]]) -> str:
    """Return a horizontal bar chart, ours (the first) in another colour."""
    most = max(value for _, value in values)
    rows = []
    for number, (name, value) in enumerate(values):
        top = 40 + number * _ROW
        length = (_WIDTH - _LABEL - 90) * value / most
        colour = "#1b7f5c" if number == 0 else "#8a94a0"
        rows.append(
            f'<text x="{_LABEL - 8}" y="{top + 14}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="{_LABEL}" y="{top}" width="{length:.1f}" height="18" fill="{colour}" rx="3"/>'
            f'<text x="{_LABEL + length + 6:.1f}" y="{top + 14}">{value:.1f}</text>'
        )
    height = 50 + len(values) * _ROW
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img"'
        f' aria-label="{escape(title)}" font-family="sans-serif" font-size="13">'
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/><text x="12" y="22" font-weight="bold">'
        f"{escape(title)}</text>{''.join(rows)}</svg>\n"
    )
